"""Reading progress and last words out of a log that an algorithm writes as it likes."""

from __future__ import annotations

import pytest

from apps.archives.models import Series
from apps.integrations.executors.port import LOG_CHUNK_BYTES
from apps.jobs import execution, services
from apps.jobs.models import Algorithm, Run
from apps.jobs.progress import last_words, latest_progress, unfinished_bytes
from apps.projects.access import Entry


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("PROGRESS 0.40 resampled", (0.4, "resampled")),
        ("PROGRESS 1", (1.0, "")),
        ("PROGRESS 1.000 done\r", (1.0, "done")),
        ("PROGRESS 0 " + "x" * 999, (0.0, "x" * 120)),
        ("PROGRESS 1.5 too far", None),
        ("PROGRESS -0.5 back", None),
        ("PROGRESS nan", None),
        ("PROGRESS 0.1e9", None),
        ("  PROGRESS 0.5 indented", None),
        ("so much PROGRESS 0.5", None),
    ],
)
def test_a_line_of_progress(line: str, expected: tuple[float, str] | None):
    assert latest_progress([line]) == expected


def test_the_latest_counts():
    assert latest_progress(["PROGRESS 0.9 a", "PROGRESS 0.2 b", "noise"]) == (0.2, "b")


def test_a_line_without_its_end_waits():
    assert unfinished_bytes("done\nPROGRESS 0.4") == 12
    assert unfinished_bytes("PROGRESS 0.4 é") == 15
    assert unfinished_bytes("whole\n") == 0
    assert unfinished_bytes("x" * 5000) == 0
    assert unfinished_bytes("broken \N{REPLACEMENT CHARACTER}") == 0


def test_last_words_are_no_progress():
    assert last_words("a\nNo bone.\n\nPROGRESS 1.0 x\n") == "No bone."
    assert last_words("") == ""
    assert last_words("y" * 999) == "y" * 300


@pytest.mark.attacks
def test_what_no_database_takes_is_left_out():
    assert latest_progress(["PROGRESS 0.4 a\0\x1bb"]) == (0.4, "ab")
    assert last_words("said\n\0No \0bone.\n\0\n") == "No bone."


def test_progress_is_read_on_from_a_log_that_grows(as_bob: Entry, segmentation: Algorithm, ct: Series, settings):
    run = services.launch(as_bob, segmentation, ct, arguments={})
    path = settings.RUNS_DIR / run.name / "log"
    path.parent.mkdir()

    def says(more: bytes) -> tuple[float | None, str]:
        with path.open("ab") as file:
            file.write(more)
        run.refresh_from_db()
        execution.note_progress(run)
        run.refresh_from_db()
        return run.progress, run.progress_text

    assert says(b"") == (None, "")
    assert says(b"hello\nPROGRESS 0.1") == (None, "")
    assert says(b"0 one\n") == (0.1, "one")
    assert says(b"\xff\xfe\x00 noise \xf0\n" * 9000) == (0.1, "one")
    assert says(b"z" * (2 * LOG_CHUNK_BYTES)) == (0.1, "one")
    assert says(b"\nPROGRESS 0.75 four \xe2\x82") == (0.1, "one")
    assert says(b"\xac\n") == (0.75, "four €")
    assert run.log_offset == path.stat().st_size
    assert Run.objects.get().log_offset == run.log_offset
