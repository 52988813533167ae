"""How an upload's state is drawn."""

from collections import Counter

from apps.core.badges import Badge
from apps.datasets.models import Upload, UploadedFile

Outcome = UploadedFile.Outcome


def badge_of(upload: Upload, unsettled: Counter[str]) -> Badge:
    """`unsettled`: how many of its files wait, by outcome."""
    missing = unsettled[Outcome.WAITING]
    if unsettled[Outcome.ARRIVED]:
        return Badge("busy", "loader-2", "Being checked")
    if upload.ended_at is not None:
        return Badge("off", "ban", "Ended", "The rest was not to come.")
    if missing:
        have = "1 file has" if missing == 1 else f"{missing} files have"
        return Badge("wait", "clock", "Not complete", f"{have} not come.")
    if upload.refused_count:
        return Badge("bad", "alert-triangle", "Not all taken")
    return Badge("good", "circle-check", "Done")
