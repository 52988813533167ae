"""The list of requests: for approvers and administrators only, searched, filtered, paged, flat in queries."""

from collections.abc import Callable

import pytest
from django.test import Client

from apps.accounts.models import User
from apps.registrations import links, services
from apps.registrations.models import Registration
from apps.registrations.selectors import open_requests_of, waiting_for
from tests.conftest import ClientOf
from tests.queries import cost_of
from tests.registrations.conftest import Make, grant

pytestmark = pytest.mark.django_db
LIST = "/approvals/"


def test_approvers_and_administrators_see_what_waits(
    approver: User, admin: User, client_of: ClientOf, waiting: Make, submitted: Make
) -> None:
    waiting()
    submitted(project_name="Not proved", namespace="other")
    for user in (approver, admin):
        page = client_of(user).get(LIST).text
        assert "Prostate bpMRI atlas" in page
        assert "Not proved" not in page
        assert "1 request waits for approval" in " ".join(page.split())


@pytest.mark.parametrize("who", ["alice", "bob", "charlie"])
@pytest.mark.parametrize("part", ["", "1/", "1/progress/", "1/approve/", "1/reject/", "1/changes/", "1/retry/"])
def test_for_others_there_is_no_such_page(
    request: pytest.FixtureRequest, client_of: ClientOf, waiting: Make, who: str, part: str
) -> None:
    registration = waiting()
    client = client_of(request.getfixturevalue(who))
    path = LIST + part.replace("1", str(registration.pk))
    answer = client.get(path) if part in ("", "1/", "1/progress/") else client.post(path, grant(registration))
    assert answer.status_code == 404
    registration.refresh_from_db()
    assert registration.status == Registration.Status.EMAIL_VERIFIED


def test_a_stranger_is_led_to_sign_in(client: Client, waiting: Make) -> None:
    for path in (LIST, f"{LIST}{waiting().pk}/"):
        assert client.get(path)["Location"].startswith("/account/login/")


def test_a_list_of_more_rows_costs_no_more_queries(approver: User, client_of: ClientOf, waiting: Make) -> None:
    client = client_of(approver)
    waiting(namespace="first")
    before = cost_of(client, LIST)
    for number in range(10):
        waiting(namespace=f"n-{number}", email=f"{number}@uni.example")
    assert cost_of(client, LIST) == before


def test_the_page_of_a_request_costs_no_more_with_a_longer_history(
    approver: User, client_of: ClientOf, waiting: Make, django_assert_max_num_queries: Callable[[int], object]
) -> None:
    registration = waiting()
    client = client_of(approver)
    with django_assert_max_num_queries(10):  # type: ignore[attr-defined]
        assert client.get(f"{LIST}{registration.pk}/").status_code == 200


def names(client: Client, **query: str) -> list[str]:
    return [row.namespace for row in client.get(LIST, query).context["page"]]


def test_search_and_filter(approver: User, client_of: ClientOf, waiting: Make, submitted: Make) -> None:
    waiting(namespace="heart", project_name="Cardiac MR", name="Anna Ek")
    waiting(namespace="knee", project_name="Knee MR", email="per@clinic.example")
    submitted(namespace="lung", project_name="Lung CT")
    client = client_of(approver)
    assert names(client) == ["heart", "knee"]
    assert names(client, q="mr") == ["heart", "knee"]
    assert names(client, q="ek cardiac") == ["heart"]
    assert names(client, q="clinic") == ["knee"]
    assert names(client, q="lung") == []
    assert names(client, status="", q="lung") == ["lung"]
    assert names(client, status="") == ["lung", "knee", "heart"]
    assert names(client, status="submitted") == ["lung"]
    assert names(client, q="%") == []


@pytest.mark.parametrize(
    "query", [{"status": "no-such"}, {"page": "999"}, {"page": "x"}, {"q": "a\x00b"}, {"q": "x" * 500}]
)
def test_odd_questions_are_answered(approver: User, client_of: ClientOf, waiting: Make, query: dict[str, str]) -> None:
    waiting()
    assert client_of(approver).get(LIST, query).status_code == 200


def test_pages_keep_the_question(approver: User, client_of: ClientOf, waiting: Make) -> None:
    for number in range(30):
        waiting(namespace=f"n-{number}", name="A&B")
    page = client_of(approver).get(LIST, {"q": "A&B"})
    assert "?status=email_verified&amp;kind=&amp;older=&amp;q=A%26B&amp;page=2" in page.text
    assert len(names(client_of(approver), q="A&B", page="2")) == 5


def test_an_empty_list_says_why(approver: User, client_of: ClientOf) -> None:
    client = client_of(approver)
    assert "Nothing waits for approval" in client.get(LIST).text
    assert "No request fits" in client.get(LIST, {"q": "x"}).text


def test_what_waits_for_an_approver_leaves_out_the_own(approver: User, alice: User, waiting: Make) -> None:
    waiting(by=approver, namespace="own")
    waiting(email=approver.email, namespace="own-mail")
    other = waiting(namespace="other")
    assert list(waiting_for(approver)) == [other]
    assert list(waiting_for(alice)) == []


def test_the_requesters_home_lists_open_requests_with_their_private_links(
    alice: User, waiting: Make, submitted: Make
) -> None:
    by_account, by_mail = waiting(by=alice, namespace="one"), submitted(email=alice.email, namespace="two")
    withdrawn = waiting(by=alice, namespace="three")
    services.withdraw(withdrawn, by=alice)
    waiting(namespace="somebody-elses")
    assert [row.url for row in open_requests_of(alice)] == [links.path_of(by_mail), links.path_of(by_account)]
