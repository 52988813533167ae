"""What is done behind the pages: the queue, how often, and how much at once."""

from typing import Any

from maia_dashboard.settings.base import ENV, VAR_DIR

CELERY_BROKER_URL = ENV["REDIS_URL"] or "filesystem://localhost"
CELERY_BROKER_TRANSPORT_OPTIONS: dict[str, Any] = (
    {"socket_timeout": 5, "socket_connect_timeout": 5}
    if ENV["REDIS_URL"]
    else {
        # One folder for both directions makes the queue visible to all processes; the default poll takes seconds.
        "data_folder_in": str(VAR_DIR / "queue"),
        "data_folder_out": str(VAR_DIR / "queue"),
        "control_folder": str(VAR_DIR / "queue" / "control"),
        "polling_interval": 0.2,
    }
)
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_TASK_PUBLISH_RETRY = False
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_SERIALIZER = "json"
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_WORKER_ENABLE_REMOTE_CONTROL = False
CELERY_WORKER_SEND_TASK_EVENTS = False
CELERY_TIMEZONE = "UTC"
ARCHIVE_AFTER_DAYS = ENV["ARCHIVE_AFTER_DAYS"]
DELETION_GRACE_DAYS = ENV["DELETION_GRACE_DAYS"]
UPLOAD_FILES_KEPT_DAYS = ENV["UPLOAD_FILES_KEPT_DAYS"]
SWEEP_SECONDS = ENV["SWEEP_SECONDS"]
OBSERVE_SECONDS = ENV["OBSERVE_SECONDS"]
CLAIM_SECONDS = ENV["CLAIM_SECONDS"]
RUNS_AT_ONCE = ENV["RUNS_AT_ONCE"]
RUN_QUEUE_HOURS = ENV["RUN_QUEUE_HOURS"]
RUN_MEMORY_BYTES = ENV["RUN_MEMORY_GIB"] * 1024**3
