from datetime import date, timedelta

from django import forms
from django.core.exceptions import ValidationError
from django.http import QueryDict
from django.utils import timezone

from apps.core.forms import Strict
from apps.projects.fields import CPUS, GPUS, MEMORY_GIB, STORAGE_GIB, Day, amount
from apps.projects.models import ExtensionRequest, Project
from apps.projects.services import Resources

LONGEST_TEXT, LONGEST_DESCRIPTION = 2000, 5000
LONGEST_AHEAD = timedelta(days=5 * 366)
RESOURCES = ("cpus", "memory_gib", "gpus", "storage_gib")


def paragraph(label: str, help_text: str = "", *, required: bool = True) -> forms.CharField:
    widget = forms.Textarea(attrs={"rows": 3})
    return forms.CharField(label=label, max_length=LONGEST_TEXT, required=required, help_text=help_text, widget=widget)


def last_day(ends_on: date) -> date:
    """Raises ValidationError for a day that no project may be made to end on now."""
    today = timezone.localdate()
    if ends_on < today:
        raise ValidationError("This day has passed.")
    if ends_on > today + LONGEST_AHEAD:
        raise ValidationError("At most five years from now; it can be extended again then.")
    return ends_on


class DescriptionForm(Strict):
    description = forms.CharField(
        label="Description", max_length=LONGEST_DESCRIPTION, required=False, widget=forms.Textarea(attrs={"rows": 3})
    )


class WhyForm(Strict):
    """A turn with its reason, which the members are told."""

    why = paragraph("Reason", "The members get it by mail.")


class DeletionForm(Strict):
    typed = forms.CharField(label="Namespace", max_length=40, widget=forms.TextInput(attrs={"autocomplete": "off"}))
    why = paragraph("Reason", "The members get it by mail.", required=False)


class ExtensionForm(Strict):
    """More time, as an owner asks for it."""

    ends_on = forms.DateField(label="New last day", widget=Day())
    why = paragraph("Why", "The approvers decide by this.")

    def clean_ends_on(self) -> date:
        return last_day(self.cleaned_data["ends_on"])


class GrantExtensionForm(Strict):
    ends_on = forms.DateField(label="Last day", widget=Day())
    said = paragraph("Message to the owners", required=False)

    def __init__(self, posted: QueryDict | None = None, *, request: ExtensionRequest) -> None:
        super().__init__(posted, initial={"ends_on": request.ends_on})

    def clean_ends_on(self) -> date:
        return last_day(self.cleaned_data["ends_on"])


class RefuseExtensionForm(Strict):
    said = paragraph("Reason", "The owners get it by mail.")


class ResourcesForm(Strict):
    """What an administrator grants; the last day with it."""

    cpus = amount("CPU cores", CPUS)
    memory_gib = amount("Memory, GiB", MEMORY_GIB)
    gpus = amount("GPUs", GPUS)
    storage_gib = amount("Storage, GiB", STORAGE_GIB)
    ends_on = forms.DateField(label="Last day", widget=Day())

    def __init__(self, posted: QueryDict | None = None, *, project: Project) -> None:
        granted = {name: getattr(project.allocation, f"granted_{name}") for name in RESOURCES}
        super().__init__(posted, initial={**granted, "ends_on": project.ends_on})
        self.project = project

    def clean_ends_on(self) -> date:
        ends_on: date = self.cleaned_data["ends_on"]
        return ends_on if ends_on == self.project.ends_on else last_day(ends_on)

    def granted(self) -> Resources:
        return Resources(**{name: self.cleaned_data[name] for name in RESOURCES})


class ListForm(forms.Form):
    status = forms.ChoiceField(label="State", required=False, choices=[("", "Any"), *Project.Status.choices])
    q = forms.CharField(label="Search", required=False, max_length=100)
