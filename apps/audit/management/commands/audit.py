from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from apps.audit import services
from apps.audit.models import Entry, Seal


class Command(BaseCommand):
    help = "`audit verify` checks the chain of audit rows."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("action", choices=["verify"])

    def handle(self, *args: Any, **options: Any) -> None:
        breaks = list(services.verify())
        for sentence in breaks:
            self.stderr.write(sentence)
        if breaks:
            raise CommandError(f"The chain is broken at {len(breaks)} places.")
        sealed = Seal.objects.count()
        self.stdout.write(f"The chain holds: {sealed} rows sealed, {Entry.objects.count() - sealed} new.")
