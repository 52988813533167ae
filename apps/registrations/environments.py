"""Environment files: pip requirements or a conda environment, read and shown back. Nothing in them is ever run.

Formats: https://pip.pypa.io/en/stable/reference/requirements-file-format/ and
https://docs.conda.io/projects/conda/en/stable/user-guide/tasks/manage-environments.html
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

import yaml
from packaging.requirements import InvalidRequirement, Requirement

from apps.registrations import characters

LARGEST_BYTES = 64 * 1024
LONGEST_LINE = 500
MOST_PACKAGES = 500
MOST_SCALARS = 2 * MOST_PACKAGES  # packages, channels and keys
DEEPEST = 10
CONDA_KEYS = ("name", "channels", "dependencies", "prefix")
LOOKS_LIKE_CONDA = re.compile(r"^(name|channels|dependencies|prefix|variables)[ \t]*:", re.MULTILINE)
CHANNEL = re.compile(r"[A-Za-z0-9_.-]+(/[A-Za-z0-9_.-]+)*")
# https://docs.conda.io/projects/conda/en/stable/user-guide/concepts/pkg-specs.html, without its brackets
CONDA_PACKAGE = re.compile(r"([A-Za-z0-9_.-]+::)?[A-Za-z0-9_][A-Za-z0-9_.-]*([ =<>!~][A-Za-z0-9_.*+!=<>,|~ -]*)?")
IS_ADDRESS = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:/|\.{0,2}/|.*\.(whl|zip|conda|tar\.gz|tar\.bz2)$", re.IGNORECASE)
OTHER_FILE = "refers to another file, which the portal does not have: write its lines here instead"
OTHER_INDEX = "names a place to get packages from: they come from where the administrators say"
OPTIONS = {
    **dict.fromkeys(("-r", "--requirement", "-c", "--constraint"), OTHER_FILE),
    **dict.fromkeys(("-e", "--editable"), "installs from a folder or a repository: only named packages are taken"),
    **dict.fromkeys(("-i", "--index-url", "--extra-index-url", "-f", "--find-links", "--no-index"), OTHER_INDEX),
    "--trusted-host": "turns off the check of a certificate, which the portal never does",
}
TOO_MANY = f"The file names too many packages; at most {MOST_PACKAGES} are taken."
ADDRESS = "installs from an address or a file: only named packages are taken"


class EnvironmentInvalid(Exception):
    """The file cannot be taken; the sentence names the line and says why."""


@dataclass(frozen=True)
class Environment:
    """What a file asks for: `packages` from conda's `channels`, and `requirements` from pip."""

    format: str  # "pip" or "conda"
    requirements: list[str] = field(default_factory=list)
    packages: list[str] = field(default_factory=list)
    channels: list[str] = field(default_factory=list)


def read(text: str) -> Environment:
    """Raises EnvironmentInvalid."""
    if len(text.encode()) > LARGEST_BYTES:
        raise EnvironmentInvalid(f"The file is larger than {LARGEST_BYTES // 1024} KiB.")
    if (at := characters.first_unseen(text, allowed="\t\n\r")) is not None:
        line = text.count("\n", 0, at) + 1
        raise EnvironmentInvalid(f"Line {line} holds a character that cannot be seen ({characters.name_of(text[at])}).")
    environment = _conda(text) if LOOKS_LIKE_CONDA.search(text) else _pip(text)
    count = len(environment.requirements) + len(environment.packages)
    if not count:
        raise EnvironmentInvalid("The file names no package.")
    if count > MOST_PACKAGES:
        raise EnvironmentInvalid(TOO_MANY)
    return environment


def _pip(text: str) -> Environment:
    lines = ((f"Line {number}", line) for number, line in enumerate(text.splitlines(), start=1))
    return Environment("pip", requirements=list(islice(_requirements(lines), MOST_PACKAGES + 1)))


def _requirements(lines: Iterable[tuple[str, str]]) -> Iterator[str]:
    for where, line in lines:
        content = re.sub(r"(^|\s)#.*$", "", line).strip()
        if content:
            yield _requirement(where, content)


def _requirement(where: str, content: str) -> str:
    if fault := _fault(content):
        raise EnvironmentInvalid(f"{where} {fault}.")
    try:
        requirement = Requirement(content)
    except (InvalidRequirement, RecursionError) as error:
        raise EnvironmentInvalid(f"{where} is no requirement as pip reads them, such as numpy>=2.1.") from error
    if requirement.url:
        raise EnvironmentInvalid(f"{where} {ADDRESS}.")
    return str(requirement)


