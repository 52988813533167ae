"""Beat: rings every sweep, so that a lost message costs a sweep's time, never the work."""

from django.conf import settings

from celery_worker.app import app

SWEEPS = ("core.sweep_mail", "audit.seal")


def install() -> None:
    every = float(settings.SWEEP_SECONDS)
    app.conf.beat_schedule = {name: {"task": name, "schedule": every, "options": {"expires": every}} for name in SWEEPS}
