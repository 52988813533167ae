"""Keeping the index of an archive as its DICOMweb server is, which has no change log: by passes over all its studies.

A study is looked into when the server has not as many instances of it as the index; what was replaced by as many others
shows when it is read. A pass that is cut off goes on at the study where it was, one that is killed at the page of
studies where it was: what the index has of them by then is not fetched again.
"""

import time
from collections import Counter
from collections.abc import Sequence
from datetime import datetime

from django.db.models import Q, QuerySet
from django.utils import timezone

from apps.archives import receiving, removal
from apps.archives.models import Archive, Instance, RemoteServer, SkippedObject, Study
from apps.archives.refreshing import TimeIsUp
from apps.archives.static.pool import PoolBusy
from apps.integrations.dicomweb.port import DicomWebApi, StudyFound


def go_over(archive: Archive, web: DicomWebApi, *, seconds: float) -> bool:
    """Goes on with the pass, or begins one; False when it did not end in about that time, or readers were busy.

    Raises what `web` raises, and OSError.
    """
    try:
        _Pass(archive, web, deadline=time.monotonic() + seconds).run()
    except (TimeIsUp, PoolBusy):
        return False
    return True


class _Pass:
    def __init__(self, archive: Archive, web: DicomWebApi, *, deadline: float) -> None:
        self._archive = archive
        self._web = web
        self._deadline = deadline
        self._server = RemoteServer.objects.get(archive=archive)
        self._skipped = Counter(map(_study_in, self._skipped_objects().values_list("remote_name", flat=True)))

    def run(self) -> None:
        started_at = self._server.pass_started_at
        if started_at is None:
            started_at = timezone.now()
            self._note(started_at, 0)
        before: set[str] = set()
        while page := self._web.studies(self._server.pass_offset):
            listed = {study.study_instance_uid for study in page}
            if listed <= before:  # which a server gives again that knows no pages
                break
            before = listed
            self._take_page(page, started_at)
        self._forget_unseen(started_at)
        self._note(None, 0)

    def _take_page(self, page: Sequence[StudyFound], started_at: datetime) -> None:
        """Whatever ends it, the pass goes on behind the last study that was taken."""
        taken = 0
        counts = self._known_counts(page)
        try:
            for study in page:
                uid = study.study_instance_uid
                if uid and (study.instance_count is None or study.instance_count != counts[uid]):
                    self._take_study(uid)
                taken += 1
        finally:
            uids = [study.study_instance_uid for study in page[:taken]]
            self._studies().filter(study_instance_uid__in=uids).update(seen_at=timezone.now())
            self._note(started_at, self._server.pass_offset + taken)

    def _take_study(self, study_instance_uid: str) -> None:
        there = set(self._web.instances(study_instance_uid))
        if not there:
            return
        known = self._known_names(study_instance_uid)
        for _ in receiving.receive(self._archive, self._web, sorted(there - known), own_username=self._server.username):
            self._check_time()
        self._forget_instances(study_instance_uid, sorted(known - there))
        self._check_time()

    def _forget_instances(self, study_instance_uid: str, missing: Sequence[str]) -> None:
        """Asked for one by one, since the list of a busy server has gaps."""
        gone = [name for name in missing if not self._web.has(name)]
        self._skipped_objects().filter(remote_name__in=gone).delete()
        rows = Instance.objects.filter(archive=self._archive, remote_name__in=gone)
        removal.remove(self._archive, list(rows.values_list("pk", flat=True)))

    def _forget_unseen(self, started_at: datetime) -> None:
        """Removes studies from the index that the pass did not meet, and that a search does not find either."""
        unseen = self._studies().filter(Q(seen_at__lt=started_at) | Q(seen_at=None, created_at__lt=started_at))
        for study in unseen.order_by("pk"):
            self._check_time()
            if self._web.has_study(study.study_instance_uid):
                self._studies().filter(pk=study.pk).update(seen_at=timezone.now())
                continue
            rows = Instance.objects.filter(archive=self._archive, series__study=study)
            removal.remove(self._archive, list(rows.values_list("pk", flat=True)))
        for skipped in self._skipped_objects().filter(skipped_at__lt=started_at).order_by("pk"):
            self._check_time()
            if not self._web.has(skipped.remote_name):
                skipped.delete()

    def _known_counts(self, page: Sequence[StudyFound]) -> Counter[str]:
        uids = [study.study_instance_uid for study in page]
        rows = self._studies().filter(study_instance_uid__in=uids)
        return Counter(dict(rows.values_list("study_instance_uid", "instance_count"))) + self._skipped

    def _known_names(self, study_instance_uid: str) -> set[str]:
        rows = Instance.objects.filter(
            archive=self._archive, series__study__study_instance_uid=study_instance_uid
        ).values_list("remote_name", flat=True)
        skipped = self._skipped_objects().filter(remote_name__startswith=f"studies/{study_instance_uid}/")
        return {*rows, *skipped.values_list("remote_name", flat=True)}

    def _studies(self) -> QuerySet[Study]:
        return Study.objects.filter(archive=self._archive)

    def _skipped_objects(self) -> QuerySet[SkippedObject]:
        return SkippedObject.objects.filter(archive=self._archive)

    def _check_time(self) -> None:
        if time.monotonic() > self._deadline:
            raise TimeIsUp

    def _note(self, started_at: datetime | None, offset: int) -> None:
        self._server.pass_started_at, self._server.pass_offset = started_at, offset
        self._server.save(update_fields=["pass_started_at", "pass_offset"])


def _study_in(name: str) -> str:
    return name.split("/")[1]
