"""How a person gets from the portal to their own workspace on the front's other host, where nobody is signed in.

The portal gives a ticket, good once and for a minute; for it, the other host's answer sets a cookie, good for that
workspace's path and as long as the person's session at the portal lives. Both are sealed, so that neither can be read
or made outside. A ticket is good only in the browser that asked for it, which the other host has marked before:
all workspaces share that host, and nobody is to be led into another's, whose pages could then reach their own.
"""

import json
import secrets
import time
from dataclasses import asdict, dataclass, replace
from importlib import import_module

from django.conf import settings
from django.contrib.auth import get_user
from django.core.cache import cache
from django.http import HttpRequest
from django.utils.crypto import constant_time_compare

from apps.accounts.models import User
from apps.core.digests import digest_of
from apps.core.sealed import SecretUnreadable, seal, unseal
from apps.projects.models import Project
from apps.workspaces.models import Workspace
from apps.workspaces.services import WORKING_ROLES

TICKET_SECONDS, PASS_SECONDS = 60, 12 * 3600
COOKIE, MARK = "maia_workspace", "maia_browser"
PORTS = {"jupyter": 8888, "desktop": 6080}


class PassRefused(Exception):
    """The ticket or cookie is none of ours, too old, used before, or of a session that has ended."""


@dataclass(frozen=True)
class Pass:
    workspace_pk: int
    user_pk: int
    session_key: str
    app: str
    browser: str
    nonce: str
    made_at: float
    is_ticket: bool


def mark_name() -> str:
    """Of the cookie that marks a browser: with https one that no other host can set."""
    return f"__Host-{MARK}" if settings.WORKSPACES_URL.startswith("https:") else MARK


def new_mark() -> str:
    return secrets.token_urlsafe(32)


def browser_of(mark: str) -> str:
    """By which the portal knows a browser at the other host; may stand in addresses, the mark itself may not."""
    return digest_of(mark)


def ticket_for(workspace: Workspace, session_key: str, app: str, browser: str) -> str:
    nonce = secrets.token_urlsafe(16)
    return _sealed(Pass(workspace.pk, workspace.user_id, session_key, app, browser, nonce, time.time(), is_ticket=True))


def redeem(ticket: str, mark: str) -> tuple[Workspace, Pass]:
    """Raises PassRefused, also the second time, and in another browser."""
    found = _unsealed(ticket, TICKET_SECONDS, is_ticket=True)
    if not mark or not constant_time_compare(found.browser, browser_of(mark)):
        raise PassRefused
    if not cache.add(f"workspace-ticket:{found.nonce}", True, 2 * TICKET_SECONDS):
        raise PassRefused
    return _workspace_of(found), found


def cookie_for(found: Pass) -> str:
    return _sealed(replace(found, made_at=time.time(), is_ticket=False))


def upstream_of(cookie: str, namespace: str, workspace_pk: int, app: str) -> str:
    """IP:PORT behind which the workspace's app is. Raises PassRefused."""
    workspace = _workspace_of(_unsealed(cookie, PASS_SECONDS, is_ticket=False))
    if (workspace.project.namespace, workspace.pk) != (namespace, workspace_pk) or workspace.address is None:
        raise PassRefused
    return f"{workspace.address}:{PORTS[app]}"


def _workspace_of(found: Pass) -> Workspace:
    person = _person_of(found.session_key)
    if person is None or person.pk != found.user_pk or not person.is_active or person.has_one_time_password:
        raise PassRefused
    own = Workspace.objects.filter(pk=found.workspace_pk, user=person, removed_at=None)
    member = {"project__memberships__user": person, "project__memberships__role__in": WORKING_ROLES}
    member["project__status__in"] = Project.AT_WORK
    workspace = own.filter(**member).select_related("project").first()
    if workspace is None:
        raise PassRefused
    return workspace


def _person_of(session_key: str) -> User | None:
    """Who is signed in by that session of the portal, as its middleware would say."""
    request = HttpRequest()
    request.session = import_module(settings.SESSION_ENGINE).SessionStore(session_key)
    user = get_user(request)
    return user if isinstance(user, User) else None


def _sealed(content: Pass) -> str:
    return seal(json.dumps(asdict(content)))


def _unsealed(text: str, seconds: float, *, is_ticket: bool) -> Pass:
    try:
        found = Pass(**json.loads(unseal(text)))
    except (SecretUnreadable, ValueError, TypeError) as error:
        raise PassRefused from error
    if found.is_ticket is not is_ticket or time.time() - found.made_at > seconds:
        raise PassRefused
    return found
