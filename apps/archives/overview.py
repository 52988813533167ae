"""The archives of a project as they were last seen, from rows alone; no secret is opened."""

from dataclasses import dataclass
from datetime import datetime

from django.db.models import Count, QuerySet

from apps.archives.models import Archive, RemoteServer
from apps.projects.models import Project


@dataclass(frozen=True)
class Seen:
    """What a server was like when it was last looked at; of an archive without one, nothing."""

    address: str = ""
    username: str = ""
    is_entered: bool = False
    capabilities: dict[str, bool] | None = None
    probed_at: datetime | None = None
    last_seen_at: datetime | None = None
    unreachable_since: datetime | None = None
    complaint: str = ""
    pass_started_at: datetime | None = None


_COLUMNS = tuple(Seen.__dataclass_fields__)


def archives_of(project: Project) -> QuerySet[Archive]:
    """Those that are in the portal, the default one first."""
    found = Archive.objects.filter(project=project, removed_at=None).select_related("project")
    return found.order_by("-is_default", "name")


def overview(project: Project) -> list[tuple[Archive, Seen, int]]:
    """Each archive, its server as seen, and how many studies the index has."""
    archives = archives_of(project).annotate(number=Count("studies"))
    servers = RemoteServer.objects.filter(archive__project=project)
    seen = {row.pop("archive"): Seen(**row) for row in servers.values("archive", *_COLUMNS)}
    return [(archive, seen.get(archive.pk, Seen()), archive.number) for archive in archives]


def is_entered(archive: Archive) -> bool:
    """Whether a person gave the archive's address, so that only the portal itself reaches it."""
    return RemoteServer.objects.filter(archive=archive, is_entered=True).exists()


def may_do(archive_pk: int, capability: str) -> bool:
    """Whether the archive's server can do that, as far as it is known; of an archive without one, yes."""
    return _capabilities(archive_pk).get(capability, True)


def note_lack(archive_pk: int, capability: str) -> None:
    """The server has refused that."""
    found = {**_capabilities(archive_pk), capability: False}
    RemoteServer.objects.filter(archive=archive_pk).update(capabilities=found)


def _capabilities(archive_pk: int) -> dict[str, bool]:
    return RemoteServer.objects.filter(archive=archive_pk).values_list("capabilities", flat=True).first() or {}


def seen_of(archive: Archive) -> Seen:
    row = RemoteServer.objects.filter(archive=archive).values(*_COLUMNS).first()
    return Seen(**row) if row else Seen()
