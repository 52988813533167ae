"""An Orthanc with an archive of the portal on it; tests/peers puts the real one in its place."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from pytest_django.fixtures import Settings

from apps.archives.models import Archive, Instance, Patient, Series, Study
from apps.projects.models import Project
from tests.archives.sides import Remote, at_twin


@pytest.fixture
def remote(project: Project, tmp_path: Path, settings: Settings) -> Iterator[Remote]:
    settings.ARCHIVES_DIR = tmp_path / "archives"
    settings.OBJECT_CACHE_DIR = tmp_path / "object-cache"
    with at_twin(project) as side:
        yield side


@pytest.fixture
def archive(remote: Remote) -> Archive:
    return remote.archive


def counts() -> tuple[int, int, int, int]:
    return Patient.objects.count(), Study.objects.count(), Series.objects.count(), Instance.objects.count()


def put(remote: Remote, *paths: Path) -> list[str]:
    """As another program does."""
    return [remote.api.store(path).name for path in paths]


def fetched_again(*_: object, **__: object) -> None:
    """In place of what fetches an object."""
    raise AssertionError("it was fetched again")
