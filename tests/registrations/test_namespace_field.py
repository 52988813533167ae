"""The namespace of a new project: proposed, written, free or taken."""

from collections.abc import Callable

import pytest
from django.test import Client
from django.urls import reverse

from apps.projects.models import Project
from apps.registrations import limits
from apps.registrations.models import Registration
from tests.registrations.conftest import Make, answers, error_of

pytestmark = pytest.mark.django_db
REGISTER = "/register/"


def test_a_namespace_is_made_from_the_name_when_left_empty(client: Client) -> None:
    client.post(REGISTER, answers(namespace="", project_name="Höft & Knä: MR 2026"))
    assert Registration.objects.get().namespace == "hoft-kna-mr-2026"


def test_a_made_namespace_is_a_free_one(client: Client, make_project: Callable[[str], Project]) -> None:
    make_project("prostate-bpmri-atlas")
    client.post(REGISTER, answers(namespace=""))
    assert Registration.objects.get().namespace == "prostate-bpmri-atlas-2"


def test_a_long_name_makes_a_namespace_that_fits(client: Client, make_project: Callable[[str], Project]) -> None:
    make_project("a" * 40)
    client.post(REGISTER, answers(namespace="", project_name="A" * 100))
    assert Registration.objects.get().namespace == "a" * 38 + "-2"


def test_a_name_without_latin_letters_needs_a_written_namespace(client: Client) -> None:
    assert "write one" in error_of(client, namespace="", project_name="前列腺")


@pytest.mark.parametrize(
    "namespace", ["Cardiac", "-a", "a-", "a_b", "a.b", "ä", "a b", "a/../b", "<b>", "a\x00b", "a" * 41, "a\nb"]
)
def test_a_namespace_is_a_dns_label_of_forty_characters(client: Client, namespace: str) -> None:
    assert error_of(client, namespace=namespace)


@pytest.mark.parametrize(
    "namespace",
    ["kube-system", "kube-x", "default", "maia", "maia-2", "admin", "api", "sample", "openshift-a", "adm1n", "p0rta1"],
)
def test_names_of_the_platform_are_refused(client: Client, namespace: str) -> None:
    assert "kept for the platform" in error_of(client, namespace=namespace)


@pytest.mark.parametrize("namespace", ["a", "7", "a" * 40, "cardiac-mr-2026", "0-0"])
def test_good_namespaces_are_taken(client: Client, namespace: str) -> None:
    assert client.post(REGISTER, answers(namespace=namespace)).status_code == 302


def test_the_namespace_of_a_project_is_taken(client: Client, make_project: Callable[[str], Project]) -> None:
    make_project("prostate-atlas")
    assert "prostate-atlas is taken" in error_of(client)


def test_a_proved_request_holds_its_namespace_and_an_unproved_one_does_not(
    client: Client, submitted: Make, waiting: Make
) -> None:
    submitted(namespace="unproved")
    waiting(namespace="proved")
    assert client.post(REGISTER, answers(namespace="unproved")).status_code == 302
    assert "is taken" in client.post(REGISTER, answers(namespace="proved")).text


def fragment(client: Client, **query: str) -> str:
    return client.get(reverse("registrations:namespace"), query).text


def test_the_fragment_tells_what_the_namespace_will_be(client: Client, make_project: Callable[[str], Project]) -> None:
    make_project("taken-one")
    assert "cardiac-mr" in fragment(client, project_name="Cardiac MR")
    assert "Free" in fragment(client, project_name="Cardiac MR")
    assert "Taken" in fragment(client, project_name="Cardiac MR", namespace="taken-one")
    assert "Free" in fragment(client, namespace="free-one")
    assert "kept for the platform" in fragment(client, namespace="kube-system")
    assert "lower-case" in fragment(client, namespace="<b>")
    assert fragment(client, project_name="").strip() == ""
    assert fragment(client, project_name="前列腺").strip() == ""


def test_the_fragment_is_no_way_to_list_all_namespaces(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "LOOKUPS_A_CLIENT", 2)
    codes = [client.get(reverse("registrations:namespace"), {"namespace": "x"}).status_code for _ in range(3)]
    assert codes == [200, 200, 204]
