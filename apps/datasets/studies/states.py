"""What the index knows of a study's state, in plain words."""

from django.db import models
from django.utils import timezone

from apps.archives.models import Study
from apps.archives.selectors import Outage
from apps.core.badges import Badge

CHANGING_FOR = 120  # seconds since the last object came or went


class StudyState(models.TextChoices):
    CHANGING = "changing", "Changing"
    STORED = "stored", "Stored"


def state_of(study: Study, outage: Outage | None) -> Badge:
    """DICOM never says that a study is complete; what can be told is that nothing comes any more."""
    if outage and outage.is_asleep:
        return Badge("off", "player-pause", "Asleep", "until the project goes on")
    if outage:
        return Badge("bad", "plug-connected-x", "Not reachable", "listed as last seen")
    if (timezone.now() - study.updated_at).total_seconds() < CHANGING_FOR:
        return Badge("busy", "loader-2", StudyState.CHANGING.label, "objects come or go")
    return Badge("good", "circle-check", StudyState.STORED.label)
