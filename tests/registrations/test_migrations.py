"""What was there before names were held against their look-alikes, and before one request to join waited at a time."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from apps.projects.models import Project
from apps.registrations import namespaces
from apps.registrations.models import Registration
from tests.migrating import migrate_on, migrated_back
from tests.plans import project_plan

BEFORE = [("projects", "0005_invitation_terms"), ("registrations", "0002_joining_and_the_whole_form")]
AMOUNTS = ("cpus", "memory_gib", "gpus", "storage_gib")
pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def before() -> Iterator[Any]:
    with migrated_back(BEFORE) as then:
        yield then


def add_project(before: Any, namespace: str) -> int:
    plan = project_plan(namespace)
    fields = {
        name: getattr(plan, name) for name in ("name", "namespace", "principal_investigator", "starts_on", "ends_on")
    }
    return int(before.get_model("projects", "Project").objects.create(status="ready", **fields).pk)


def add_request(before: Any, namespace: str, **fields: Any) -> int:
    rows = before.get_model("registrations", "Registration").objects
    return int(rows.create(status="email_verified", email="ida@uni.example", namespace=namespace, **fields).pk)


def test_projects_that_read_alike_stay_and_hold_their_names_together(before: Any) -> None:
    first, second = add_project(before, "modern-mr"), add_project(before, "modem-mr")
    migrate_on()
    assert dict(Project.objects.values_list("pk", "skeleton")) == {first: "rn0dern-rnr", second: ""}
    assert not namespaces.is_free("modem-mr")
    Project.objects.get(pk=second).save()
    assert Project.objects.get(pk=second).skeleton == ""


def test_requests_that_read_alike_stay_and_the_first_holds_the_name(before: Any) -> None:
    today = timezone.localdate()
    names = ("heart-o1", "heart-01", "lung")
    pks = [add_request(before, name, starts_on=today, is_namespace_reserved=name != "lung") for name in names]
    migrate_on()
    held = dict(Registration.objects.values_list("pk", "reserved_skeleton"))
    assert held == dict(zip(pks, ("heart-01", "", ""), strict=True))
    assert not namespaces.is_free("heart-oi")
    assert namespaces.is_free("lung")


def test_of_requests_to_join_the_first_waits_on_and_the_others_say_why_not(before: Any) -> None:
    first, second, other = (
        add_request(before, name, kind="join", wanted_role="member") for name in ("heart", "heart", "lung")
    )
    migrate_on()
    found = dict(Registration.objects.values_list("pk", "status"))
    assert found == {first: "email_verified", second: "withdrawn", other: "email_verified"}
    assert "asked to join this project already" in Registration.objects.get(pk=second).events().get().why


def test_what_was_asked_goes_into_the_allocation_of_a_project_that_is_there() -> None:
    with migrated_back([("projects", "0011_kind_of_gpu"), ("registrations", "0005_ended_with_their_projects")]) as then:
        project = add_project(then, "cardiac-mr")
        amounts = {f"{kind}_{name}": 1 for kind in ("requested", "granted") for name in AMOUNTS}
        then.get_model("projects", "Allocation").objects.create(project_id=project, **amounts)
        today = timezone.localdate()
        days = {
            "starts_on": today,
            "ends_on": today + timedelta(days=9),
            "created_at": timezone.now() - timedelta(days=3),
        }
        add_request(then, "cardiac-mr", kind="new_project", gpu_type="A100", project_id=project, **days)
    allocation = Project.objects.get(pk=project).allocation
    assert (allocation.gpu_type, allocation.requested_at) == ("A100", days["created_at"])
