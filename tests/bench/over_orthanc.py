"""A project's Orthanc by way of the portal, and asked itself: what the way round costs."""

import tempfile
from pathlib import Path

from tests.bench.dicomweb import BATCH, SLICES, measure_reading, new_series, show, store
from tests.bench.sides import orthanc_in, portal_in, side_of, side_of_orthanc

CONNECT = (
    "from apps.archives.services import ensure_remote_archive as connect\n"
    "from apps.integrations.kubernetes.route import Route\n"
    "from apps.projects.models import Project\n"
    "project = Project.objects.get(namespace='sample')\n"
    "connect(project, route=Route('{orthanc.url}'), username='{orthanc.user}', password='{orthanc.password}')"
)


def main() -> None:
    with (
        tempfile.TemporaryDirectory(prefix="maia-bench-") as name,
        orthanc_in(Path(name)) as orthanc,
        portal_in(Path(name)) as portal,
    ):
        if orthanc is None:
            return
        portal.manage("shell", "-c", CONNECT.format(orthanc=orthanc))
        sides = [side_of(portal), side_of_orthanc(orthanc)]
        series = [new_series(Path(name)) for _ in sides]
        rates = [store(side, [one], batch=BATCH) for side, one in zip(sides, series, strict=True)]
        show(f"over Orthanc: STOW {SLICES} in batches of {BATCH}", rates, "instances/s")
        for times in ("first", "again"):
            measure_reading(sides, series[0], prefix=f"over Orthanc, {times}: ", has_targets=False)


if __name__ == "__main__":
    main()
