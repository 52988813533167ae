"""OHIF is built to live at `/`. Its addresses are rewritten once, when it is fetched: to serve it is to send files."""

from dataclasses import dataclass
from pathlib import Path

from apps.viewer.release import MOUNT


class ReleaseDiffers(Exception):
    """An address that has to be rewritten is not where it is known to be; the message says where that is."""


@dataclass(frozen=True)
class Rewriting:
    files: str  # as a pattern in the folder
    old: str
    new: str


REWRITINGS = (
    Rewriting("index.html", '="/', f'="{MOUNT}'),
    Rewriting("manifest.json", '": "/', f'": "{MOUNT}'),
    Rewriting("*.css", "url(/", f"url({MOUNT}"),
    Rewriting("*.bundle.*.js", '__webpack_require__.p = "/"', f'__webpack_require__.p = "{MOUNT}"'),
    Rewriting("app.bundle.*.js", "'/dicom-microscopy-viewer/", f"'{MOUNT}dicom-microscopy-viewer/"),
)


def mount(folder: Path) -> None:
    """Makes the build of OHIF in the folder one that lives at MOUNT. Raises ReleaseDiffers."""
    for rewriting in REWRITINGS:
        changed = [path for path in sorted(folder.glob(rewriting.files)) if _rewrite(path, rewriting)]
        if not changed:
            raise ReleaseDiffers(f"{rewriting.old!r} is in none of {rewriting.files}")


def _rewrite(path: Path, rewriting: Rewriting) -> bool:
    text = path.read_text()
    if rewriting.old not in text:
        return False
    path.write_text(text.replace(rewriting.old, rewriting.new))
    return True
