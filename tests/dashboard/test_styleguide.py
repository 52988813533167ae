"""The style guide shows every component, by the templates that all pages use."""

from pathlib import Path

import pytest
from django.conf import settings

from apps.accounts.models import User
from apps.dashboard.styleguide import icons
from tests.conftest import ClientOf

COMPONENTS = sorted(path.name for path in (Path(settings.BASE_DIR) / "templates" / "core").glob("_*.html"))
pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("component", COMPONENTS)
def test_a_component_is_on_the_page(component: str, support: User, client_of: ClientOf) -> None:
    drawn = {template.name for template in client_of(support).get("/styleguide/").templates}
    assert f"core/{component}" in drawn


def test_each_state_of_a_component_is_there(admin: User, client_of: ClientOf) -> None:
    page = client_of(admin).get("/styleguide/").text
    for mark in ("state-good", "state-busy", "state-wait", "state-bad", "state-off"):
        assert f'"state {mark}"' in page
    for mark in ("message-success", "message-info", "message-warning", "message-error"):
        assert f"message {mark}" in page
    for word in ("Done:", "Now:", "Failed:", "Next:", "Enter a valid date.", "41–60 of 95"):
        assert word in page
    assert all(f"icons.svg#{icon}" in page for icon in icons())


def test_who_does_not_look_after_the_portal_has_none(alice: User, approver: User, client_of: ClientOf) -> None:
    for person in (alice, approver):
        assert client_of(person).get("/styleguide/").status_code == 404
