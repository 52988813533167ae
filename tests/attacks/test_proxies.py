"""Whose word is believed about a visitor: that of the proxies that were counted, and nobody else's."""

import pytest
from django.conf import LazySettings
from django.test import RequestFactory

from apps.accounts.access import client_address
from maia_dashboard import environment

pytestmark = pytest.mark.attacks


@pytest.mark.parametrize(
    ("proxies", "address"), [(0, "10.0.0.1"), (1, "192.0.2.7"), (2, "8.8.8.8")], ids=["none", "one", "two"]
)
def test_only_what_counted_proxies_have_added_is_the_visitor_s_address(
    settings: LazySettings, proxies: int, address: str
) -> None:
    settings.ALLAUTH_TRUSTED_PROXY_COUNT = proxies
    request = RequestFactory().get("/", REMOTE_ADDR="10.0.0.1", HTTP_X_FORWARDED_FOR="1.1.1.1, 8.8.8.8, 192.0.2.7")
    assert client_address(request) == address


def test_a_number_of_proxies_below_none_stops_the_start() -> None:
    assert environment.read({"SECRET_KEY": "x"})["TRUSTED_PROXIES"] == 0
    with pytest.raises(environment.SettingInvalid, match="TRUSTED_PROXIES must not be negative"):
        environment.read({"SECRET_KEY": "x", "TRUSTED_PROXIES": "-1"})
