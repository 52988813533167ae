from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from apps.audit import head, services
from apps.audit.head import Head
from apps.audit.models import Entry, Seal

NONE_KNOWN = "No head is kept on this machine: whether the newest rows were removed shows only with --head."


class Command(BaseCommand):
    help = (
        "`audit verify` checks the chain of audit rows; `audit head` prints how far it has come, to be kept elsewhere."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("action", choices=["verify", "head"])
        parser.add_argument("--head", type=Path, help="file with what `audit head` had printed", metavar="FILE")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["action"] == "head":
            self._print_head()
        else:
            self._verify(options["head"])

    def _print_head(self) -> None:
        newest = head.newest()
        if newest is None:
            raise CommandError("No row is sealed yet.")
        self.stdout.write(str(newest))

    def _verify(self, file: Path | None) -> None:
        elsewhere = [_read(file)] if file else []
        breaks = list(services.verify(*elsewhere))
        for sentence in breaks:
            self.stderr.write(sentence)
        if breaks:
            raise CommandError(f"The chain is broken at {len(breaks)} places.")
        sealed = Seal.objects.count()
        self.stdout.write(f"The chain holds: {sealed} rows sealed, {Entry.objects.count() - sealed} new.")
        if sealed and not elsewhere and head.kept() is None:
            self.stdout.write(NONE_KNOWN)


def _read(file: Path) -> Head:
    try:
        return Head.of(file.read_text())
    except (OSError, ValueError) as error:
        raise CommandError(f"{file} holds no head as `audit head` prints it.") from error
