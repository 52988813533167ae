"""`make viewer`: the package that is known, whole or not at all."""

import base64
import hashlib
import io
import os
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest

from apps.viewer import fetching, release
from apps.viewer.fetching import FetchFailed, fetch

BUILD = {
    "package/LICENSE": b"MIT",
    "package/package.json": b"{}",
    "package/dist/index.html": b'<link href="/app.bundle.css"><script>window.PUBLIC_URL="/"</script>',
    "package/dist/manifest.json": b'{"src": "/assets/icon.png"}',
    "package/dist/app.bundle.css": b"@font-face {src: url(/a34f9d1faa5f3315.woff2)}" * 50,
    "package/dist/app.bundle.0f6159c501addfe9.js": b"__webpack_require__.p = \"/\"; load('/dicom-microscopy-viewer/x')",
    "package/dist/sw.js": b"importScripts('https://elsewhere.example/sw.js')",
    "package/dist/ort/model.wasm": b"model",
    "package/dist/assets/icon.png": b"png",
    "package/dist/app.js.map": b"map",
}
InstallNpm = Callable[..., None]


def packed(files: dict[str, bytes]) -> bytes:
    """As npm's registry hands it out."""
    target = io.BytesIO()
    with tarfile.open(fileobj=target, mode="w:gz") as archive:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return target.getvalue()


@pytest.fixture
def npm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> InstallNpm:
    """Puts an npm in place that fetches these files, which are the known ones, and ends with `status`."""

    def install(files: dict[str, bytes], *, is_known: bool = True, status: int = 0) -> None:
        package = tmp_path / "package"
        package.write_bytes(packed(files))
        digest = hashlib.sha512(package.read_bytes() if is_known else b"").digest()
        monkeypatch.setattr(release, "INTEGRITY", f"sha512-{base64.b64encode(digest).decode()}")
        program = tmp_path / "bin" / "npm"
        program.parent.mkdir(exist_ok=True)
        # The last argument is the folder to pack into.
        program.write_text(
            f'#!/bin/bash\necho "$@" >>{tmp_path}/called\ncp {package} "${{@: -1}}"/a.tgz\nexit {status}\n'
        )
        program.chmod(0o755)
        monkeypatch.setenv("PATH", f"{program.parent}:{os.environ['PATH']}")

    return install


def test_the_build_is_fetched_and_mounted(npm: InstallNpm, tmp_path: Path) -> None:
    npm(BUILD)
    found = fetch(tmp_path / "ohif")
    assert found == tmp_path / "ohif" / release.VERSION
    names = {str(path.relative_to(found)) for path in found.rglob("*") if path.is_file()}
    assert names == {
        "LICENSE",
        "index.html",
        "manifest.json",
        "app.bundle.css",
        "app.bundle.css.gz",
        "app.bundle.0f6159c501addfe9.js",
        "assets/icon.png",
    }
    html = (found / "index.html").read_text()
    assert html == '<link href="/viewer/app.bundle.css"><script>window.PUBLIC_URL="/viewer/"</script>'
    assert "url(/viewer/a34" in (found / "app.bundle.css").read_text()
    script = (found / "app.bundle.0f6159c501addfe9.js").read_text()
    assert script == "__webpack_require__.p = \"/viewer/\"; load('/viewer/dicom-microscopy-viewer/x')"


def test_npm_is_asked_for_exactly_this_release_and_for_nothing_to_run(npm: InstallNpm, tmp_path: Path) -> None:
    npm(BUILD)
    fetch(tmp_path / "ohif")
    called = (tmp_path / "called").read_text()
    assert called.startswith("pack @ohif/app@3.13.2 --ignore-scripts ")


def test_what_was_fetched_is_not_fetched_again(npm: InstallNpm, tmp_path: Path) -> None:
    npm(BUILD)
    assert fetch(tmp_path / "ohif") == fetch(tmp_path / "ohif")
    assert len((tmp_path / "called").read_text().splitlines()) == 1


def nothing_is_left(folder: Path) -> bool:
    return list(folder.iterdir()) == []


def test_another_package_is_not_taken(npm: InstallNpm, tmp_path: Path) -> None:
    npm(BUILD, is_known=False)
    with pytest.raises(FetchFailed, match="its hash is another"):
        fetch(tmp_path / "ohif")
    assert nothing_is_left(tmp_path / "ohif")


def test_a_build_that_cannot_be_mounted_is_not_taken(npm: InstallNpm, tmp_path: Path) -> None:
    npm({**BUILD, "package/dist/app.bundle.css": b""})
    with pytest.raises(FetchFailed, match=r"'url\(/' is in none of \*\.css"):
        fetch(tmp_path / "ohif")
    assert nothing_is_left(tmp_path / "ohif")


def test_npm_that_fails_is_named(npm: InstallNpm, tmp_path: Path) -> None:
    npm(BUILD, status=1)
    with pytest.raises(FetchFailed, match=r"npm could not fetch @ohif/app@3\.13\.2"):
        fetch(tmp_path / "ohif")
    assert nothing_is_left(tmp_path / "ohif")


def test_one_that_hangs_is_given_up(npm: InstallNpm, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    npm(BUILD)
    (tmp_path / "bin" / "npm").write_text("#!/bin/sh\nexec sleep 60\n")
    monkeypatch.setattr(fetching, "TIMEOUT_SECONDS", 0.2)
    with pytest.raises(FetchFailed, match="npm could not fetch"):
        fetch(tmp_path / "ohif")


def test_without_npm_it_says_what_is_needed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(FetchFailed, match="apt-get install npm"):
        fetch(tmp_path / "ohif")
