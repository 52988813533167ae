"""Names that deceive the eye: refused each with its sentence, also when they only look like a name that is taken."""

from collections.abc import Callable

import pytest
from django.test import Client

from apps.projects.models import Project
from apps.registrations import namespaces
from apps.registrations.models import Registration
from tests.registrations.conftest import Make, answers

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("namespace", "says"),
    [
        ("prоstate", "Character 3 is no Latin letter a to z, though it may look like one (U+043E CYRILLIC SMALL"),
        ("ρrostate", "GREEK SMALL LETTER RHO"),
        ("prostate２", "FULLWIDTH DIGIT TWO"),
        ("straße", "LATIN SMALL LETTER SHARP S"),
        ("pro\u200bstate", "Character 4 cannot be seen (U+200B ZERO WIDTH SPACE): write the name anew."),
        ("pro\u200dstate", "ZERO WIDTH JOINER"),
        ("pro\u00adstate", "SOFT HYPHEN"),
        ("\u202eetatsorp", "RIGHT-TO-LEFT OVERRIDE"),
        ("Prostate", "Use lower-case letters alone: prostate."),
        ("prostate--atlas", "Use one hyphen at a time"),
        ("pro‐state", "lower-case letters, digits and hyphens"),
        ("xn--prstate-6fg", "Use one hyphen at a time"),
    ],
)
def test_a_deceiving_name_is_refused(client: Client, namespace: str, says: str) -> None:
    page = client.post("/register/", answers(namespace=namespace))
    assert says in page.context["form"].errors["namespace"][0]
    assert not Registration.objects.exists()


@pytest.mark.parametrize(
    ("taken", "alike"),
    [
        ("prostate-o1", "prostate-01"),
        ("prostate-o1", "pr0state-ol"),
        ("prostate-o1", "prostate-oi"),
        ("modern-mr", "modem-mr"),
        ("new-mr", "nevv-mr"),
        ("a-b", "a-b"),
    ],
)
def test_a_name_that_reads_like_a_project_or_a_request_is_taken(
    client: Client, make_project: Callable[[str], Project], waiting: Make, taken: str, alike: str
) -> None:
    holder = waiting(namespace=taken)
    assert not namespaces.is_free(alike)
    assert namespaces.is_free(alike, besides=holder)
    page = client.post("/register/", answers(namespace=alike))
    assert "is taken, or looks like a name that is" in page.context["form"].errors["namespace"][0]
    Registration.objects.all().delete()
    assert namespaces.is_free(alike)
    make_project(taken)
    assert not namespaces.is_free(alike)


@pytest.mark.parametrize("other", ["prostate-o2", "prostateo1", "prostate-o11", "xprostate-o1"])
def test_other_names_are_free(waiting: Make, other: str) -> None:
    waiting(namespace="prostate-o1")
    assert namespaces.is_free(other)


def test_a_project_that_is_there_from_before_holds_its_look_alikes(make_project: Callable[[str], Project]) -> None:
    make_project("heart--2")
    assert not namespaces.is_free("heart-2")
