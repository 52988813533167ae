import pytest

from apps.core.numbers import is_whole_number


@pytest.mark.parametrize("text", ["0", "7", "007", "9" * 18])
def test_what_is_a_whole_number(text: str) -> None:
    assert is_whole_number(text)
    assert int(text) < 2**63


@pytest.mark.parametrize("text", ["", "-1", "+1", "1.0", " 1", "1\n", "1_0", "٣", "²", "1e3", "0x1", "9" * 19])
def test_what_is_none(text: str) -> None:
    assert not is_whole_number(text)


def test_one_that_is_too_long_for_its_place() -> None:
    assert is_whole_number("100", most_digits=3)
    assert not is_whole_number("0100", most_digits=3)
