from collections.abc import Callable
from functools import partial
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from apps.archives import services
from apps.archives.mending import mend
from apps.archives.models import Archive, Instance, SkippedObject
from apps.archives.rebuilding import rebuild
from apps.archives.services import IncomingFile
from apps.archives.verification import unindexed_files, verify


class Command(BaseCommand):
    help = (
        "`archive verify PROJECT` compares every stored object with the index, and mends what follows from the index; "
        "`archive adopt PROJECT` takes objects into the index that it does not know; "
        "`archive rebuild PROJECT` reads every object again and writes index and metadata files anew; "
        "`archive export PROJECT DIR` writes all images as files that any web server can serve as DICOMweb."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("action", choices=["verify", "adopt", "rebuild", "export"])
        parser.add_argument("project", help="the project's namespace")
        parser.add_argument("target", nargs="?", help="of export: a folder, or s3://BUCKET/PREFIX")
        parser.add_argument("--archive", help="only the archive of this name; export takes the default one")
        parser.add_argument(
            "--url", default="", help="of export: where the target will be served; else addresses in it are relative"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        archives = Archive.objects.filter(project__namespace=options["project"], removed_at=None).order_by("pk")
        if options["archive"]:
            archives = archives.filter(name=options["archive"])
        elif options["action"] == "export":
            archives = archives.filter(is_default=True)
        if not archives:
            raise CommandError(f"No project with the namespace {options['project']} has such an archive.")
        export = partial(self._export, target=options["target"], root=options["url"])
        act: dict[str, Callable[[Archive], None]] = {
            "verify": self._verify,
            "adopt": self._adopt,
            "rebuild": self._rebuild,
            "export": export,
        }
        failures = []
        for archive in archives:
            try:
                act[options["action"]](archive)
            except CommandError as failure:
                failures.append(str(failure))
            except services.ArchiveUnreachable as unreachable:
                failures.append(f"Archive {archive.name}: {unreachable}")
        if failures:
            raise CommandError("\n".join(failures))

    def _verify(self, archive: Archive) -> None:
        for sentence in mend(archive):
            self.stdout.write(sentence)
        faults = 0
        for sentence in verify(archive):
            faults += 1
            self.stderr.write(sentence)
        if faults:
            raise CommandError(f"Archive {archive.name}: {faults} of its objects or files are not as they should be.")
        count = Instance.objects.filter(archive=archive).count()
        self.stdout.write(f"Archive {archive.name}: all {count} objects are there, unchanged.")
        for skipped in SkippedObject.objects.filter(archive=archive).order_by("pk"):
            self.stdout.write(f"Outside the index: {skipped.remote_name}. {skipped.sentence}")
        unknown = len(unindexed_files(archive)) if not archive.is_remote else 0
        if unknown:
            self.stdout.write(
                f"Besides, {unknown} files are not in the index: nobody was told that they are stored, or the database "
                "is older than they are. `archive adopt` takes them in."
            )

    def _adopt(self, archive: Archive) -> None:
        if archive.is_remote:
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
        objects = changed = faults = 0
        for rebuilt in rebuild(archive):
            for fault in rebuilt.faults:
                self.stderr.write(fault)
            objects, changed = objects + rebuilt.objects, changed + rebuilt.changed
            faults += len(rebuilt.faults)
        self.stdout.write(f"Archive {archive.name}: read {objects} objects; the index of {changed} is made anew.")
        if faults:
            raise CommandError(f"Archive {archive.name}: the index of {faults} of its objects stays as it was.")

    def _export(self, archive: Archive, *, target: str | None, root: str) -> None:
        if not target:
            raise CommandError("It needs a folder to write into: archive export PROJECT DIR.")
        try:
            made = services.export(archive, target, root=root, tell=self._tell)
        except (services.TargetFailed, services.PoolBusy, OSError) as failure:
            raise CommandError(f"{failure} What was written stays; the same command goes on from there.") from failure
        for fault in made.faults:
            self.stderr.write(fault)
        self.stdout.write(
            f"Archive {archive.name}: wrote {made.written} objects, {made.unchanged} were there unchanged, "
            f"removed {made.removed} that the archive no longer has."
        )
        if made.faults:
            raise CommandError(f"Archive {archive.name}: {len(made.faults)} of its objects are not wholly exported.")

    def _tell(self, progress: services.Progress) -> None:
        self.stdout.write(f"{progress.done} of {progress.total} objects")
