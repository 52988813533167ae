"""What a requester edits is told to those who decide: amounts, days and names with what they were, texts by name."""

from datetime import date, timedelta

import pytest
from django.utils import timezone

from apps.accounts.models import User
from apps.audit.models import Entry
from apps.audit.services import changed
from apps.registrations import decisions, links, selectors, services
from apps.registrations.edits import sentence_of
from apps.registrations.models import Registration
from tests.conftest import ClientOf
from tests.registrations.conftest import Make, application
from tests.registrations.console import path

pytestmark = pytest.mark.django_db


@pytest.fixture
def sent_back(waiting: Make, approver: User) -> Registration:
    registration = waiting()
    decisions.ask_for_changes(registration, message="Fewer GPUs, please.", by=approver)
    return registration


def test_the_approver_reads_what_was_and_what_is(sent_back: Registration, approver: User, client_of: ClientOf) -> None:
    later = sent_back.ends_on + timedelta(days=1)
    services.amend(sent_back, application(gpus=1, gpu_type="", ends_on=later, purpose="Less."), by=None)
    told = Entry.objects.get(action="registration.amended").detail
    assert told == {
        "edited": ["ends_on", "gpu_type", "gpus", "purpose"],
        "gpus": changed(4, 1),
        "gpu_type": changed("A100 80 GB", ""),
        "ends_on": changed(str(sent_back.ends_on - timedelta(days=1)), str(later)),
    }
    page = client_of(approver).get(path(sent_back)).text
    assert "GPUs: 1, was 4; GPU type: none, was A100 80 GB; Last day: " in page
    assert "; also: purpose" in page


def test_each_edit_has_its_own_words_and_an_answer_those_of_the_requester(
    sent_back: Registration, approver: User
) -> None:
    services.answer(sent_back, text="We need all four.", by=None)
    decisions.ask_for_changes(sent_back, message="Fewer.", by=approver)
    services.amend(sent_back, application(gpus=2), by=None)
    decisions.ask_for_changes(sent_back, message="Another address?", by=approver)
    services.amend(sent_back, application(gpus=1, email="ida@clinic.example"), by=None)
    said = [(line.word, line.why) for line in selectors.history(sent_back) if line.who == sent_back.name]
    assert said[1:] == [
        ("Answered", "We need all four."),
        ("Edited", "GPUs: 2, was 4"),
        ("Edited, with another address", "GPUs: 1, was 2; also: e-mail address"),
    ]


def test_an_edit_that_changes_nothing_says_nothing(sent_back: Registration) -> None:
    services.amend(sent_back, application(), by=None)
    last = selectors.history(sent_back)[-1]
    assert (last.word, last.why) == ("Edited", "")


def test_days_are_read_as_days() -> None:
    detail = {"edited": ["starts_on"], "starts_on": changed("2026-12-01", str(date(2027, 1, 2)))}
    assert sentence_of(detail) == "First day: 2 January 2027, was 1 December 2026"


def test_what_was_sent_back_and_returned_waits_from_then_on(
    sent_back: Registration, waiting: Make, approver: User, client_of: ClientOf
) -> None:
    other = waiting(namespace="other", project_name="The other")
    services.amend(sent_back, application(gpus=1), by=None)
    client = client_of(approver)
    assert list(client.get("/approvals/").context["page"]) == [other, sent_back]
    assert list(selectors.waiting_for(approver)) == [other, sent_back]
    Registration.objects.filter(pk=other.pk).update(status_changed_at=timezone.now() - timedelta(days=4))
    Registration.objects.filter(pk=sent_back.pk).update(created_at=timezone.now() - timedelta(days=4))
    assert list(client.get("/approvals/?older=3").context["page"]) == [other]


def test_the_requester_sees_the_own_edits(sent_back: Registration, client_of: ClientOf, alice: User) -> None:
    services.amend(sent_back, application(gpus=1), by=None)
    assert "GPUs: 1, was 4" in client_of(alice).get(links.path_of(sent_back)).text
