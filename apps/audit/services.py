"""Append, seal, verify. The seals form a chain of SHA-256, so that a row changed, removed or put in between shows."""

import hashlib
import json
from collections.abc import Iterator

import structlog
from django.db import models, transaction

from apps.audit.models import Entry, Seal

GENESIS = "0" * 64
BATCH = 5000


def record(
    action: str,
    *,
    actor: int | None,
    subject: models.Model | None = None,
    project: int | None = None,
    address: str | None = None,
    **detail: object,
) -> Entry:
    """Appends a row in the caller's transaction. `detail` holds plain values, no patient and no secret."""
    context = structlog.contextvars.get_contextvars()
    return Entry.objects.create(
        action=action,
        actor_pk=actor,
        project_pk=project,
        subject_type=subject._meta.label_lower if subject else "",
        subject_pk=subject.pk if subject else None,
        address=address,
        request_id=str(context.get("request_id", "")),
        detail=detail,
    )


def seal() -> int:
    """Seals what is new; returns how many. Call under a lease."""
    with transaction.atomic():
        last = Seal.objects.order_by("-pk").first()
        previous = last.digest if last else GENESIS
        seals = []
        for entry in Entry.objects.filter(seal=None).order_by("pk")[:BATCH]:
            digest = _digest(entry, previous)
            seals.append(Seal(entry=entry, previous=previous, digest=digest))
            previous = digest
        Seal.objects.bulk_create(seals)
    return len(seals)


def verify() -> Iterator[str]:
    """One sentence for each break of the chain; none when it holds. Unsealed rows are no break: they are new."""
    previous = GENESIS
    for sealed in Seal.objects.select_related("entry").order_by("pk").iterator():
        if sealed.previous != previous:
            yield f"Row {sealed.entry_id}: a row before it is missing, or was put in or sealed anew."
        elif sealed.digest != _digest(sealed.entry, previous):
            yield f"Row {sealed.entry_id}: its content was changed after it was sealed."
        previous = sealed.digest


def _digest(entry: Entry, previous: str) -> str:
    fields = {
        field.attname: getattr(entry, field.attname) for field in Entry._meta.concrete_fields if field.attname != "at"
    }
    content = json.dumps({**fields, "at": entry.at.isoformat()}, sort_keys=True, default=str)
    return hashlib.sha256(f"{previous}\n{content}".encode()).hexdigest()
