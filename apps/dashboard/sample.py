"""The sample project: real images through the same path as anybody's, so that a new portal has something to show."""

from datetime import timedelta
from pathlib import Path

import pydicom.data
from django.conf import settings
from django.db import transaction
from django.utils import timezone

from apps.accounts.models import User
from apps.archives.services import ensure_archive
from apps.datasets.uploads.services import import_files
from apps.projects.models import Membership, Project
from apps.projects.services import ProjectPlan, Resources, create_project, ensure_member, mark_ready

NAMESPACE = "sample"
RESOURCES = Resources(cpus=2, memory_gib=8, gpus=0, storage_gib=10)


def load_sample_project(owner: User) -> Project:
    """Makes the project and stores its images. Twice is once, also after a kill half-way."""
    project = _ensure_project(owner)
    if project.status == Project.Status.PROVISIONING:
        import_files(ensure_archive(project), _files(), by=owner)
        mark_ready(project)
    return project


def _ensure_project(owner: User) -> Project:
    with transaction.atomic():
        project = Project.objects.filter(namespace=NAMESPACE).first() or create_project(_plan(), by=owner)
        if project.status == Project.Status.PROVISIONING:
            ensure_member(project, owner, role=Membership.Role.OWNER)
    return project


def _plan() -> ProjectPlan:
    today = timezone.localdate()
    return ProjectPlan(
        name="Sample images",
        namespace=NAMESPACE,
        description="A head CT, and small CT, MR and CR series, to try the portal with.",
        principal_investigator="Nobody: these are public images",
        starts_on=today,
        ends_on=today + timedelta(days=365),
        requested=RESOURCES,
        granted=RESOURCES,
    )


def _files() -> list[Path]:
    """The head CT of this repository, and the files of the pydicom package that make series (numbers for names)."""
    packaged = Path(pydicom.data.__file__).parent / "test_files" / "dicomdirtests"
    small = [path for path in sorted(packaged.rglob("*")) if path.is_file() and path.name.isdigit()]
    return [settings.SAMPLES_DIR / "images" / "head-ct.zip", *small]
