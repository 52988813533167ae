"""The environment file of a new project, read and shown back."""

import re

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from apps.registrations import links
from apps.registrations.models import Registration
from tests.registrations.conftest import answers, error_of

pytestmark = pytest.mark.django_db
REGISTER = "/register/"


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
