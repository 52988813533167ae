from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from apps.archives import services
from apps.archives.models import Archive, Instance, Series
from apps.archives.verification import verify


class Command(BaseCommand):
    help = (
        "`archive verify PROJECT` compares every stored object with the index; "
        "`archive rebuild PROJECT` writes the metadata files of series anew."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("action", choices=["verify", "rebuild"])
        parser.add_argument("project", help="the project's namespace")

    def handle(self, *args: Any, **options: Any) -> None:
        archives = list(Archive.objects.filter(project__namespace=options["project"]).order_by("pk"))
        if not archives:
            raise CommandError(f"No project with the namespace {options['project']} has an archive.")
        act = self._verify if options["action"] == "verify" else self._rebuild
        for archive in archives:
            act(archive)

    def _verify(self, archive: Archive) -> None:
        faults = 0
        for sentence in verify(archive):
            faults += 1
            self.stderr.write(sentence)
        if faults:
            raise CommandError(f"Archive {archive.name}: {faults} of its objects or files are not as they should be.")
        count = Instance.objects.filter(archive=archive).count()
        self.stdout.write(f"Archive {archive.name}: all {count} objects are there, unchanged.")

    def _rebuild(self, archive: Archive) -> None:
        written = 0
        for series in Series.objects.filter(archive=archive).select_related("study").order_by("pk").iterator():
            services.rebuild_metadata(series, is_forced=True)
            written += 1
        self.stdout.write(f"Archive {archive.name}: wrote the metadata of {written} series.")
