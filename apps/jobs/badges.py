"""How the pages show a run's state: icon, word, colour, and the sentence beside it."""

from apps.core.badges import Badge
from apps.jobs.models import Run
from apps.jobs.reasons import word_of

Status = Run.Status
ENDED: dict[str, tuple[str, str]] = {Status.SUCCEEDED: ("good", "circle-check"), Status.CANCELLED: ("off", "ban")}


def badge_of(run: Run, *, ahead: int = 0) -> Badge:
    """`ahead` is how many runs are done before a queued one."""
    word = Status(run.status).label
    match run.status:
        case Status.QUEUED:
            return Badge("wait", "clock", word, ahead_sentence(ahead))
        case Status.SUCCEEDED | Status.CANCELLED:
            return Badge(*ENDED[run.status], word)
        case Status.FAILED:
            return Badge("bad", "alert-triangle", word_of(run.reason_code))
        case Status.RUNNING:
            return Badge("busy", "loader-2", word, run.waiting or run.progress_text)
        case _ if run.waiting:
            return Badge("wait", "clock", "Waiting", run.waiting)
        case _:
            return Badge("busy", "loader-2", word)


def ahead_sentence(ahead: int) -> str:
    if ahead == 0:
        return "Starts in a moment."
    return "1 run is ahead." if ahead == 1 else f"{ahead} runs are ahead."
