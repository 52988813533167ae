"""`python -m apps.jobs.cluster.stage`: from the project's archive into the input folder, each object by its hash."""

from __future__ import annotations

from pathlib import Path

from apps.jobs.cluster.containers import ARCHIVE, BROKEN, INPUT, REQUEST, WRONG, leave
from apps.jobs.cluster.orthanc import ArchiveFailed, Orthanc
from apps.jobs.cluster.request import Request
from apps.jobs.staging import InputDamaged, target_of


def stage(request: Request, archive: Orthanc, folder: Path) -> None:
    """Raises InputDamaged and ArchiveFailed."""
    archive.remove(request.abandoned)
    for sop_instance_uid, sha256 in request.inputs.items():
        target = folder / target_of(request.study_instance_uid, request.series_instance_uid, sop_instance_uid)
        target.parent.mkdir(parents=True, exist_ok=True)
        found = archive.fetch(sop_instance_uid, target)
        if found is None:
            raise InputDamaged("The archive no longer has all images of the series.")
        if found != sha256:
            raise InputDamaged("A file does not have the bytes that were recorded of it.")


def main() -> None:
    request = Request.read(REQUEST)
    try:
        stage(request, Orthanc.of_secret(request.archive, ARCHIVE), INPUT)
    except InputDamaged as damaged:
        leave(WRONG, str(damaged))
    except ArchiveFailed as failure:
        leave(BROKEN, str(failure))


if __name__ == "__main__":
    main()
