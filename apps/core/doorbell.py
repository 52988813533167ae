"""Rows are the queue, Celery is the doorbell: a bell that fails costs a sweep's time and nothing else."""

import structlog
from celery import current_app
from django.db import transaction

log = structlog.get_logger(__name__)


def ring(task: str, *pks: int) -> None:
    """Rings `task` with primary keys once the transaction has committed. Never raises."""
    transaction.on_commit(lambda: _send(task, pks), robust=True)


def _send(task: str, pks: tuple[int, ...]) -> None:
    try:
        current_app.send_task(task, args=pks)
    except Exception:
        log.warning("doorbell failed", task=task, pks=pks, exc_info=True)
