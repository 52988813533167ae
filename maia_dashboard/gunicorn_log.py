"""What the web server says by itself, without the requests that it speaks of."""

from typing import Any

from gunicorn.glogging import Logger


class NamelessRequests(Logger):  # type: ignore[misc]
    """gunicorn quotes addresses and lines of requests, which may carry a patient, a token or a private link."""

    def warning(self, msg: str, *args: Any, **kwargs: Any) -> None:
        is_quoting = msg.startswith("Invalid request")
        super().warning(msg.partition(": ")[0] if is_quoting else msg, *args, **kwargs)

    def exception(self, msg: object, *args: Any, **kwargs: Any) -> None:
        super().exception(str(msg).partition(" %s")[0], **kwargs)