def _fault(content: str) -> str:
    """Why this line of pip's cannot be taken, though pip may; "" for what looks like a package."""
    option = re.split(r"[\s=]", content, maxsplit=1)[0]
    if len(content) > LONGEST_LINE:
        return f"is longer than {LONGEST_LINE} characters"
    if characters.first_unseen(content, allowed="\t") is not None:  # YAML may write it by its number
        return "holds a character that cannot be seen"
    if content.endswith("\\"):
        return "goes on in the next one: write each package on one line"
    if option.startswith("-"):
        short = option if option.startswith("--") else option[:2]
        return OPTIONS.get(short, f"is an option of pip ({option[:30]}), not a package")
    if " --" in content:
        return "carries options of pip: write the package and its version alone"
    return ADDRESS if IS_ADDRESS.match(content) else ""


def _conda(text: str) -> Environment:
    content = _yaml(text)
    if not isinstance(content, dict):
        raise EnvironmentInvalid("The file is no conda environment: it has no list of dependencies.")
    for key in content:
        if key not in CONDA_KEYS:
            raise EnvironmentInvalid(f"A conda environment may have {', '.join(CONDA_KEYS)} here, not {str(key)[:30]}.")
    packages, requirements = _dependencies(_list_of(content, "dependencies"))
    return Environment("conda", requirements, packages, _channels(_list_of(content, "channels")))


def _dependencies(entries: list[Any]) -> tuple[list[str], list[str]]:
    packages: list[str] = []
    requirements: list[str] = []
    for entry in entries:
        if isinstance(entry, dict) and entry.keys() == {"pip"}:
            lines = [("A line below pip", str(line)) for line in _list_of(entry, "pip")]
            requirements.extend(_requirements(lines))
        else:
            packages.append(_package(entry))
    return packages, requirements


def _package(entry: object) -> str:
    content = str(entry).strip()
    if not isinstance(entry, str) or len(content) > LONGEST_LINE:
        raise EnvironmentInvalid("Each of conda's dependencies is one package, such as numpy=2.1.")
    if IS_ADDRESS.match(content):
        raise EnvironmentInvalid(f"{content[:60]} {ADDRESS}.")
    if not CONDA_PACKAGE.fullmatch(content):
        raise EnvironmentInvalid(f"{content[:60]} is no package as conda reads them, such as numpy=2.1.")
    return content


def _channels(entries: list[Any]) -> list[str]:
    for entry in entries:
        if not isinstance(entry, str) or not CHANNEL.fullmatch(entry):
            raise EnvironmentInvalid("Each of conda's channels is a name, such as conda-forge, and no address.")
    return entries


def _list_of(content: dict[Any, Any], key: str) -> list[Any]:
    found = content.get(key) or []
    if not isinstance(found, list):
        raise EnvironmentInvalid(f"{key} must be a list.")
    return found


def _yaml(text: str) -> object:
    try:
        _refuse_elaborate(text)
        return yaml.safe_load(text)
    except yaml.MarkedYAMLError as error:
        line = f"line {error.problem_mark.line + 1}" if error.problem_mark else "its end"
        raise EnvironmentInvalid(f"The file is no YAML: it cannot be read at {line}.") from error
    except (yaml.YAMLError, ValueError, OverflowError) as error:  # also dates and numbers that there are not
        raise EnvironmentInvalid("The file is no YAML that can be read.") from error


def _refuse_elaborate(text: str) -> None:
    """Before anything is built: no references, which a few lines can blow up to gigabytes, nothing deep or long, and no
    types by tags, whose values need not be of that type.
    """
    depth = count = 0
    for event in yaml.parse(text, yaml.SafeLoader):
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
            raise EnvironmentInvalid("The file refers to parts of itself (& and *): write them out.")
        if getattr(event, "tag", None):
            raise EnvironmentInvalid("The file is no YAML of an environment: it names types (!).")
        if len(getattr(event, "value", "")) > LONGEST_LINE:
            raise EnvironmentInvalid(f"The file holds a value of more than {LONGEST_LINE} characters.")
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        count += isinstance(event, yaml.ScalarEvent)
        if depth > DEEPEST:
            raise EnvironmentInvalid("The file is nested too deep for a conda environment.")
        if count > MOST_SCALARS:
            raise EnvironmentInvalid(TOO_MANY)
