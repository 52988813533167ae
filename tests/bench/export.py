"""Static export of one CT series of 300 × 512² into a folder: everything, and again when nothing changed."""

import os

os.environ["DJANGO_SETTINGS_MODULE"] = "tests.settings"

import django

django.setup()

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path

from django.core.management import call_command
from django.test import override_settings

from apps.archives import services
from apps.archives.models import Archive
from apps.archives.services import IncomingFile
from apps.projects.services import create_project, mark_ready
from tests.bench import figures
from tests.dicom import ct_series
from tests.plans import project_plan

SLICES, SIZE, REPEAT = 300, 512, 3
# As static-wado-creator 1.7.6 was seen to write such a series elsewhere: quoted, not measured in this run.
QUOTED = (24, 55)


def main() -> None:
    call_command("migrate", verbosity=0)
    with tempfile.TemporaryDirectory(prefix="maia-bench-") as name, _archive(Path(name)) as archive:
        numbers = count()
        _export(archive, Path(name, "first"))  # which starts the readers
        seconds = figures.median_seconds(lambda: _export(archive, Path(name, f"new{next(numbers)}")), REPEAT)
        figures.show(f"static export of {SLICES} x {SIZE}x{SIZE}", SLICES / seconds, "instances/s")
        print(f"bench static export: static-wado-creator, quoted: {QUOTED[0]} to {QUOTED[1]} instances/s")
        again = figures.median_seconds(lambda: _export(archive, Path(name, "first")), REPEAT)
        figures.show("static export again, nothing changed", again * 1000, "ms")
        figures.show(
            "static export, bytes for each byte of the images", _size(Path(name, "first")) / _stored(archive), ""
        )


@contextmanager
def _archive(folder: Path) -> Iterator[Archive]:
    with override_settings(ARCHIVES_DIR=folder / "archives"):
        project = create_project(project_plan("bench"), by=None)
        mark_ready(project)
        archive = services.ensure_archive(project)
        series = ct_series(folder / "source", slices=SLICES, rows=SIZE, columns=SIZE, seed="export")
        services.store_files(archive, [IncomingFile(path) for path in series.paths], by=None)
        yield archive


def _export(archive: Archive, folder: Path) -> None:
    services.export(archive, str(folder), tell=lambda progress: None)


def _size(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def _stored(archive: Archive) -> int:
    return sum(archive.instances.values_list("size_bytes", flat=True))


if __name__ == "__main__":
    main()
