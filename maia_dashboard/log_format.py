"""Structured logs: one JSON object a line on standard error, with the request id, without paths, queries or names."""

import logging
import logging.config
from collections.abc import Iterator, Mapping
from traceback import TracebackException
from types import TracebackType
from typing import Any

import structlog

FIELDS: list[Any] = [
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.add_log_level,
    structlog.stdlib.add_logger_name,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
]
LEVELS = {
    # Django's own lines name the path, which may carry a patient or a private link.
    "django.request": "CRITICAL",
    "django.security": "CRITICAL",
    "axes": "ERROR",
    "celery.app.trace": "WARNING",
    "celery.worker.strategy": "WARNING",
    "celery.beat": "WARNING",
}


def configure(level: str) -> None:
    logging.config.dictConfig(
        {
            "version": 1,
            "disable_existing_loggers": False,
            "formatters": {"json": _formatter()},
            "filters": {"unsaid": {"()": UnsaidErrors}},
            "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "json", "filters": ["unsaid"]}},
            "root": {"handlers": ["stderr"], "level": level},
            "loggers": {name: {"level": own} for name, own in LEVELS.items()},
        }
    )
    structlog.configure(
        processors=[*FIELDS, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )


def _formatter() -> dict[str, Any]:
    return {
        "()": structlog.stdlib.ProcessorFormatter,
        "processors": [
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            structlog.processors.ExceptionRenderer(where_it_broke),
            structlog.processors.JSONRenderer(),
        ],
        "foreign_pre_chain": FIELDS,
    }


class UnsaidErrors(logging.Filter):
    """Celery's line of a task that failed, without what the exception says."""

    def filter(self, record: logging.LogRecord) -> bool:
        if isinstance(record.args, Mapping) and "exc" in record.args:
            record.args = {**record.args, "exc": "…"}
        return True


def where_it_broke(exc_info: tuple[type[BaseException], BaseException, TracebackType | None]) -> str:
    """The traceback without what the exceptions say: a database, a decoder or a parser quotes values in that."""
    return "".join(_frames(TracebackException(*exc_info)))


def _frames(error: TracebackException) -> Iterator[str]:
    before = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    if before is not None:
        yield from _frames(before)
    yield from error.stack.format()
    yield f"{error.exc_type.__module__}.{error.exc_type.__qualname__}\n"
