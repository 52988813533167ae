"""How devices call a project by DIMSE, and which may."""

from django.core.validators import RegexValidator
from django.db import models
from django.db.models.functions import Upper

from apps.projects.models import Project

AE_TITLE_LENGTH = 16
# Narrower than PS3.5 6.2, since pages show it in command lines.
is_ae_title = RegexValidator(
    r"\A[A-Za-z0-9_.-]{1,16}\Z", "An AE title has up to 16 letters, digits, underscores, dots and hyphens."
)


class ApplicationEntity(models.Model):
    """A project as devices call it by DIMSE; titles are told apart without regard to case, as most devices do."""

    project = models.OneToOneField(Project, on_delete=models.CASCADE, related_name="application_entity")
    ae_title = models.CharField(max_length=AE_TITLE_LENGTH, validators=[is_ae_title])

    class Meta:
        constraints = [models.UniqueConstraint(Upper("ae_title"), name="archives_ae_title_once")]

    def __str__(self) -> str:
        return self.ae_title


class DicomDevice(models.Model):
    """A device that may send to the project by DIMSE, which knows no password: its address and calling AE title."""

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="dicom_devices")
    ae_title = models.CharField(max_length=AE_TITLE_LENGTH, validators=[is_ae_title])
    address = models.GenericIPAddressField(protocol="IPv4")
    may_retrieve = models.BooleanField(default=False, help_text="whether it may also search and fetch images")

    class Meta:
        ordering = ["pk"]
        constraints = [models.UniqueConstraint(fields=["project", "ae_title"], name="archives_dicom_device_title")]

    def __str__(self) -> str:
        return f"{self.ae_title} at {self.address}"
