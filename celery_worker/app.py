"""The Celery app: a doorbell. What is to be done stands in rows (DESIGN §3)."""

import os

from celery import Celery
from kombu.transport import TRANSPORT_ALIASES

TRANSPORT_ALIASES["filesystem"] = "celery_worker.queue_files:Transport"
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "maia_dashboard.settings")

app = Celery("maia")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
