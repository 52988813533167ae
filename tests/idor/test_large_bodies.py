"""What is larger than the portal takes is refused at every form that needs no sign-in, with its sentence."""

from http import HTTPStatus

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from tests.idor.conftest import World
from tests.idor.test_unknown_fields import NO_FORM, paths

__all__ = ["paths"]  # a fixture
pytestmark = [pytest.mark.idor, pytest.mark.attacks]
LARGE = "x" * 10 * 1024**2
SENTENCE = "larger than the portal takes here"


@pytest.mark.parametrize("way", ["field", "file"])
def test_ten_megabytes_are_refused(world: World, paths: dict[str, str], way: str) -> None:
    visitor = world.clients["anonymous"]

    def send(path: str):
        sent = SimpleUploadedFile("large.txt", LARGE.encode()) if way == "file" else LARGE
        return visitor.post(path, {"purpose": sent})

    answers = {name: send(path) for name, path in paths.items()}
    forms = {name: answer for name, answer in answers.items() if answer.status_code not in NO_FORM}
    assert {"account_login", "registrations:register", "registrations:confirm", "members:accept"} <= forms.keys()
    refused = {name: (answer.status_code, SENTENCE in answer.text) for name, answer in forms.items()}
    assert set(refused.values()) == {(HTTPStatus.BAD_REQUEST, True)}, refused
