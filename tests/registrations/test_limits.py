"""The counters that hold strangers back."""

import threading
import time

import pytest
from django.conf import settings
from django.core.cache import cache

from apps.core import counting
from apps.registrations import limits


def test_they_count_for_an_hour_and_no_longer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "REQUESTS_A_MAILBOX", 2)
    asked = {"client_address": "192.0.2.1", "email": "ida@uni.example"}
    assert [limits.may_ask(**asked) for _ in range(3)] == [True, True, False]
    now = time.time()
    monkeypatch.setattr(counting.time, "time", lambda: now + counting.HOUR)
    assert limits.may_ask(**asked)


def test_an_address_counts_however_it_is_written(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "REQUESTS_A_MAILBOX", 1)
    assert limits.may_ask(client_address="192.0.2.1", email="ida@uni.example")
    assert not limits.may_ask(client_address="192.0.2.2", email="Ida@Uni.Example")


def test_a_counter_that_was_thrown_out_begins_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cache, "add", lambda *arguments: True)
    assert limits.may_look_up(client_address="192.0.2.1")


@pytest.mark.race
def test_no_two_at_once_count_as_one() -> None:
    if "Redis" not in settings.CACHES["default"]["BACKEND"]:
        pytest.skip("needs REDIS_URL: a cache of files may count two at once as one")
    counts: list[int] = []
    threads = [threading.Thread(target=lambda: counts.append(counting.one_more("race"))) for _ in range(50)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(counts) == list(range(1, 51))
