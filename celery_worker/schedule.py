"""Beat: rings every sweep, so that a lost message costs a sweep's time, never the work."""

from typing import Any

from celery.schedules import crontab
from django.conf import settings

from celery_worker.app import app

SWEEPS = (
    "core.sweep_mail",
    "core.forget_mail",
    "audit.seal",
    "archives.sweep",
    "clusters.sweep",
    "archives.refresh",
    "archives.advance_exports",
    "datasets.sweep",
    "projects.sweep",
    "provisioning.sweep",
    "provisioning.sweep_projects",
    "provisioning.sweep_people",
    "provisioning.sweep_members",
    "registrations.sweep",
    "registrations.digest",
    "jobs.sweep",
    "workspaces.sweep",
)


def install() -> None:
    every = float(settings.SWEEP_SECONDS)
    app.conf.beat_schedule = {
        **{name: _ring(name, every) for name in SWEEPS},
        "jobs.observe_active": _ring("jobs.observe_active", float(settings.OBSERVE_SECONDS)),
        "provisioning.watch": _ring("provisioning.watch", float(settings.OBSERVE_SECONDS)),
        "workspaces.watch": _ring("workspaces.watch", float(settings.OBSERVE_SECONDS)),
        "datasets.forget_files": _nightly("datasets.forget_files"),
    }


def _ring(task: str, every: float) -> dict[str, Any]:
    # A bell that nobody heard before the next one rings is of no use any more.
    return {"task": task, "schedule": every, "options": {"expires": every}}


def _nightly(task: str) -> dict[str, Any]:
    return {"task": task, "schedule": crontab(hour=2, minute=30), "options": {"expires": 12 * 3600.0}}
