from typing import Any

import pytest

from apps.workspaces.drift import differences


@pytest.mark.parametrize(
    ("wanted", "actual", "expected"),
    [
        ({"a": 1}, {"a": 1, "status": {}}, []),
        ({"a": {"b": 1}}, {"a": {"b": 2}}, ["a.b"]),
        ({"a": {"b": 1}}, {}, ["a"]),
        ({"a": [{"b": 1}]}, {"a": [{"b": 1, "c": 2}]}, []),
        ({"a": [{"b": 1}]}, {"a": [{"b": 1}, {"b": 1}]}, ["a"]),
        ({"a": [1, 2]}, {"a": [1, 3]}, ["a[1]"]),
        ({"a": {}}, {"a": {"kept": 1}}, []),
        ({"a": False}, {}, ["a"]),
    ],
)
def test_differences(wanted: Any, actual: Any, expected: list[str]) -> None:
    assert differences(wanted, actual) == expected
