"""A project's life on the pages: more time, suspended, archived, to be deleted, undone, deleted; with no scripts."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.utils import timezone
from playwright.sync_api import Page, expect

from apps.accounts.models import User
from apps.core.models import Step
from apps.projects import clock
from apps.projects.models import Project
from apps.provisioning import lifecycle as following
from tests.browser import stories
from tests.browser.conftest import OpenAs

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True), pytest.mark.timeout(180)]
NAMESPACE, NAME = "cardiac-mr", "Cardiac mr"


@pytest.fixture(params=[True, False], ids=["javascript", "no javascript"])
def page_of(request: pytest.FixtureRequest, open_as: OpenAs) -> Callable[[User], Page]:
    return lambda user: open_as(user, java_script_enabled=request.param).new_page()


def test_more_time_is_asked_for_and_given(
    project: Project, alice: User, approver: User, page_of: Callable[[User], Page], bells: list[str]
) -> None:
    later = project.ends_on + timedelta(days=90)
    hers, his = page_of(alice), page_of(approver)
    stories.ask_for_more_time(hers, NAMESPACE, later)
    stories.grant_more_time(his, NAME)
    project.refresh_from_db()
    assert project.ends_on == later


def test_suspended_archived_deleted_and_undone(
    project: Project, alice: User, admin: User, page_of: Callable[[User], Page], bells: list[str]
) -> None:
    hers, administrators = page_of(alice), page_of(admin)
    stories.suspend(administrators, NAMESPACE)
    stories.open_settings(hers, NAMESPACE, "Suspended")
    expect(hers.get_by_text("The cluster is moved.")).to_be_visible()
    hers.get_by_role("link", name="What was done").first.click()
    expect(hers.get_by_text("Runs ended")).to_be_visible()
    stories.resume(administrators, NAMESPACE)
    stories.archive(hers, NAMESPACE)
    stories.restore(administrators, NAMESPACE)
    stories.schedule_deletion(hers, NAMESPACE)
    stories.undo_deletion(hers, NAMESPACE, NAME)


def test_deleted_it_is_gone_for_everybody(
    project: Project, alice: User, admin: User, page_of: Callable[[User], Page], bells: list[str]
) -> None:
    hers = page_of(alice)
    stories.schedule_deletion(hers, NAMESPACE)
    expect(hers.get_by_role("button", name="Undo the deletion")).to_be_visible()
    Project.objects.filter(pk=project.pk).update(delete_at=timezone.now() - timedelta(seconds=1))
    clock.sweep()
    Step.objects.filter(look_again_at__isnull=False).update(look_again_at=timezone.now())
    following.sweep()
    stories.expect_deleted(hers, page_of(admin), NAMESPACE, NAME)
