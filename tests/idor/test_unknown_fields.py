"""Forms of people who are not signed in refuse what they do not ask for: no field is written that nobody offered."""

from collections.abc import Iterator
from html import unescape
from html.parser import HTMLParser
from http import HTTPStatus

import pytest
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver, reverse

from apps.accounts.models import User
from apps.accounts.services import password_link
from apps.registrations.models import Registration
from tests.conftest import PASSWORD, is_signed_in
from tests.idor.conftest import World
from tests.idor.rows import ROWS

# They write nothing: the one leads on to the form, the other is sent that whole form and reads one field of it.
READ_ONLY = {"account_signup", "registrations:environment"}
SMUGGLED = {"is_staff": "on", "platform_role": "administrator", "status": "approved", "granted_gpus": "8"}
SENTENCE = "This form has no field 'granted_gpus', so nothing was written."
NO_FORM = (HTTPStatus.METHOD_NOT_ALLOWED, HTTPStatus.UNAUTHORIZED)  # a page to read, and a door for programs

pytestmark = [pytest.mark.idor, pytest.mark.attacks]


def open_doors(patterns: list[URLPattern | URLResolver], namespace: str = "") -> Iterator[str]:
    """The names of all addresses that need no sign-in."""
    for pattern in patterns:
        if isinstance(pattern, URLResolver):
            inner = f"{namespace}{pattern.namespace}:" if pattern.namespace else namespace
            yield from open_doors(pattern.url_patterns, inner)
        elif not getattr(pattern.callback, "login_required", True):
            yield f"{namespace}{pattern.name}"


@pytest.fixture
def paths(world: World, registration: Registration) -> dict[str, str]:
    """Where they lead; the request waits to be edited, so that its form is there."""
    Registration.objects.filter(pk=registration.pk).update(status=Registration.Status.CHANGES_REQUESTED)
    kwargs = {row.name: row.kwargs for row in ROWS}
    return {
        name: reverse(name, kwargs={part: world.arguments[source] for part, source in kwargs[name].items()})
        for name in sorted(set(open_doors(get_resolver().url_patterns)) - READ_ONLY)
    }


def test_what_was_not_asked_for_is_refused_with_its_sentence(world: World, paths: dict[str, str]) -> None:
    answers = {name: world.clients["anonymous"].post(path, SMUGGLED) for name, path in paths.items()}
    forms = {name: answer for name, answer in answers.items() if answer.status_code not in NO_FORM}
    assert {"account_login", "registrations:register", "registrations:confirm", "members:accept"} <= forms.keys()
    assert [name for name, answer in forms.items() if SENTENCE not in unescape(answer.text)] == []
    assert {answer.status_code for answer in forms.values()} == {HTTPStatus.OK, HTTPStatus.BAD_REQUEST}


class Forms(HTMLParser):
    """The forms of a page that are posted: where to, and what their fields and buttons are called."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str]]] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag == "form":
            self.found.append((given.get("action") or "", {}))
        elif self.found and (name := given.get("name")) and tag in ("input", "select", "textarea", "button"):
            self.found[-1][1][name] = given.get("value") or ""


def test_each_form_that_a_page_shows_is_taken(world: World, paths: dict[str, str], alice: User) -> None:
    client = world.clients["anonymous"]
    pages = {path: client.get(path) for path in (*paths.values(), password_link(alice))}
    pages = {path: client.get(page["Location"]) if page.status_code == 302 else page for path, page in pages.items()}
    shown = [(action or path, sent) for path, page in pages.items() for action, sent in Forms(page.text).found]
    assert {reverse("account_login"), reverse("accounts:theme"), paths["members:decline"]} <= dict(shown).keys()
    assert any("password2" in sent for _, sent in shown)
    for action, sent in shown:
        assert "This form has no field" not in client.post(action, sent).text, (action, sent)


def test_a_field_too_many_signs_nobody_in(alice: User) -> None:
    client = Client()
    sent = {"login": alice.email, "password": PASSWORD}
    assert client.post(reverse("account_login"), {**sent, **SMUGGLED}).status_code == HTTPStatus.BAD_REQUEST
    assert not is_signed_in(client)
    client.post(reverse("account_login"), sent)
    assert is_signed_in(client)
