"""What the form for a new project does not take, each with its sentence."""

from datetime import date, timedelta

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils import timezone

from apps.registrations.fields import longest_end
from apps.registrations.models import Registration
from tests.registrations.conftest import answers, error_of

pytestmark = pytest.mark.django_db
REGISTER = "/register/"


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


NUMBER, LONG, ADDRESS = "Enter a whole number.", "Ensure this value has at most", "Enter a valid email address."
NEEDED, ONE_LINE, DATE = "This field is required.", "Write this on one line", "Enter a valid date."


@pytest.mark.parametrize(
    ("field", "value", "sentence"),
    [
        ("cpus", 0, "greater than or equal to 1."),
        ("cpus", 1025, "less than or equal to 1024."),
        ("cpus", "1e3", NUMBER),
        ("cpus", "four", NUMBER),
        ("memory_gib", 0, "greater than or equal to 1."),
        ("gpus", -1, "greater than or equal to 0."),
        ("gpus", 129, "less than or equal to 128."),
        ("storage_gib", 0, "greater than or equal to 1."),
        ("storage_gib", 10**30, "less than or equal to 100000."),
        ("email", "ida", ADDRESS),
        ("email", "ida@uni.example, charlie@uni.example", ADDRESS),
        ("email", "ida@uni.example\r\nBcc: all@uni.example", ADDRESS),
        ("name", "", NEEDED),
        ("name", "Ida\r\nBcc: all@uni.example", ONE_LINE),
        ("name", "Ida\u202etxt.exe", ONE_LINE),
        ("name", "x" * 201, LONG),
        ("affiliation", "Uppsala\nRejected: no", ONE_LINE),
        ("project_name", "One\nTwo", ONE_LINE),
        ("project_name", "x" * 121, LONG),
        ("principal_investigator", "", NEEDED),
        ("purpose", "", NEEDED),
        ("purpose", "x" * 5001, LONG),
        ("starts_on", "tomorrow", DATE),
        ("ends_on", "2027-02-30", DATE),
    ],
)
def test_a_value_out_of_bounds_gets_its_sentence(client: Client, field: str, value: object, sentence: str) -> None:
    page = client.post("/register/", answers(**{field: value}))
    ((wrong, messages),) = page.context["form"].errors.items()
    assert (wrong, sentence in messages[0]) == (field, True), messages
    assert not Registration.objects.exists()


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


@pytest.mark.parametrize("path", [REGISTER, "/register/join/", "/register/environment/"])
@pytest.mark.parametrize("way", ["fields", "file"])
def test_a_body_of_ten_megabytes_is_refused(client: Client, path: str, way: str) -> None:
    large = "x" * 10 * 1024**2
    sent = {"environment_upload": SimpleUploadedFile("a.txt", large.encode())} if way == "file" else {"purpose": large}
    answer = client.post(path, answers(**sent))
    assert answer.status_code == 400
    assert "larger than the portal takes here" in answer.text
    assert not Registration.objects.exists()
