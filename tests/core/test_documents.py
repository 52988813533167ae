"""What the documents say is what the code does."""

import re
import shlex
import tomllib
from pathlib import Path

import pytest
from django.core.management import get_commands, load_command_class

from apps.jobs.catalogue import packages
from maia_dashboard.environment import table
from tests.documented import BLOCK, DOCUMENT, PASTED, blocks
from tests.portal import REPOSITORY

TEXT = DOCUMENT.read_text()
FENCED_OR_INDENTED = re.compile(r"^```|^    \S", re.MULTILINE)
LISTED = re.findall(r"^\| `manage\.py (.+?)` \|", TEXT, re.MULTILINE)
DEPLOY = REPOSITORY / "deploy"
BUILD = re.compile(r"podman build (?:--file (\S+) )?--tag \$PREFIX/(\S+) (\S+)")


def test_settings_table_is_the_one_that_the_code_prints() -> None:
    assert table() in TEXT


@pytest.mark.parametrize("document", ["administrators", "approvers", "owners"])
def test_each_block_of_commands_names_who_runs_it(document: str) -> None:
    text = (DOCUMENT.parent / f"{document}.md").read_text()
    assert not FENCED_OR_INDENTED.findall(PASTED.sub("", BLOCK.sub("", text)))
    assert BLOCK.search(text)
    for pattern, call in ((BLOCK, "blocks(__file__"), (PASTED, "pasted(__file__")):
        named = {name for name, _block in pattern.findall(text)}
        assert {name for name in named if call not in (REPOSITORY / name).read_text()} == set()


def test_each_command_of_the_portal_is_listed() -> None:
    ours = {name for name, app in get_commands().items() if app.startswith(("apps.", "maia_dashboard"))}
    assert {line.split()[0] for line in LISTED} == ours


@pytest.mark.parametrize("line", LISTED)
def test_each_listed_command_is_taken_as_it_is_written(line: str) -> None:
    name, *words = shlex.split(re.sub(r"[][…]", "", line).replace(" N", " 1"))
    parser = load_command_class(get_commands()[name], name).create_parser("manage.py", name)
    assert vars(parser.parse_args(words))


def test_the_documented_images_are_those_that_the_portal_asks_for() -> None:
    """One of each Dockerfile, with its version, and each of them pushed."""
    build, push = blocks(str(REPOSITORY / "tests/peers/platform_images.py"))
    built = {
        image: Path(file or f"{context}/Dockerfile")
        for file, image, context in BUILD.findall(re.sub(r" \\\n\s+", " ", build))
    }
    version = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]["version"]
    platform = {f"{name}:{version}" for name in ("maia-dashboard", "orthanc", "workspace")}
    assert set(built) == platform | {f"{one.name}:{one.version}" for one in packages(DEPLOY / "samples")}
    assert {REPOSITORY / file for file in built.values()} == set(DEPLOY.rglob("Dockerfile"))
    assert set(re.findall(r"for image in (.+);", push)[0].split()) == set(built)
