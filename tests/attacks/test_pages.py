"""Words of others on pages: an algorithm's author writes the hints of the launch form."""

import pytest
from django.template.loader import render_to_string
from django.urls import reverse

from apps.accounts.models import User
from apps.jobs.forms import LaunchForm
from apps.jobs.models import Algorithm
from tests.conftest import ClientOf

pytestmark = pytest.mark.attacks
HTML = "<form action=https://evil.example><input name=password>"


def test_words_of_an_algorithm_stay_words() -> None:
    argument = {"name": "level", "title": HTML, "help": HTML, "default": 1, "minimum": 0, "maximum": 2}
    form = LaunchForm(Algorithm(arguments=[argument]))
    page = render_to_string("core/_field.html", {"field": form["level"]})
    assert "&lt;form action" in page
    assert HTML not in page


def test_the_rules_for_passwords_are_still_a_list(alice: User, client_of: ClientOf) -> None:
    page = client_of(alice).get(reverse("account_change_password")).text
    assert "<ul><li>" in page
    assert "&lt;li" not in page
