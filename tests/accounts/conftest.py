import time

import pytest
from allauth.mfa.totp.internal import auth


@pytest.fixture(autouse=True)
def one_code(monkeypatch: pytest.MonkeyPatch) -> None:
    """The app of a second factor shows the same code during a whole test, which none outlasts in the middle."""
    of_30_seconds = int(time.time()) // 30
    monkeypatch.setattr(auth, "yield_hotp_counters_from_time", lambda: iter([of_30_seconds]))
