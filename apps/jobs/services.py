"""Everything that is written about algorithms and runs."""

import re
import uuid
from collections.abc import Mapping
from dataclasses import asdict, replace
from typing import Any

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import Q
from django.utils import timezone

from apps.accounts.models import User
from apps.archives.models import Series
from apps.archives.overview import is_entered
from apps.audit.services import record
from apps.clusters.models import Cluster
from apps.core.doorbell import ring
from apps.core.units import GIB
from apps.jobs import catalogue
from apps.jobs.arguments import complete, declared
from apps.jobs.execution import read_log, whole_log
from apps.jobs.lifecycle import advance
from apps.jobs.machine import ThisMachine
from apps.jobs.models import Algorithm, Run, RunInput
from apps.jobs.watching import observe_active, observe_cluster
from apps.projects.access import Entry, Role
from apps.projects.models import Project

__all__ = [
    "advance",
    "cancel",
    "launch",
    "observe_active",
    "observe_cluster",
    "read_log",
    "set_image",
    "stop_all_processes",
    "sweep",
    "sync_bundled",
    "whole_log",
]

IMAGE = re.compile(r"[\w.-]+(:\d+)?(/[\w.-]+)+@sha256:[0-9a-f]{64}", re.ASCII)


class LaunchRefused(Exception):
    """The algorithm cannot be run on this series; the message is a sentence for the person."""


class ImageInvalid(Exception):
    """The image cannot be given to the algorithm; the message is a sentence for the administrator."""


class NotCancellable(Exception):
    """The run is over or stores its outputs; the message is a sentence for the person."""


def launch(
    entry: Entry,
    algorithm: Algorithm,
    series: Series,
    *,
    arguments: Mapping[str, Any],
    submission_key: uuid.UUID | None = None,
) -> Run:
    """Queue a run with everything frozen that it depends on; for members and owners. One key makes one run.

    Raises PermissionDenied, also while the project takes no work, LaunchRefused and ArgumentInvalid.
    """
    entry.need(Role.MEMBER)
    cluster = cluster_of(entry.project)
    _check_suits(algorithm, series, cluster)
    values = complete(declared(algorithm.arguments), arguments)
    try:
        with transaction.atomic():
            return _queue(entry, algorithm, series, cluster, values, submission_key)
    except IntegrityError:
        earlier = Run.objects.filter(submitter=entry.user, submission_key=submission_key).exclude(submission_key=None)
        if run := earlier.first():
            return run
        raise


def cancel(run: Run, *, by: User | None, why: str = "") -> None:
    """Wish that the run ends without outputs; `by` is None for the portal itself. Twice is once.

    Raises NotCancellable.
    """
    actor = by.pk if by else None
    with transaction.atomic():
        now = Run.objects.select_for_update().get(pk=run.pk)
        if now.status in (Run.Status.CANCELLING, Run.Status.CANCELLED):
            return
        if not now.can_be_cancelled:
            raise NotCancellable(
                "The run is over already." if now.is_final else "The outputs are being stored, which ends in a moment."
            )
        now.move_to(Run.Status.CANCELLING, by=actor, why=why)
        record("run.cancelled", actor=actor, project=run.project_id, subject=run)
        ring("jobs.advance", run.pk)


def sweep() -> None:
    """Rings for runs that are over and have left something; those on a cluster that is not there wait for it."""
    is_free = Q(claimed_until=None) | Q(claimed_until__lte=timezone.now())
    is_there = Q(cluster=None) | Q(cluster__status__in=(Cluster.Status.REACHABLE, Cluster.Status.NEVER_SEEN))
    left = Run.objects.filter(is_free, is_there, status__in=Run.FINAL, cleaned_at=None)
    for pk in left.values_list("pk", flat=True):
        ring("jobs.advance", pk)


def set_image(name: str, reference: str, *, gpus: int | None = None) -> Algorithm:
    """The image by which a cluster runs the present version of an algorithm, with `gpus` or those that it needs.

    Raises ImageInvalid.
    """
    if not IMAGE.fullmatch(reference):
        raise ImageInvalid(f"{reference!r} names no image by digest, as REGISTRY/NAME@sha256:… does.")
    algorithm = Algorithm.objects.filter(name=name, is_current=True).first()
    if algorithm is None:
        raise ImageInvalid(f"There is no algorithm called {name!r}.")
    if gpus is not None and gpus < 0:
        raise ImageInvalid("A run gets no GPU (0) or some.")
    algorithm.image, algorithm.image_gpus = reference, gpus
    with transaction.atomic():
        algorithm.save(update_fields=["image", "image_gpus"])
        record("algorithm.image_set", actor=None, subject=algorithm, image=reference)
    return algorithm


