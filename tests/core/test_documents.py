"""What the documents say is what the code does."""

from pathlib import Path

from maia_dashboard.environment import table

DOCS = Path(__file__).resolve().parents[2] / "docs"


def test_settings_table_is_the_one_that_the_code_prints() -> None:
    assert table() in (DOCS / "administrators.md").read_text()
