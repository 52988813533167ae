"""DICOM values as people read them."""

import pytest

from apps.datasets.templatetags.dicom import dicom_date, dicom_time, listed, person_name


@pytest.mark.parametrize(
    ("value", "shown"), [("20260102", "2 January 2026"), ("2026", "2026"), ("20269999", "20269999"), ("", "")]
)
def test_dates(value: str, shown: str) -> None:
    assert dicom_date(value) == shown


@pytest.mark.parametrize(("value", "shown"), [("101112.25", "10:11"), ("10", "10"), ("noon", "noon"), ("", "")])
def test_times(value: str, shown: str) -> None:
    assert dicom_time(value) == shown


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("Doe^Jane^A", "Doe, Jane A"),
        ("Doe", "Doe"),
        ("^Jane", "Jane"),
        ("Doe^^^Dr", "Doe, Dr"),
        ("Yamada=山田", "Yamada"),
        ("", ""),
    ],
)
def test_person_names(value: str, shown: str) -> None:
    assert person_name(value) == shown


def test_lists() -> None:
    assert listed("CT\\SEG") == "CT, SEG"
    assert listed("") == ""
