"""Append, seal, verify. The seals form a chain of SHA-256, so that a row changed, removed or put in between shows.

What `verify` cannot see: rows removed before they were sealed (a sweep's time), and a chain written anew as a whole by
somebody who reaches both the database and each place where a head is kept.
"""

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from datetime import timedelta

import structlog
from django.db import models, transaction
from django.utils import timezone

from apps.audit import guards, head, origin
from apps.audit.head import Head
from apps.audit.models import Entry, Seal

log = structlog.get_logger(__name__)

GENESIS = "0" * 64
BATCH = 5000
LATE_ROWS = 20_000  # so far behind the newest a slow transaction may bring its rows
SEALED_WITHIN = timedelta(hours=1)


def record(
    action: str,
    *,
    actor: int | None,
    subject: models.Model | None = None,
    project: int | None = None,
    **detail: object,
) -> Entry:
    """Appends a row in the caller's transaction, with the address of the request that it is part of.

    `detail` holds plain values, no patient and no secret; what changed is told by `changed`.
    """
    entry = _entry(action, actor, project, subject, detail)
    entry.save(force_insert=True)
    return entry


def record_each(
    action: str,
    told: Iterable[tuple[models.Model, dict[str, str]]],
    *,
    actor: int | None,
    project: int | None = None,
) -> None:
    """As `record`, a row for each of many subjects with its detail, in few queries."""
    Entry.objects.bulk_create([_entry(action, actor, project, subject, detail) for subject, detail in told])


def _entry(
    action: str, actor: int | None, project: int | None, subject: models.Model | None, detail: Mapping[str, object]
) -> Entry:
    context = structlog.contextvars.get_contextvars()
    return Entry(
        action=action,
        actor_pk=actor,
        project_pk=project,
        subject_type=subject._meta.label_lower if subject else "",
        subject_pk=subject.pk if subject else None,
        address=origin.address(),
        request_id=str(context.get("request_id", "")),
        detail=detail,
    )


def changed(before: object, after: object) -> dict[str, object]:
    """A detail that tells what a value was and what it became: `record(…, role=changed("member", "owner"))`."""
    return {"before": before, "after": after}


def seal() -> int:
    """Seals what is new; returns how many. Call under a lease."""
    with transaction.atomic():
        last = Seal.objects.order_by("-pk").first()
        previous = last.digest if last else GENESIS
        new = Entry.objects.filter(seal=None, pk__gt=last.entry_id - LATE_ROWS if last else 0).order_by("pk")
        seals = []
        for entry in new[:BATCH]:
            digest = _digest(entry, previous)
            seals.append(Seal(entry=entry, previous=previous, digest=digest))
            previous = digest
        Seal.objects.bulk_create(seals)
    _keep_head()
    return len(seals)


def verify(*elsewhere: Head) -> Iterator[str]:
    """One sentence for each break of the chain and for what should guard it; none when all holds.

    The chain must lead through the head in this machine's file, if there is one, and through those kept `elsewhere`.
    """
    yield from (f"The database does not guard the rows: the trigger {name} is gone." for name in guards.missing())
    yield from _breaks()
    for former in (head.kept(), *elsewhere):
        if former and not former.is_in_chain():
            yield f"The newest rows are missing: the chain had come to seal {former.seal_pk}, {former.digest[:12]}."
    late = Entry.objects.filter(seal=None, at__lt=timezone.now() - SEALED_WITHIN).order_by("pk").first()
    if late:
        yield f"Row {late.pk}: it waits for its seal since {late.at:%Y-%m-%d %H:%M}; were seals removed?"


def _breaks() -> Iterator[str]:
    previous = GENESIS
    for sealed in Seal.objects.select_related("entry").order_by("pk").iterator():
        if sealed.previous != previous:
            yield f"Row {sealed.entry_id}: a row before it is missing, or was put in or sealed anew."
        elif sealed.digest != _digest(sealed.entry, previous):
            yield f"Row {sealed.entry_id}: its content was changed after it was sealed."
        previous = sealed.digest


def _keep_head() -> None:
    """Never over one that the chain has lost: it is the only witness of the rows that are missing."""
    last, kept = head.newest(), head.kept()
    if kept and not kept.is_in_chain():
        log.error("the newest audit rows are missing", seal=kept.seal_pk, digest=kept.digest)
    elif last:
        head.keep(last)
        log.info("audit sealed", seal=last.seal_pk, digest=last.digest)


def _digest(entry: Entry, previous: str) -> str:
    fields = {
        field.attname: getattr(entry, field.attname) for field in Entry._meta.concrete_fields if field.attname != "at"
    }
    content = json.dumps({**fields, "at": entry.at.isoformat()}, sort_keys=True, default=str)
    return hashlib.sha256(f"{previous}\n{content}".encode()).hexdigest()
