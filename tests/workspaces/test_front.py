"""From the portal to one's own workspace on the other host: by a ticket, then by a cookie, for nobody else."""

from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
from django.contrib.sessions.models import Session
from django.test import Client
from django.urls import reverse

from apps.accounts.models import User
from apps.projects.models import Membership, Project
from apps.workspaces import passes
from apps.workspaces.models import State, Workspace
from tests.conftest import ClientOf

FRONT = "https://desktops.example"


@pytest.fixture(autouse=True)
def _front(settings: Any) -> None:
    settings.WORKSPACES_URL = FRONT
    settings.ALLOWED_HOSTS = [*settings.ALLOWED_HOSTS, "desktops.example"]


@pytest.fixture
def hers(placed: Project, alice: User) -> Workspace:
    return running(placed, alice, "10.96.0.7")


def running(project: Project, user: User, address: str) -> Workspace:
    return Workspace.objects.create(project=project, user=user, address=address, state=State.RUNNING)


def opening(workspace: Workspace, app: str = "jupyter") -> str:
    return reverse("workspaces:open", args=[workspace.project.namespace, workspace.pk, app])


def asked_for(client: Client, there: Client, workspace: Workspace, app: str = "jupyter") -> str:
    """The ticket that the portal's `client` gets for the browser `there`."""
    begun = client.get(opening(workspace, app))
    assert begun.status_code == 302
    assert begun["Location"] == f"{FRONT}/enter?{urlencode({'to': f'{workspace.base_path}{app}/'})}"
    marked = there.get("/auth/enter", {"to": f"{workspace.base_path}{app}/"})
    address = urlsplit(marked["Location"])
    assert address.path == opening(workspace, app)
    response = client.get(f"{address.path}?{address.query}")
    assert response["Location"].startswith(f"{FRONT}/enter?")
    return parse_qs(urlsplit(response["Location"]).query)["ticket"][0]


def ticket_of(client: Client, workspace: Workspace, app: str = "jupyter") -> str:
    return asked_for(client, _marked(), workspace, app)


def enter(ticket: str) -> Client:
    """A browser at the other host, where the portal's session is not."""
    there = _marked()
    there.get("/auth/enter", {"ticket": ticket})
    return there


def _marked(mark: str = "one browser") -> Client:
    there = Client()
    there.cookies[passes.mark_name()] = mark
    return there


def verify(there: Client, uri: str, **headers: str) -> tuple[int, str]:
    response = there.get("/auth/verify", headers={"X-Original-URI": uri, **headers})
    return response.status_code, response.headers.get("X-Workspace-Upstream", "")


def test_the_whole_way(hers: Workspace, alice: User, client_of: ClientOf) -> None:
    there = Client()
    response = there.get("/auth/enter", {"ticket": asked_for(client_of(alice), there, hers, "desktop")})
    assert response["Location"] == f"{hers.base_path}desktop/"
    cookie = there.cookies[passes.COOKIE]
    assert cookie["path"] == hers.base_path
    assert cookie["httponly"]
    assert cookie["secure"]
    assert cookie["samesite"] == "Lax"
    assert verify(there, f"{hers.base_path}jupyter/lab?x=1") == (200, "10.96.0.7:8888")
    assert verify(there, f"{hers.base_path}desktop/websockify", Origin=FRONT) == (200, "10.96.0.7:6080")


def test_the_cookie_says_nothing(hers: Workspace, alice: User, client_of: ClientOf) -> None:
    client = client_of(alice)
    there = enter(ticket_of(client, hers))
    assert str(client.session.session_key) not in there.cookies[passes.COOKIE].value


@pytest.mark.attacks
def test_nobody_opens_the_workspace_of_another(
    hers: Workspace, bob: User, vera: User, charlie: User, admin: User, client_of: ClientOf
) -> None:
    for user in (bob, vera, charlie, admin):
        assert client_of(user).get(opening(hers)).status_code == 404
    assert Client().get(opening(hers)).status_code == 302
    assert client_of(hers.user).get(opening(hers, "ssh")).status_code == 404


@pytest.mark.attacks
def test_a_ticket_is_good_once_and_not_for_long(
    hers: Workspace, alice: User, client_of: ClientOf, monkeypatch: pytest.MonkeyPatch
) -> None:
    ticket = ticket_of(client_of(alice), hers)
    assert passes.COOKIE in enter(ticket).cookies
    assert passes.COOKIE not in enter(ticket).cookies
    late = ticket_of(client_of(alice), hers)
    monkeypatch.setattr(passes, "TICKET_SECONDS", -1)
    assert passes.COOKIE not in enter(late).cookies


@pytest.mark.attacks
@pytest.mark.parametrize("ticket", ["", "x", "gAAAAABm" + "A" * 100])
def test_a_ticket_that_was_made_up_leads_back_to_the_portal(db: None, ticket: str, settings: Any) -> None:
    response = Client().get("/auth/enter", {"ticket": ticket})
    assert (response.status_code, response["Location"]) == (302, f"{settings.PUBLIC_URL}/")
    assert not response.cookies


@pytest.mark.attacks
def test_nobody_is_led_into_the_workspace_of_another(hers: Workspace, alice: User, client_of: ClientOf) -> None:
    """Whose pages, on the host that all workspaces share, could then act in the person's own."""
    for browser in (Client(), _marked("another browser")):
        ticket = ticket_of(client_of(alice), hers)
        led = browser.get("/auth/enter", {"ticket": ticket})
        assert passes.COOKIE not in led.cookies
        assert passes.COOKIE in enter(ticket).cookies


