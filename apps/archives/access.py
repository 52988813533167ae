"""The only way from a person to an archive and what is in it; a miss is 404."""

from dataclasses import dataclass
from typing import Generic, TypeVar

from django.db.models import Model, QuerySet
from django.http import Http404, HttpRequest

from apps.accounts.access import signed_in
from apps.accounts.models import User
from apps.archives.models import Archive, Instance, Series, Study, StudyRead
from apps.core.prepared import Prepared
from apps.projects import access

Role = access.Role


# Frames are read one by one: what a read does not need is not fetched with each.
_FOR_READING = (
    "archive__project_id", "archive__kind", "series__archive_id", "series__series_instance_uid",
    "series__study__archive_id", "series__study__study_instance_uid", "sop_instance_uid", "sop_class_uid",
    "transfer_syntax_uid", "number_of_frames", "size_bytes", "sha256", "frames", "remote_name",
)  # fmt: skip


Row = TypeVar("Row", bound=Model)


class _Lookup(Generic[Row]):
    """Rows by their UIDs, `to_archive` from their archive: the default one of a project, or the one named."""

    def __init__(self, rows: QuerySet[Row], *uids: str, to_archive: str = "archive__") -> None:
        columns = (f"{to_archive}project", *uids)
        named = (*columns, f"{to_archive}name")
        kinds = (int, *[str for _ in uids])
        in_default = rows.filter(**{f"{to_archive}is_default": True})
        self._in_default = Prepared(
            lambda *values: in_default.filter(**dict(zip(columns, values, strict=True))), *kinds
        )
        self._in_named = Prepared(lambda *values: rows.filter(**dict(zip(named, values, strict=True))), *kinds, str)

    def get(self, visit: "Visit", *uids: str) -> Row:
        """Raises Http404."""
        project, name = visit.entry.project.pk, visit.archive_name
        found = self._in_named.first(project, *uids, name) if name else self._in_default.first(project, *uids)
        if found is None:
            raise Http404
        return found


_archives = _Lookup(Archive.objects.all(), to_archive="")
_studies = _Lookup(Study.objects.select_related("archive"), "study_instance_uid")
_series = _Lookup(Series.objects.select_related("archive", "study"), "study__study_instance_uid", "series_instance_uid")
_instances = _Lookup(
    Instance.objects.select_related("archive", "series__study").only(*_FOR_READING),
    "series__study__study_instance_uid",
    "series__series_instance_uid",
    "sop_instance_uid",
)


@dataclass(frozen=True)
class Visit:
    """A person at one archive of a project: the default one, or the one named. By session, or by token."""

    entry: access.Entry
    archive_name: str
    is_by_token: bool

    @property
    def user(self) -> User:
        return self.entry.user

    @property
    def kind(self) -> StudyRead.Kind:
        """How reading pixels counts: a session shows them on the platform, a token takes them away."""
        return StudyRead.Kind.EXPORTED if self.is_by_token else StudyRead.Kind.VIEWED

    def need_pixels(self) -> None:
        """Raises PermissionDenied when a token would take pixels of a person who may not export."""
        if self.is_by_token:
            self.entry.need_export()

    def archive(self) -> Archive:
        """Raises Http404."""
        return _archives.get(self)

    def find(
        self, study_instance_uid: str, series_instance_uid: str = "", sop_instance_uid: str = ""
    ) -> Study | Series | Instance:
        """The study, or the series in it, or the instance in that. Raises Http404."""
        if sop_instance_uid:
            return self.instance(study_instance_uid, series_instance_uid, sop_instance_uid)
        if series_instance_uid:
            return self.series(study_instance_uid, series_instance_uid)
        return self.study(study_instance_uid)

    def study(self, study_instance_uid: str) -> Study:
        """Raises Http404."""
        return _studies.get(self, study_instance_uid)

    def series(self, study_instance_uid: str, series_instance_uid: str) -> Series:
        """With its study. Raises Http404."""
        return _series.get(self, study_instance_uid, series_instance_uid)

    def instance(self, study_instance_uid: str, series_instance_uid: str, sop_instance_uid: str) -> Instance:
        """With archive, series and study; what is heavy is loaded when asked for. Raises Http404."""
        return _instances.get(self, study_instance_uid, series_instance_uid, sop_instance_uid)


def visit(request: HttpRequest, namespace: str, archive_name: str = "", *, at_least: Role = Role.VIEWER) -> Visit:
    """Raises Http404 for outsiders and PermissionDenied for a lesser role."""
    entry = access.enter(signed_in(request), namespace, at_least=at_least)
    return Visit(entry, archive_name, is_by_token=hasattr(request, "api_token"))
