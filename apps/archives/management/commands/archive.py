from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from apps.archives import services
from apps.archives.models import Archive, Instance, Series, SkippedObject
from apps.archives.services import IncomingFile
from apps.archives.verification import unindexed_files, verify


class Command(BaseCommand):
    help = (
        "`archive verify PROJECT` compares every stored object with the index; "
        "`archive adopt PROJECT` takes objects into the index that it does not know; "
        "`archive rebuild PROJECT` writes the metadata files of series anew."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("action", choices=["verify", "adopt", "rebuild"])
        parser.add_argument("project", help="the project's namespace")

    def handle(self, *args: Any, **options: Any) -> None:
        archives = list(Archive.objects.filter(project__namespace=options["project"]).order_by("pk"))
        if not archives:
            raise CommandError(f"No project with the namespace {options['project']} has an archive.")
        act = {"verify": self._verify, "adopt": self._adopt, "rebuild": self._rebuild}[options["action"]]
        for archive in archives:
            try:
                act(archive)
            except services.ArchiveUnreachable as unreachable:
                raise CommandError(f"Archive {archive.name}: {unreachable}") from unreachable

    def _verify(self, archive: Archive) -> None:
        faults = 0
        for sentence in verify(archive):
            faults += 1
            self.stderr.write(sentence)
        if faults:
            raise CommandError(f"Archive {archive.name}: {faults} of its objects or files are not as they should be.")
        count = Instance.objects.filter(archive=archive).count()
        self.stdout.write(f"Archive {archive.name}: all {count} objects are there, unchanged.")
        for skipped in SkippedObject.objects.filter(archive=archive).order_by("pk"):
            self.stdout.write(f"Outside the index: {skipped.orthanc_id}. {skipped.sentence}")
        unknown = len(unindexed_files(archive)) if archive.kind == Archive.Kind.BUILT_IN else 0
        if unknown:
            self.stdout.write(
                f"Besides, {unknown} files are not in the index: nobody was told that they are stored, or the database "
                "is older than they are. `archive adopt` takes them in."
            )

    def _adopt(self, archive: Archive) -> None:
        if archive.kind == Archive.Kind.ORTHANC:
            self._refresh(archive)
            return
        found = [IncomingFile(path, str(path)) for path in unindexed_files(archive)]
        results = services.store_files(archive, found, by=None)
        for result in results:
            if result.is_refused:
                self.stderr.write(f"{result.name}: {result.sentence}")
        taken = sum(not result.is_refused for result in results)
        self.stdout.write(f"Archive {archive.name}: took {taken} of {len(results)} files into the index.")

    def _refresh(self, archive: Archive) -> None:
        before = Instance.objects.filter(archive=archive).count()
        is_complete = services.refresh(archive)
        count = Instance.objects.filter(archive=archive).count()
        rest = "" if is_complete else " It is not done yet: the worker goes on."
        self.stdout.write(f"Archive {archive.name}: the index has {count} objects, before {before}.{rest}")

    def _rebuild(self, archive: Archive) -> None:
        written = 0
        for series in Series.objects.filter(archive=archive).select_related("study").order_by("pk").iterator():
            services.rebuild_metadata(series, is_forced=True)
            written += 1
        self.stdout.write(f"Archive {archive.name}: wrote the metadata of {written} series.")
