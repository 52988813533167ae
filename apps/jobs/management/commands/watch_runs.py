"""`manage.py watch_runs`: tells at once what becomes of runs in clusters, until it is stopped."""

import signal
from typing import Any

from django.core.management.base import BaseCommand

from apps.jobs.watcher import Watcher


class Command(BaseCommand):
    help = "Tells at once what becomes of runs in clusters, until it is stopped."
    requires_system_checks = []  # they run with migrate

    def handle(self, *args: Any, **options: Any) -> None:
        watcher = Watcher()
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: watcher.stop())
        watcher.run()
