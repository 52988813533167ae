"""The form for a new project, as strangers and as people who are signed in send it."""

import html
import re
from collections.abc import Callable
from datetime import date, timedelta

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.mail import EmailMessage
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from apps.accounts import terms
from apps.accounts.models import User
from apps.audit.models import Entry
from apps.core import mail
from apps.projects.models import Project
from apps.registrations import decisions, limits, links
from apps.registrations.fields import longest_end
from apps.registrations.models import Registration
from tests.registrations.conftest import Make, answers, without

pytestmark = pytest.mark.django_db
Status = Registration.Status
REGISTER = "/register/"
SENT = "/register/sent/"


def error_of(client: Client, **changed: object) -> str:
    """The one sentence that the form shows; nothing is written."""
    page = client.post(REGISTER, answers(**changed))
    assert page.status_code == 200
    assert not Registration.objects.exists()
    (messages,) = page.context["form"].errors.values()
    return " ".join(messages)


def test_a_stranger_asks_and_gets_a_mail_with_the_private_link(
    client: Client, mailoutbox: list[EmailMessage], private_link: Callable[[str], str]
) -> None:
    assert client.get(REGISTER).status_code == 200
    answer = client.post(REGISTER, answers())
    assert (answer.status_code, answer["Location"]) == (302, SENT)
    registration = Registration.objects.get()
    assert (registration.status, registration.namespace) == (Status.SUBMITTED, "prostate-atlas")
    assert (registration.cpus, registration.storage_gib) == (32, 500)
    assert not registration.reserved_skeleton
    assert private_link("ida.berg@uni.example") == links.path_of(registration)
    assert Entry.objects.filter(action="registration.submitted", address="127.0.0.1").exists()


def test_the_first_mail_carries_no_words_of_a_stranger(client: Client, mailoutbox: list[EmailMessage]) -> None:
    words = ("Free iPhones at evil.example", "Buy now", "evil-name", "Dr Evil")
    client.post(
        REGISTER,
        answers(name=words[0], project_name=words[1], namespace=words[2], principal_investigator=words[3]),
    )
    mail.sweep()
    text = mailoutbox[0].subject + mailoutbox[0].body
    assert not [word for word in words if word in text]


def test_known_and_unknown_addresses_get_equal_answers(client: Client, alice: User) -> None:
    answered = [
        client.post(REGISTER, answers(email=email, namespace=namespace))
        for email, namespace in ((alice.email, "one"), ("nobody@uni.example", "two"))
    ]
    assert [(answer.status_code, answer["Location"]) for answer in answered] == [(302, SENT)] * 2
    assert "uni.example" not in client.get(SENT).text


def test_somebody_signed_in_asks_under_the_account(
    alice: User, client_of: Callable[[User], Client], approver: User, mailoutbox: list[EmailMessage]
) -> None:
    client = client_of(alice)
    refused = client.post(REGISTER, answers(name="Mallory", email="mallory@evil.example"))
    assert "has no field &#x27;email&#x27;" in refused.text
    answer = client.post(REGISTER, without(answers(), "name", "email"))
    registration = Registration.objects.get()
    assert answer["Location"] == links.path_of(registration)
    assert (registration.status, registration.submitted_by) == (Status.EMAIL_VERIFIED, alice)
    assert (registration.name, registration.email) == ("Alice", alice.email)
    assert registration.reserved_skeleton
    mail.sweep()
    to_approver, to_alice = mailoutbox
    assert (to_approver.to, to_alice.to) == ([approver.email], [alice.email])
    assert links.path_of(registration) in to_alice.body


@pytest.mark.parametrize(
    "name",
    ["status", "reserved_skeleton", "submitted_by", "nonce", "granted_cpus", "project", "created_at", "is_staff"],
)
def test_what_the_form_does_not_ask_for_is_refused_with_its_sentence(client: Client, name: str) -> None:
    assert error_of(client, **{name: "1"}) == f"This form has no field '{name}', so nothing was written."


