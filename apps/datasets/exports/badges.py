"""How an export's state is drawn."""

from apps.archives.models import Export
from apps.core.badges import Badge

Status = Export.Status
_LOOKS = {
    Status.QUEUED: ("wait", "clock"),
    Status.RUNNING: ("busy", "loader-2"),
    Status.DONE: ("good", "circle-check"),
    Status.FAILED: ("bad", "alert-triangle"),
    Status.CANCELLED: ("off", "ban"),
}


def badge_of(export: Export) -> Badge:
    status = Status(export.status)
    return Badge(*_LOOKS[status], status.label, export.sentence)
