"""The queue in files, with messages that come whole.

kombu's own transport opens a message under its name before it writes it: a worker that looks in between reads an empty
file, which ends it.
"""

import os
from pathlib import Path
from time import monotonic
from typing import Any
from uuid import uuid4

from kombu.exceptions import ChannelError
from kombu.transport import filesystem
from kombu.utils.json import dumps


class Channel(filesystem.Channel):
    def _put(self, queue: str, payload: dict[str, Any], **_: Any) -> None:  # type: ignore[override]
        """Under a name that no queue looks for, until it is written."""
        path = Path(self.data_folder_out, f"{round(monotonic() * 1000)}_{uuid4()}.{queue}.msg")
        unfinished = path.with_suffix(".new")
        try:
            unfinished.write_text(dumps(payload))
            os.replace(unfinished, path)
        except OSError as error:
            raise ChannelError(f"No message can be written to {self.data_folder_out}") from error


class Transport(filesystem.Transport):
    Channel = Channel
