"""A release of OHIF as the portal has it, with a file of each kind."""

from pathlib import Path

from apps.viewer import release

SCRIPT = 'window.PUBLIC_URL="/viewer/"'
BUNDLE = "app.bundle.0f6159c501addfe9.js"
INDEX = f'<!doctype html><head><script>{SCRIPT}</script><script defer src="/viewer/{BUNDLE}"></script></head>'


def write_release(folder: Path) -> Path:
    """Below the folder of all releases."""
    made = release.folder_in(folder)
    made.mkdir(parents=True)
    (made / "index.html").write_text(INDEX)
    (made / BUNDLE).write_text("console.log(1)" * 100)
    (made / f"{BUNDLE}.gz").write_bytes(b"packed")
    (made / "34b1e6b1deb5828e.wasm").write_bytes(b"\0asm")
    (made / "app.bundle.css").write_text("body {}")
    return made
