"""Once a day each approver gets one mail of what waits, however many beats there are; nobody gets an empty one."""

import re
import threading
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection

from apps.accounts.models import Identity, User
from apps.core.models import Mail
from apps.projects import granting, lifecycle
from apps.projects.models import Project
from apps.registrations import digest
from apps.registrations.models import Digest
from apps.registrations.selectors import waiting_for
from tests.conftest import ClientOf
from tests.registrations.conftest import Make
from tests.registrations.console import admit, path

DAY = datetime(2026, 11, 21, tzinfo=UTC)
AT_SEVEN = DAY + timedelta(hours=digest.HOUR)


def digests() -> list[str]:
    return sorted(Mail.objects.filter(subject__regex="^[0-9]+ request").values_list("to", flat=True))


@pytest.mark.django_db
def test_each_approver_gets_what_waits_once_a_day(
    approver: User, admin: User, alice: User, support: User, waiting: Make, joining: Make
) -> None:
    waiting()
    waiting(namespace="admins-own", email=admin.email)
    joining()
    assert digest.send_due(AT_SEVEN)
    assert not digest.send_due(AT_SEVEN + timedelta(minutes=1))
    assert digests() == [admin.email, approver.email]
    first = Mail.objects.get(to=approver.email, subject="2 requests wait for approval")
    assert first.text.index("Prostate bpMRI atlas") < first.text.index("/approvals/")
    assert Mail.objects.filter(to=admin.email, subject="1 request waits for approval").exists()
    assert digest.send_due(AT_SEVEN + timedelta(days=1))
    assert digests() == [admin.email, admin.email, approver.email, approver.email]


@pytest.mark.django_db
@pytest.mark.parametrize("owner", ["deactivated", "disabled in Keycloak", "gone with the project"])
def test_who_asks_to_join_where_no_owner_can_act_waits_for_the_approvers(
    approver: User, alice: User, project: Project, joining: Make, client_of: ClientOf, owner: str
) -> None:
    registration = joining()
    assert list(waiting_for(approver)) == []
    assert list(waiting_for(alice)) == [registration]
    if owner == "deactivated":
        User.objects.filter(pk=alice.pk).update(is_active=False)
    elif owner == "disabled in Keycloak":
        Identity.objects.create(user=alice, issuer="https://keycloak.example", subject="hers", is_enabled=False)
    else:
        lifecycle.schedule_deletion(project, typed=project.namespace, by=alice)
        lifecycle.begin_deletion(project)
        lifecycle.finish_deletion(project)
    client = client_of(approver)
    home = client.get("/")
    assert "1 request" in home.text
    assert home.context["nav"]["approvals_waiting"] == 1
    digest.send_due(AT_SEVEN)
    assert registration.title in Mail.objects.get(to=approver.email, subject="1 request waits for approval").text
    page = admit(client, registration)
    is_there = owner != "gone with the project"
    assert ("The requester is in the project" if is_there else "Nobody can join the project now: deleted.") in page
    client.post(path(registration, "reject/"), {"version": registration.version, "reason": "It is no more."})
    assert list(waiting_for(approver)) == []


@pytest.mark.django_db
def test_who_asks_for_more_time_waits_too(
    approver: User, admin: User, alice: User, project: Project, waiting: Make, client_of: ClientOf
) -> None:
    asked = granting.ask_extension(project, ends_on=project.ends_on + timedelta(days=9), why="More", by=alice)
    digest.send_due(AT_SEVEN)
    text = Mail.objects.get(to=approver.email, subject="1 request waits for approval").text
    assert "More time for Cardiac mr, asked by Alice" in text
    assert f"/extensions/{asked.pk}/" in text
    assert digests() == [admin.email, approver.email]
    waiting()
    page = client_of(approver).get("/approvals/")
    assert page.context["nav"]["approvals_waiting"] == 2
    assert re.search(r'More time<span class="count">1<', page.content.decode())


@pytest.mark.django_db
def test_nobody_is_asked_to_decide_on_their_own_more_time(project: Project, admin: User, client_of: ClientOf) -> None:
    granting.ask_extension(project, ends_on=project.ends_on + timedelta(days=9), why="More", by=admin)
    digest.send_due(AT_SEVEN)
    assert digests() == []
    assert client_of(admin).get("/approvals/").context["nav"]["approvals_waiting"] == 0


@pytest.mark.django_db
def test_before_the_hour_nothing_goes_out_and_hours_late_it_does(approver: User, waiting: Make) -> None:
    waiting()
    assert not digest.send_due(AT_SEVEN - timedelta(seconds=1))
    assert digest.send_due(DAY + timedelta(hours=23, minutes=59))
    assert digests() == [approver.email]


@pytest.mark.django_db
def test_nobody_gets_a_mail_about_nothing(approver: User, submitted: Make) -> None:
    submitted()
    assert digest.send_due(AT_SEVEN)
    assert digests() == []


@pytest.mark.django_db
def test_a_long_list_is_cut_and_says_so(approver: User, waiting: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(digest, "LONGEST", 1)
    waiting()
    waiting(namespace="other", project_name="The later one")
    digest.send_due(AT_SEVEN)
    text = Mail.objects.get(subject="2 requests wait for approval").text
    assert "and 1 more." in text
    assert "The later one" not in text


@pytest.mark.race
@pytest.mark.django_db(transaction=True)
def test_of_two_beats_one_sends(approver: User, waiting: Make) -> None:
    waiting()
    start, sent = threading.Barrier(4), []

    def beat() -> None:
        start.wait()
        sent.append(digest.send_due(AT_SEVEN))
        connection.close()

    threads = [threading.Thread(target=beat) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(sent) == [False, False, False, True]
    assert Digest.objects.count() == 1
    assert digests() == [approver.email]