@pytest.mark.attacks
def test_the_mark_of_a_browser_is_its_own_and_in_no_address(hers: Workspace) -> None:
    marked = Client().get("/auth/enter", {"to": f"{hers.base_path}desktop/"})
    mark = marked.cookies["__Host-maia_browser"]
    assert (mark["path"], mark["domain"], mark["secure"], mark["httponly"]) == ("/", "", True, True)
    assert mark.value not in marked["Location"]
    again = Client()
    again.cookies["__Host-maia_browser"] = mark.value
    assert again.get("/auth/enter", {"to": f"{hers.base_path}desktop/"})["Location"] == marked["Location"]


@pytest.mark.attacks
@pytest.mark.parametrize("to", ["//evil.example/1/desktop/", "https://evil.example/", "/a/1/ssh/", "/a/1/desktop/x"])
def test_the_front_sends_nobody_elsewhere(db: None, to: str, settings: Any) -> None:
    led = Client().get("/auth/enter", {"to": to})
    assert led["Location"] == f"{settings.PUBLIC_URL}/"
    assert not led.cookies


@pytest.mark.attacks
def test_a_ticket_is_no_cookie_nor_a_cookie_a_ticket(hers: Workspace, alice: User, client_of: ClientOf) -> None:
    ticket = ticket_of(client_of(alice), hers)
    there = enter(ticket)
    assert passes.COOKIE not in enter(there.cookies[passes.COOKIE].value).cookies
    there.cookies[passes.COOKIE] = ticket
    assert verify(there, f"{hers.base_path}jupyter/") == (403, "")


@pytest.mark.attacks
def test_a_cookie_ends_after_a_day_of_work(
    hers: Workspace, alice: User, client_of: ClientOf, monkeypatch: pytest.MonkeyPatch
) -> None:
    there = enter(ticket_of(client_of(alice), hers))
    monkeypatch.setattr(passes, "PASS_SECONDS", -1)
    assert verify(there, f"{hers.base_path}jupyter/") == (403, "")


@pytest.mark.attacks
def test_the_cookie_opens_no_other_workspace(
    hers: Workspace, bob: User, alice: User, client_of: ClientOf, placed: Project
) -> None:
    his = running(placed, bob, "10.96.0.8")
    there = enter(ticket_of(client_of(alice), hers))
    for uri in (f"{his.base_path}jupyter/", f"/other/{hers.pk}/jupyter/", f"/{placed.namespace}/{his.pk}/desktop/"):
        assert verify(there, uri) == (403, "")


@pytest.mark.attacks
@pytest.mark.parametrize(
    "uri", ["", "/", "/a/1/ssh/", "/a/x/jupyter/", "//a/1/jupyter/", "/a/1/jupyterx", "http://a/1/jupyter/", "/a/1"]
)
def test_other_addresses(hers: Workspace, alice: User, client_of: ClientOf, uri: str) -> None:
    assert verify(enter(ticket_of(client_of(alice), hers)), uri) == (403, "")


def test_without_a_cookie(hers: Workspace) -> None:
    assert verify(Client(), f"{hers.base_path}jupyter/") == (401, "")


@pytest.mark.attacks
def test_a_page_of_another_site_opens_no_socket(hers: Workspace, alice: User, client_of: ClientOf) -> None:
    there = enter(ticket_of(client_of(alice), hers))
    for origin in ("https://evil.example", "http://desktops.example", "null"):
        assert verify(there, f"{hers.base_path}desktop/websockify", Origin=origin) == (403, "")


def _sign_out(client: Client, user: User) -> None:
    client.post(reverse("account_logout"))


def _end_sessions(client: Client, user: User) -> None:
    Session.objects.all().delete()


def _change_password(client: Client, user: User) -> None:
    user.set_password("another long enough pass phrase")
    user.save()


def _deactivate(client: Client, user: User) -> None:
    User.objects.filter(pk=user.pk).update(is_active=False)


def _leave(client: Client, user: User) -> None:
    Membership.objects.filter(user=user).delete()


def _become_viewer(client: Client, user: User) -> None:
    Membership.objects.filter(user=user).update(role=Membership.Role.VIEWER)


@pytest.mark.attacks
@pytest.mark.parametrize("end", [_sign_out, _end_sessions, _change_password, _deactivate, _leave, _become_viewer])
def test_what_ends_the_right_ends_the_cookie(
    hers: Workspace, alice: User, client_of: ClientOf, end: Callable[[Client, User], None]
) -> None:
    client = client_of(alice)
    ticket = ticket_of(client, hers)
    there = enter(ticket_of(client, hers))
    assert verify(there, f"{hers.base_path}jupyter/")[0] == 200
    end(client, alice)
    assert verify(there, f"{hers.base_path}jupyter/") == (403, "")
    assert passes.COOKIE not in enter(ticket).cookies


def test_a_workspace_that_is_not_there_yet(hers: Workspace, alice: User, client_of: ClientOf) -> None:
    there = enter(ticket_of(client_of(alice), hers))
    Workspace.objects.update(address=None)
    assert verify(there, f"{hers.base_path}jupyter/") == (403, "")


def test_a_portal_without_the_other_host(hers: Workspace, alice: User, client_of: ClientOf, settings: Any) -> None:
    settings.WORKSPACES_URL = ""
    assert client_of(alice).get(opening(hers)).status_code == 404
