"""What home and the project page put together from the rooms below, in a number of queries that does not grow."""

from dataclasses import dataclass

from django.db.models import Case, Count, Exists, IntegerField, OuterRef, QuerySet, Subquery, Sum, When

from apps.accounts.models import User
from apps.archives.models import Archive, Instance, Series, Study
from apps.jobs.models import Run
from apps.projects.access import visible_projects
from apps.projects.models import Allocation, Membership, Project
from apps.projects.owners import acting_owners

LATEST_SERIES = 6
LATEST_RUNS = 5
MEMBERS_SHOWN = 20


@dataclass(frozen=True)
class Resource:
    name: str
    requested: int
    granted: int


def projects_of(user: User) -> QuerySet[Project]:
    """The projects that the person may see, each with `my_role`, `study_count` and `size_bytes`."""
    mine = Membership.objects.filter(project=OuterRef("pk"), user=user)
    studies = Study.objects.filter(archive__project=OuterRef("pk")).order_by().values("archive__project")
    return visible_projects(user).annotate(
        my_role=Subquery(mine.values("role")[:1]),
        study_count=Subquery(studies.annotate(found=Count("pk")).values("found"), output_field=IntegerField()),
        size_bytes=Subquery(studies.annotate(found=Sum("size_bytes")).values("found"), output_field=IntegerField()),
    )


def runs_of(user: User) -> QuerySet[Run]:
    """The person's own runs in projects that they still may see, newest first."""
    own = Run.objects.filter(submitter=user, project__in=visible_projects(user).order_by())
    return own.select_related("algorithm", "project").defer("gate_report").order_by("-pk")


def latest_series(archive: Archive) -> QuerySet[Series]:
    """The newest series; `has_images` says whether there is something to draw."""
    images = Instance.objects.filter(series=OuterRef("pk"), number_of_frames__gt=0)
    found = Series.objects.filter(archive=archive).annotate(has_images=Exists(images))
    return found.select_related("study").order_by("-pk")[:LATEST_SERIES]


def resources(project: Project) -> list[Resource]:
    allocation: Allocation = project.allocation
    names = {"cpus": "CPU cores", "memory_gib": "Memory, GiB", "gpus": "GPUs", "storage_gib": "Storage, GiB"}
    return [
        Resource(title, getattr(allocation, f"requested_{name}"), getattr(allocation, f"granted_{name}"))
        for name, title in names.items()
    ]


def memberships_of(person: User) -> QuerySet[Membership]:
    """With `is_only_owner`: whether nobody else who can act owns the project."""
    others = acting_owners().filter(project=OuterRef("project")).exclude(user=person)
    is_only = Case(When(role=Membership.Role.OWNER, then=~Exists(others)), default=False)
    rows = Membership.objects.filter(user=person).annotate(is_only_owner=is_only)
    return rows.select_related("project").order_by("project__name", "pk")


def members(project: Project) -> QuerySet[Membership]:
    return project.memberships.select_related("user").order_by("user__name", "pk")
