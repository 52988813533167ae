"""Reading the packages of bundled algorithms: `<folder>/<name>/algorithm.toml` and the files beside it."""

import hashlib
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any


class PackageInvalid(Exception):
    """An algorithm.toml cannot be used; the message names it and says why."""


@dataclass(frozen=True)
class Package:
    """What a package says of itself, and the digest of its files."""

    name: str
    title: str
    version: str
    description: str
    modalities: list[str]
    produced_sop_classes: list[str]
    memory_gib: int
    timeout_seconds: int
    gpus: int
    gpu_product: str
    entry: list[str]
    arguments: list[dict[str, Any]]
    digest: str


def packages(folder: Path) -> list[Package]:
    """All packages below `folder`, by name. Raises PackageInvalid."""
    return [read_package(path.parent) for path in sorted(folder.glob("*/algorithm.toml"))]


def read_package(folder: Path) -> Package:
    """The package in `folder`, whose name must be that of the folder. Raises PackageInvalid."""
    path = folder / "algorithm.toml"
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
        package = Package(**{"arguments": [], "gpu_product": "", **content}, digest=digest_of(folder))
    except (tomllib.TOMLDecodeError, TypeError) as error:
        raise PackageInvalid(f"{path}: {error}") from error
    if package.name != folder.name:
        raise PackageInvalid(f"{path}: the name is {package.name!r}, not that of its folder")
    return package


def digest_of(folder: Path) -> str:
    """`sha256:` over names and contents of the package's files and of the modules beside it that packages share."""
    digest = hashlib.sha256()
    for path in sorted(_files(folder)):
        with path.open("rb") as file:
            content = hashlib.file_digest(file, "sha256").hexdigest()
        digest.update(f"{path.relative_to(folder.parent)} {content}\n".encode())
    return f"sha256:{digest.hexdigest()}"


def _files(folder: Path) -> Iterator[Path]:
    yield from folder.parent.glob("*.py")
    for path in folder.rglob("*"):
        if path.is_file() and "__pycache__" not in path.parts:
            yield path
