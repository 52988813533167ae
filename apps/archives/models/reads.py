from django.db import models

from apps.accounts.models import User
from apps.archives.models.index import Study


class StudyRead(models.Model):
    """That a person saw or took away images of a study in one hour: the sum of many reads, audited once."""

    class Kind(models.TextChoices):
        VIEWED = "viewed", "Viewed"
        EXPORTED = "exported", "Exported"

    study = models.ForeignKey(Study, on_delete=models.CASCADE, related_name="reads")
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="study_reads")
    kind = models.CharField(max_length=8, choices=Kind.choices)
    hour = models.DateTimeField(help_text="when it began")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["study", "user", "kind", "hour"], name="archives_study_read_once"),
            models.CheckConstraint(
                condition=models.Q(kind__in=["viewed", "exported"]), name="archives_study_read_kind"
            ),
        ]

    def __str__(self) -> str:
        return f"study {self.study_id} {self.kind} by {self.user_id}"
