"""A project's life on the pages: more time, suspended, archived, to be deleted, undone, deleted; with no scripts."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.utils import timezone
from playwright.sync_api import BrowserContext, Page, expect

from apps.accounts.models import User
from apps.core.models import Step
from apps.projects import clock
from apps.projects.models import Project
from apps.provisioning import lifecycle as following

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True), pytest.mark.timeout(180)]
SETTINGS = "/projects/cardiac-mr/settings/"


@pytest.fixture(params=[True, False], ids=["javascript", "no javascript"])
def page_of(request: pytest.FixtureRequest, open_as: Callable[..., BrowserContext]) -> Callable[[User], Page]:
    return lambda user: open_as(user, java_script_enabled=request.param).new_page()


def open_settings(page: Page, state: str) -> None:
    page.goto(SETTINGS)
    expect(page.get_by_role("main").locator(".state").first).to_have_text(state)


def test_more_time_is_asked_for_and_given(
    project: Project, alice: User, approver: User, page_of: Callable[[User], Page], bells: list[str]
) -> None:
    later = project.ends_on + timedelta(days=90)
    hers, his = page_of(alice), page_of(approver)
    hers.goto("/projects/cardiac-mr/")
    hers.get_by_label("Navigation").get_by_role("link", name="Settings").click()
    hers.get_by_text("Ask for more time").click()
    hers.get_by_label("New last day").fill(str(later))
    hers.get_by_label("Why").fill("Two more scanners take part.")
    hers.get_by_role("button", name="Ask the approvers").click()
    expect(hers.get_by_text("the answer comes by mail")).to_be_visible()
    expect(hers.get_by_role("button", name="Withdraw the request")).to_be_visible()
    his.goto("/approvals/")
    his.get_by_role("link", name="More time").click()
    his.get_by_role("link", name="Cardiac mr").click()
    expect(his.get_by_text("Two more scanners take part.")).to_be_visible()
    his.get_by_role("button", name="Grant").click()
    expect(his.get_by_text("Granted. The owners are told by mail.")).to_be_visible()
    project.refresh_from_db()
    assert project.ends_on == later


def test_suspended_archived_deleted_and_undone(
    project: Project, alice: User, admin: User, page_of: Callable[[User], Page], bells: list[str]
) -> None:
    hers, administrators = page_of(alice), page_of(admin)
    open_settings(administrators, "Ready")
    administrators.get_by_text("Suspend", exact=True).click()
    administrators.get_by_label("Reason").and_(administrators.locator("#id_suspend_why")).fill("The cluster is moved.")
    administrators.get_by_role("button", name="Suspend the project").click()
    open_settings(hers, "Suspended")
    expect(hers.get_by_text("The cluster is moved.")).to_be_visible()
    hers.get_by_role("link", name="What was done").first.click()
    expect(hers.get_by_text("Runs ended")).to_be_visible()
    open_settings(administrators, "Suspended")
    administrators.get_by_role("button", name="Resume").click()
    open_settings(hers, "Ready")
    hers.get_by_text("Archive", exact=True).click()
    hers.locator("#id_archive_why").fill("The study is published.")
    hers.get_by_role("button", name="Archive the project").click()
    open_settings(administrators, "Archived")
    administrators.get_by_role("button", name="Restore").click()
    open_settings(hers, "Ready")
    _delete(hers)
    hers.goto("/")
    hers.get_by_role("link", name="Cardiac mr").click()
    hers.get_by_role("button", name="Undo the deletion").click()
    expect(hers.get_by_text("The project is not deleted.")).to_be_visible()
    open_settings(hers, "Ready")


def test_deleted_it_is_gone_for_everybody(
    project: Project, alice: User, admin: User, page_of: Callable[[User], Page], bells: list[str]
) -> None:
    hers = page_of(alice)
    open_settings(hers, "Ready")
    hers.get_by_text("Delete", exact=True).click()
    hers.get_by_label("Namespace").fill("cardiac")
    hers.get_by_role("button", name="Delete the project").click()
    expect(hers.get_by_text("Type cardiac-mr to confirm.").last).to_be_visible()
    hers.get_by_label("Namespace").fill("cardiac-mr")
    hers.get_by_role("button", name="Delete the project").click()
    expect(hers.get_by_role("button", name="Undo the deletion")).to_be_visible()
    Project.objects.filter(pk=project.pk).update(delete_at=timezone.now() - timedelta(seconds=1))
    clock.sweep()
    Step.objects.filter(look_again_at__isnull=False).update(look_again_at=timezone.now())
    following.sweep()
    assert hers.request.get(SETTINGS).status == 404
    hers.goto("/")
    expect(hers.get_by_text("cardiac-mr")).to_have_count(0)
    administrators = page_of(admin)
    administrators.goto("/projects/?status=deleted")
    expect(administrators.get_by_role("cell", name="Cardiac mr")).to_be_visible()


def _delete(page: Page) -> None:
    page.get_by_text("Delete", exact=True).click()
    page.get_by_label("Namespace").fill("cardiac-mr")
    page.get_by_role("button", name="Delete the project").click()
    expect(page.get_by_text("Until then it can be undone here.")).to_be_visible()