def test_a_field_of_an_odd_name_is_shown_as_text(client: Client) -> None:
    page = client.post(REGISTER, answers(**{"<b>\u202e": "1"}))
    assert "no field &#x27;&lt;b&gt;\\u202e&#x27;" in page.text
    assert not Registration.objects.exists()


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


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("cpus", 0),
        ("cpus", 1025),
        ("cpus", "1e3"),
        ("cpus", "four"),
        ("memory_gib", 0),
        ("gpus", -1),
        ("gpus", 129),
        ("storage_gib", 0),
        ("storage_gib", 10**30),
        ("email", "ida"),
        ("email", "ida@uni.example, charlie@uni.example"),
        ("email", "ida@uni.example\r\nBcc: all@uni.example"),
        ("name", ""),
        ("name", "Ida\r\nBcc: all@uni.example"),
        ("name", "Ida\u202etxt.exe"),
        ("name", "x" * 201),
        ("affiliation", "Uppsala\nRejected: no"),
        ("project_name", "One\nTwo"),
        ("project_name", "x" * 121),
        ("principal_investigator", ""),
        ("purpose", ""),
        ("purpose", "x" * 5001),
        ("starts_on", "tomorrow"),
        ("ends_on", "2027-02-30"),
    ],
)
def test_a_value_out_of_bounds_gets_its_sentence(client: Client, field: str, value: object) -> None:
    assert error_of(client, **{field: value})


def days(starts: int, ends: int) -> dict[str, object]:
    today = timezone.localdate()
    return {
        "starts_on": (today + timedelta(days=starts)).isoformat(),
        "ends_on": (today + timedelta(days=ends)).isoformat(),
    }


@pytest.mark.parametrize(
    ("starts", "ends", "sentence"),
    [
        (0, 0, "after the first"),
        (10, 5, "after the first"),
        (-1, 100, "has passed"),
        (0, 5 * 366 + 2, "at most 5 years"),
        (400, 500, "within the next year"),
    ],
)
def test_days_in_the_wrong_order_or_too_far_are_refused(client: Client, starts: int, ends: int, sentence: str) -> None:
    assert sentence in error_of(client, **days(starts, ends))


@pytest.mark.parametrize(("starts", "ends"), [(0, 1), (365, 366), (0, 5 * 365)])
def test_days_within_the_bounds_are_taken(client: Client, starts: int, ends: int) -> None:
    assert client.post(REGISTER, answers(**days(starts, ends))).status_code == 302


def test_five_years_from_a_leap_day() -> None:
    assert longest_end(date(2028, 2, 29)) == date(2033, 2, 28)
    assert longest_end(date(2027, 3, 1)) == date(2032, 3, 1)


def test_a_form_with_errors_keeps_what_was_written(client: Client) -> None:
    page = client.post(REGISTER, answers(cpus=0)).text
    assert "Zonal segmentation" in page
    assert 'value="prostate-atlas"' in page
    assert "1 field below needs your attention" in page


def test_markup_in_every_field_is_text(client: Client, admin: User, client_of: Callable[[User], Client]) -> None:
    mark = "<img src=x onerror=alert(1)>\"'{{7*7}}"
    texts = ("name", "affiliation", "purpose", "project_name", "description", "principal_investigator")
    answer = client.post(REGISTER, answers(**dict.fromkeys(texts, mark)))
    assert answer.status_code == 302
    registration = Registration.objects.get()
    console = client_of(admin)
    pages = [
        client.get(links.path_of(registration)),
        console.get("/approvals/", {"status": "", "q": ""}),
        console.get(f"/approvals/{registration.pk}/"),
        client.post(REGISTER, answers(**dict.fromkeys(texts, mark), cpus=0)),
    ]
    for page in pages:
        assert page.status_code == 200
        assert "&lt;img src=x onerror" in page.text
        assert "<img src=x" not in page.text


def test_one_mailbox_gets_few_mails_an_hour(client: Client) -> None:
    for number in range(limits.REQUESTS_A_MAILBOX):
        assert client.post(REGISTER, answers(namespace=f"n-{number}")).status_code == 302
    refused = client.post(REGISTER, answers(email="Ida.Berg@uni.example", namespace="another"))
    assert (refused.status_code, refused["Retry-After"]) == (429, "3600")
    assert "Nothing was stored" in refused.text
    assert Registration.objects.count() == limits.REQUESTS_A_MAILBOX
    assert client.post(REGISTER, answers(email="else@uni.example", namespace="another")).status_code == 302


