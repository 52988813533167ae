from typing import Any

from django.core.management.base import BaseCommand

from maia_dashboard import environment


class Command(BaseCommand):
    help = "Prints all settings as a Markdown table: the one in docs/administrators.md."

    def handle(self, *args: Any, **options: Any) -> None:
        self.stdout.write(environment.table())
