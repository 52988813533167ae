"""Support reads what administrators read, and changes nothing of it."""

import pytest
from django.urls import reverse

from apps.accounts.models import User
from apps.projects.models import Project
from apps.registrations.models import Registration
from apps.registrations.services import confirm_address, submit
from tests.clusters.rows import make_cluster
from tests.conftest import ClientOf
from tests.registrations.conftest import application


@pytest.fixture
def registration(db: None) -> Registration:
    registration = submit(application(), by=None)
    confirm_address(registration)
    return registration


def test_support_sees_every_project_and_may_not_upload(project: Project, support: User, client_of: ClientOf) -> None:
    client = client_of(support)
    assert project.name in client.get("/").text
    page = client.get(reverse("dashboard:project", args=[project.namespace])).text
    assert "You are support, looking" in page
    assert client.post(reverse("datasets:upload", args=[project.namespace])).status_code == 403


def test_support_reads_requests_and_decides_none(
    registration: Registration, support: User, approver: User, client_of: ClientOf
) -> None:
    assert registration.project_name in client_of(support).get(reverse("registrations:approvals")).text
    path = reverse("registrations:approval", args=[registration.pk])
    approve = reverse("registrations:approve", args=[registration.pk])
    assert approve in client_of(approver).get(path).text
    assert approve not in client_of(support).get(path).text
    assert client_of(support).post(approve).status_code == 404
    registration.refresh_from_db()
    assert registration.status == Registration.Status.EMAIL_VERIFIED


def test_support_sees_how_a_cluster_is_reached_and_has_no_buttons(
    support: User, admin: User, charlie: User, client_of: ClientOf
) -> None:
    cluster = make_cluster("main")
    path = reverse("clusters:cluster", args=[cluster.name])
    seen = {user: client_of(user).get(path).text for user in (support, admin, charlie)}
    assert [cluster.server in page for page in seen.values()] == [True, True, False]
    switch = reverse("clusters:switch", args=[cluster.name])
    assert [switch in page for page in seen.values()] == [False, True, False]