def test_one_client_asks_few_times_an_hour(client: Client) -> None:
    def ask(number: int, address: str) -> int:
        sent = answers(email=f"{number}@uni.example", namespace=f"n-{number}")
        return client.post(REGISTER, sent, REMOTE_ADDR=address).status_code

    network = [ask(number, f"2001:db8::{number:x}") for number in range(limits.REQUESTS_A_CLIENT + 1)]
    assert network == [302] * limits.REQUESTS_A_CLIENT + [429]
    assert ask(100, "2001:db8:0:1::1") == 302
    assert ask(101, "192.0.2.1") == 302


def test_a_form_without_its_token_is_refused() -> None:
    assert Client(enforce_csrf_checks=True).post(REGISTER, answers()).status_code == 403


@pytest.mark.parametrize("method", ["put", "delete", "patch"])
def test_other_methods_are_refused(client: Client, method: str) -> None:
    assert getattr(client, method)(REGISTER).status_code == 405
    assert getattr(client, method)(SENT).status_code == 405
    assert client.post(SENT).status_code == 405


@pytest.mark.parametrize("path", [REGISTER, "/register/join/", "/register/environment/"])
@pytest.mark.parametrize("way", ["fields", "file"])
def test_a_body_of_ten_megabytes_is_refused(client: Client, path: str, way: str) -> None:
    large = "x" * 10 * 1024**2
    sent = {"environment_upload": SimpleUploadedFile("a.txt", large.encode())} if way == "file" else {"purpose": large}
    answer = client.post(path, answers(**sent))
    assert answer.status_code == 400
    assert "larger than the portal takes here" in answer.text
    assert not Registration.objects.exists()


def test_an_environment_file_is_read_and_shown_back(client: Client) -> None:
    upload = SimpleUploadedFile("environment.yml", b"\xef\xbb\xbfdependencies:\n  - numpy=2.1\n")
    client.post(REGISTER, answers(environment_upload=upload))
    registration = Registration.objects.get()
    assert registration.environment_file == "dependencies:\n  - numpy=2.1\n"
    assert registration.environment["packages"] == ["numpy=2.1"]
    assert "numpy=2.1" in client.get(links.path_of(registration)).text


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"-r more.txt", "Line 1 refers to another file"),
        (b"\xff\xfe", "This is no text"),
        (b"#" * (64 * 1024 + 1), "64 KiB"),
        (b"", "The submitted file is empty."),
    ],
)
def test_an_environment_file_that_cannot_be_taken_gets_its_sentence(client: Client, content: bytes, says: str) -> None:
    assert says in error_of(client, environment_upload=SimpleUploadedFile("requirements.txt", content))


def test_the_text_of_the_file_is_there_when_the_form_comes_back(client: Client) -> None:
    page = client.post(REGISTER, answers(cpus=0, environment_upload=SimpleUploadedFile("r.txt", b"monai==1.5.1\n")))
    assert re.search(r"<textarea[^>]*name=\"environment_file\"[^>]*>\s*monai==1.5.1", page.text)


def test_the_fragment_shows_what_is_read_out_of_the_environment_file(client: Client) -> None:
    path = reverse("registrations:environment")
    assert "monai==1.5.1" in client.post(path, {"environment_file": "monai == 1.5.1"}).text
    assert "refers to another file" in client.post(path, {"environment_file": "-r x"}).text
    assert client.post(path, {"environment_file": " "}).status_code == 204
    assert client.get(path).status_code == 405


def test_terms_that_are_not_accepted_send_nothing(client: Client) -> None:
    refused = client.post(REGISTER, without(answers(), "terms"))
    assert "Nothing is sent unless you accept the terms" in refused.text
    client.post(REGISTER, answers())
    registration = Registration.objects.get()
    assert registration.terms_version == terms.VERSION
    assert registration.terms_accepted_at is not None
    assert all(sentence[:30] in html.unescape(client.get("/terms/").text) for _, sentence in terms.TERMS)


def test_new_terms_are_accepted_when_the_request_is_edited(
    client: Client, waiting: Make, approver: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    registration = waiting()
    before = registration.terms_accepted_at
    decisions.ask_for_changes(registration, message="Why?", by=approver)
    monkeypatch.setattr(terms, "VERSION", "2099-01")
    path = f"{links.path_of(registration)}edit/"
    assert "terms" in client.post(path, without(answers(), "terms")).context["form"].errors
    client.post(path, answers())
    registration.refresh_from_db()
    assert registration.terms_version == "2099-01"
    assert registration.terms_accepted_at is not None
    assert before is not None
    assert registration.terms_accepted_at > before


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
