from django.db import models
from django.utils import timezone

from apps.projects.models import Project


class Provision(models.Model):
    """What the steps need to set a project up: whose it is. The address has been proved."""

    project = models.OneToOneField(Project, on_delete=models.CASCADE, related_name="provision")
    email = models.EmailField()
    name = models.CharField(max_length=200)
    affiliation = models.CharField(max_length=200, blank=True)
    position = models.CharField(max_length=200, blank=True)
    opened_at = models.DateTimeField(default=timezone.now)
    welcomed_at = models.DateTimeField(null=True, help_text="set together with the one welcome mail")

    def __str__(self) -> str:
        return f"provision of {self.project}"
