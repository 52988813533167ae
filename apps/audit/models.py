from typing import Any, NoReturn

from django.db import models
from django.utils import timezone


class AppendOnly(models.QuerySet["Entry"]):
    def update(self, **fields: Any) -> NoReturn:
        raise TypeError("audit rows are never changed")

    def delete(self) -> NoReturn:
        raise TypeError("audit rows are never deleted")


class Entry(models.Model):
    """Who did what on what, from where. People, projects and subjects by primary key only."""

    at = models.DateTimeField(default=timezone.now)
    action = models.CharField(max_length=64)
    actor_pk = models.BigIntegerField(null=True)
    project_pk = models.BigIntegerField(null=True)
    subject_type = models.CharField(max_length=64, blank=True)
    subject_pk = models.BigIntegerField(null=True)
    address = models.GenericIPAddressField(null=True)
    request_id = models.CharField(max_length=64, blank=True)
    detail = models.JSONField(default=dict)

    objects = AppendOnly.as_manager()

    class Meta:
        indexes = [
            models.Index(fields=["project_pk", "at"]),
            models.Index(fields=["actor_pk", "at"]),
            models.Index(fields=["action", "at"]),
            models.Index(fields=["at"]),
        ]

    def __str__(self) -> str:
        return f"{self.at:%Y-%m-%d %H:%M:%S} {self.action}"

    def save(self, *args: Any, **kwargs: Any) -> None:
        if self.pk is not None:
            raise TypeError("audit rows are never changed")
        super().save(*args, **kwargs)

    def delete(self, *args: Any, **kwargs: Any) -> NoReturn:
        raise TypeError("audit rows are never deleted")


class Seal(models.Model):
    """The hash of an entry, chained to the seal before it: a row of its own, so that entries stay unwritten.

    The chain is in the order of sealing: an entry may become visible after one that was numbered later.
    """

    entry = models.OneToOneField(Entry, on_delete=models.PROTECT)
    previous = models.CharField(max_length=64)
    digest = models.CharField(max_length=64)

    def __str__(self) -> str:
        return f"{self.entry_id} {self.digest[:12]}"
