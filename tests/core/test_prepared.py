"""A prepared query finds what the query itself would find, and writes its SQL once."""

import pytest
from django.db.models import F
from pytest_django import DjangoAssertNumQueries

from apps.accounts.models import User
from apps.core.prepared import Prepared
from apps.projects.models import Membership, Project

memberships = Prepared(
    lambda user, namespace: Membership.objects.select_related("project").filter(
        user=user, project__namespace=namespace
    ),
    int,
    str,
)


def test_the_row_is_as_the_query_loads_it(
    project: Project, alice: User, bob: User, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    for user in (alice, bob):
        with django_assert_num_queries(1):
            found = memberships.first(user.pk, project.namespace)
            assert found is not None
            assert (found.project, found.project.status_changed_at) == (project, project.status_changed_at)
        assert found == Membership.objects.get(user=user)
        assert vars(found)["joined_at"] == Membership.objects.get(user=user).joined_at


def test_a_change_shows_at_once(project: Project, alice: User) -> None:
    assert memberships.first(alice.pk, project.namespace)
    Membership.objects.filter(user=alice).update(may_export=False, role=Membership.Role.VIEWER)
    found = memberships.first(alice.pk, project.namespace)
    assert found is not None
    assert (found.may_export, found.role) == (False, Membership.Role.VIEWER)
    Membership.objects.filter(user=alice).delete()
    assert memberships.first(alice.pk, project.namespace) is None


def test_no_row_is_none(project: Project, charlie: User) -> None:
    assert memberships.first(charlie.pk, project.namespace) is None
    assert memberships.first(-1, "' OR 1=1 --") is None


def test_fields_that_are_left_out_are_loaded_when_asked_for(
    project: Project, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    found = Prepared(lambda namespace: Project.objects.only("name").filter(namespace=namespace), str).first(
        project.namespace
    )
    assert found is not None
    assert found.get_deferred_fields()
    with django_assert_num_queries(1):
        assert found.status == project.status


def test_a_value_that_its_sql_would_not_have_as_it_is_is_refused(project: Project) -> None:
    shifted = Prepared(lambda pk: Project.objects.filter(pk=F("pk") + (pk + 1)), int)
    with pytest.raises(ValueError, match="as it is"):
        shifted.first(project.pk)
    upper = Prepared(lambda name: Project.objects.filter(name__icontains=name), str)
    with pytest.raises(ValueError, match="as it is"):
        upper.first(project.name)
