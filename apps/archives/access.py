"""The only way from a person to an archive and what is in it; a miss is 404."""

from dataclasses import dataclass

from django.db.models import Q
from django.http import HttpRequest
from django.shortcuts import get_object_or_404

from apps.accounts.access import signed_in
from apps.accounts.models import User
from apps.archives.models import Archive, Instance, Series, Study, StudyRead
from apps.projects import access

Role = access.Role


# Frames are read one by one: what a read does not need is not fetched with each.
_FOR_READING = (
    "archive__project_id", "archive__kind", "series__archive_id", "series__series_instance_uid",
    "series__study__archive_id", "series__study__study_instance_uid", "sop_instance_uid", "sop_class_uid",
    "transfer_syntax_uid", "number_of_frames", "size_bytes", "sha256", "frames", "remote_name",
)  # fmt: skip


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
        return get_object_or_404(Archive, self._is_archive())

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
        return get_object_or_404(
            Study.objects.filter(self._is_archive("archive__"), study_instance_uid=study_instance_uid).select_related(
                "archive"
            )
        )

    def series(self, study_instance_uid: str, series_instance_uid: str) -> Series:
        """With its study. Raises Http404."""
        return get_object_or_404(
            Series.objects.filter(
                self._is_archive("archive__"),
                study__study_instance_uid=study_instance_uid,
                series_instance_uid=series_instance_uid,
            ).select_related("archive", "study")
        )

    def instance(self, study_instance_uid: str, series_instance_uid: str, sop_instance_uid: str) -> Instance:
        """With archive, series and study; what is heavy is loaded when asked for. Raises Http404."""
        return get_object_or_404(
            Instance.objects.filter(
                self._is_archive("archive__"),
                series__study__study_instance_uid=study_instance_uid,
                series__series_instance_uid=series_instance_uid,
                sop_instance_uid=sop_instance_uid,
            )
            .select_related("archive", "series__study")
            .only(*_FOR_READING)
        )

    def _is_archive(self, prefix: str = "") -> Q:
        named = {f"{prefix}name": self.archive_name} if self.archive_name else {f"{prefix}is_default": True}
        return Q(**{f"{prefix}project": self.entry.project}, **named)


def visit(request: HttpRequest, namespace: str, archive_name: str = "", *, at_least: Role = Role.VIEWER) -> Visit:
    """Raises Http404 for outsiders and PermissionDenied for a lesser role."""
    entry = access.enter(signed_in(request), namespace, at_least=at_least)
    return Visit(entry, archive_name, is_by_token=hasattr(request, "api_token"))
