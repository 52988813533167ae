"""People and requests in states that no single page leads to; `manage.py shell` makes them in a portal."""

import json

from apps.accounts.models import User
from apps.projects.models import Membership, Project
from apps.projects.services import ensure_member
from apps.registrations import decisions, links, services
from apps.registrations.applications import Application, Grant, asked_resources
from apps.registrations.models import Registration
from tests.browser.shown_states import OWN
from tests.conftest import make_person
from tests.projects.conftest import row_of
from tests.registrations.conftest import application

STATES = ("changes", "edited", "rejected", "withdrawn", "expired", "approved")


def fill() -> str:
    """JSON of addresses by names: private pages of requests, their approvals, and a member's row."""
    administrator = User.objects.get(platform_role=User.PlatformRole.ADMINISTRATOR)
    member = make_person("bob")
    ensure_member(Project.objects.get(namespace="sample"), member, role=Membership.Role.MEMBER)
    own = application(name=administrator.name, email=administrator.email, project_name=OWN, namespace="own-atlas")
    services.submit(own, by=administrator)
    requests = {state: _waiting(state) for state in STATES}
    for state in ("changes", "edited"):
        decisions.ask_for_changes(requests[state], message="Fewer GPUs, please.", by=administrator)
    services.amend(requests["edited"], _application("edited", gpus=1, purpose="Less."), by=None)
    decisions.reject(requests["rejected"], reason="No ethics approval.", by=administrator)
    services.withdraw(requests["withdrawn"], by=None)
    requests["expired"].move_to(Registration.Status.EXPIRED, reserved_skeleton="")
    approved = requests["approved"]
    decisions.approve(approved, Grant(asked_resources(approved), approved.ends_on), by=administrator)
    pages = {f"request-{state}": links.path_of(request) for state, request in requests.items()}
    approvals = {f"approval-{state}": f"/approvals/{request.pk}/" for state, request in requests.items()}
    return json.dumps({**pages, **approvals, "person": f"/people/{member.pk}/", "row": str(row_of(member).pk)})


def _application(state: str, **changed: object) -> Application:
    names = {"namespace": f"{state}-one", "project_name": f"Knee MR, {state}", "email": f"{state}@uni.example"}
    return application(**names, **changed)


def _waiting(state: str) -> Registration:
    registration = services.submit(_application(state), by=None)
    services.confirm_address(registration)
    return registration