def sync_bundled() -> None:
    """Makes the bundled algorithms those of SAMPLES_DIR as it is now. Twice is once. Raises PackageInvalid."""
    packages = catalogue.packages(settings.SAMPLES_DIR)
    with transaction.atomic():
        Algorithm.objects.filter(is_current=True).exclude(digest__in=[it.digest for it in packages]).update(
            is_current=False
        )
        for package in packages:
            Algorithm.objects.update_or_create(
                name=package.name,
                digest=package.digest,
                defaults={"is_current": True},
                create_defaults={**asdict(package), "is_current": True},
            )


def stop_all_processes() -> list[str]:
    """Ends every algorithm because the platform stops; they are started again with it. Names of those that live on."""
    return ThisMachine().executor.stop_all()


def cluster_of(project: Project) -> Cluster | None:
    """Where the project's runs are carried out; None is this machine."""
    return Cluster.objects.filter(placements__project=project).first()


def _check_suits(algorithm: Algorithm, series: Series, cluster: Cluster | None) -> None:
    if series.modality not in algorithm.modalities:
        takes = " and ".join(algorithm.modalities)
        raise LaunchRefused(f"{algorithm.title} takes {takes}; this series is {series.modality or 'of no modality'}.")
    if cluster is not None and not algorithm.image:
        raise LaunchRefused(
            f"{algorithm.title} {algorithm.version} has no image for clusters yet; an administrator registers it."
        )
    if cluster is not None and is_entered(series.study.archive):
        raise LaunchRefused(
            f"Runs on a cluster take images of the project's own archive; this series is in "
            f"{series.study.archive.name}, which a cluster does not reach."
        )
    if cluster is None and algorithm.memory_bytes > settings.RUN_MEMORY_BYTES:
        raise LaunchRefused(
            f"{algorithm.title} needs {algorithm.memory_gib} GiB of memory; a run may have "
            f"{settings.RUN_MEMORY_BYTES / GIB:g} GiB here."
        )


def _queue(
    entry: Entry,
    algorithm: Algorithm,
    series: Series,
    cluster: Cluster | None,
    arguments: Mapping[str, float],
    key: uuid.UUID | None,
) -> Run:
    # Locked, so that a turn in the project's life ends this run or comes before it.
    replace(entry, project=entry.project.locked()).need_work()
    instances = list(series.instances.values_list("sop_instance_uid", "size_bytes", "sha256"))
    if not instances:
        raise LaunchRefused("This series has no images.")
    run = Run.objects.create(
        project=entry.project,
        submitter=entry.user,
        submission_key=key,
        arguments=dict(arguments),
        input_count=len(instances),
        input_bytes=sum(size_bytes for _, size_bytes, _ in instances),
        status=Run.Status.QUEUED,
        **_frozen_algorithm(algorithm, cluster),
        **_frozen_series(series),
    )
    RunInput.objects.bulk_create(
        RunInput(run=run, sop_instance_uid=uid, size_bytes=size_bytes, sha256=sha256)
        for uid, size_bytes, sha256 in instances
    )
    of_what = {"algorithm": algorithm.name, "digest": algorithm.digest}
    record("run.launched", actor=entry.user.pk, project=entry.project.pk, subject=run, **of_what)
    ring("jobs.advance", run.pk)
    return run


def _frozen_algorithm(algorithm: Algorithm, cluster: Cluster | None) -> dict[str, Any]:
    image = algorithm.image if cluster else ""
    return {"algorithm": algorithm, "cluster": cluster, "image": image, "gpus": algorithm.gpus_in(cluster)}


def _frozen_series(series: Series) -> dict[str, Any]:
    return {
        "archive": series.study.archive,
        "study_instance_uid": series.study.study_instance_uid,
        "series_instance_uid": series.series_instance_uid,
        "series_description": series.series_description,
        "modality": series.modality,
    }
