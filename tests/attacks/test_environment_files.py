"""Environment files that are made to break what reads them; anybody may send one."""

import pytest
from django.test import Client

from apps.registrations.environments import EnvironmentInvalid, read

pytestmark = pytest.mark.attacks
HEX = "0x" + "f" * 9000
FILES = {
    "no boolean": "dependencies:\n  - !!bool foo\n",
    "no time": "dependencies:\n  - !!timestamp foo\n",
    "no number": "dependencies:\n  - !!int ''\n",
    "a number too long to be written": f"dependencies:\n  - {HEX}\n",
    "one below pip": f"dependencies:\n  - pip: [{HEX}]\n",
    "one in base 60": "dependencies:\n  - 1" + ":59" * 20_000 + "\n",
    "a fraction too large": "dependencies:\n  - 1" + ":1" * 245 + ".5\n",
    "a marker too deep": "atlas; " + "(" * 490,
}


@pytest.mark.parametrize("text", FILES.values(), ids=FILES)
def test_the_form_answers(client: Client, db: None, text: str) -> None:
    answer = client.post("/register/environment/", {"environment_file": text})
    assert answer.status_code == 200
    assert "Not possible" in answer.text


def test_no_unseen_character_comes_by_its_number() -> None:
    with pytest.raises(EnvironmentInvalid, match="cannot be seen"):
        read('dependencies:\n  - pip: ["atlas===\\u202Eabc"]\n')
