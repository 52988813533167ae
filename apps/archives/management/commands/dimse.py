import logging
import shutil
import signal
import threading
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from apps.archives.dimse.station import Station
from apps.archives.services import reader
from apps.integrations.dimse.listener import Listener


class Command(BaseCommand):
    help = "Takes DICOM by DIMSE on DIMSE_PORT, from listed devices, until it is stopped; `up` starts it."

    def handle(self, *args: Any, **options: Any) -> None:
        if not settings.DIMSE_PORT:
            raise CommandError("DIMSE_PORT is not set.")
        logging.getLogger("pynetdicom").setLevel(logging.WARNING)
        is_over = threading.Event()
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: is_over.set())
        address = settings.ENV["DIMSE_BIND"], settings.DIMSE_PORT
        listener = Listener(Station(), address, folder=_empty_folder(), most_bytes=settings.UPLOAD_MAX_BYTES)
        listener.start()
        is_over.wait()
        listener.stop()
        reader().close()


def _empty_folder() -> Path:
    """What a process that was killed has left in it was never acknowledged."""
    folder: Path = settings.VAR_DIR / "tmp" / "dimse"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(mode=0o700, parents=True)
    return folder
