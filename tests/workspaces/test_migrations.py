"""Devices that were listed before every project had an AE title and its own list."""

from collections.abc import Iterator
from typing import Any

import pytest

from apps.archives.models import ApplicationEntity, DicomDevice
from apps.projects.services import create_project
from tests.migrating import migrate_on, migrated_back
from tests.plans import project_plan

BEFORE = [("workspaces", "0003_when_it_was_tried"), ("archives", "0004_who_is_storing")]
pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def before() -> Iterator[Any]:
    with migrated_back(BEFORE) as then:
        yield then


def test_they_are_listed_still_and_may_what_they_could(before: Any) -> None:
    project = create_project(project_plan("heart-ct"), by=None)
    before.get_model("workspaces", "DicomDevice").objects.create(
        project_id=project.pk, ae_title="CT1", address="10.1.2.3"
    )
    migrate_on()
    device = DicomDevice.objects.get(project=project)
    assert (device.ae_title, device.address, device.may_retrieve) == ("CT1", "10.1.2.3", True)
    assert ApplicationEntity.objects.get(project=project).ae_title == "HEARTCT"
