from datetime import date
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.http import QueryDict
from django.utils import timezone

from apps.projects.models import Allocation, ExtensionRequest, Project
from apps.projects.services import Resources

LONGEST_DAYS = 5 * 366


class Day(forms.DateInput):
    input_type = "date"

    def __init__(self) -> None:
        super().__init__(format="%Y-%m-%d")


def paragraph(label: str, help_text: str = "", *, required: bool = True) -> forms.CharField:
    widget = forms.Textarea(attrs={"rows": 3})
    return forms.CharField(label=label, max_length=2000, required=required, help_text=help_text, widget=widget)


def clean_last_day(ends_on: date) -> date:
    """Raises ValidationError for a day that no project may end on."""
    if ends_on < timezone.localdate():
        raise ValidationError("This day has passed.")
    if (ends_on - timezone.localdate()).days > LONGEST_DAYS:
        raise ValidationError("At most five years from now; it can be extended again then.")
    return ends_on


class DescriptionForm(forms.ModelForm):  # type: ignore[type-arg]
    class Meta:
        model = Project
        fields = ("description",)
        widgets = {"description": forms.Textarea(attrs={"rows": 3, "maxlength": 5000})}

    def clean_description(self) -> str:
        description = str(self.cleaned_data["description"])
        if len(description) > 5000:
            raise ValidationError("At most 5000 characters.")
        return description


class WhyForm(forms.Form):
    """A turn with its reason, which the members are told."""

    why = paragraph("Reason", "The members get it by mail.")


class DeletionForm(forms.Form):
    typed = forms.CharField(label="Namespace", max_length=40, widget=forms.TextInput(attrs={"autocomplete": "off"}))
    why = paragraph("Reason", "The members get it by mail.", required=False)


class ExtensionForm(forms.Form):
    """More time, as an owner asks for it."""

    ends_on = forms.DateField(label="New last day", widget=Day())
    why = paragraph("Why", "The approvers decide by this.")

    def clean_ends_on(self) -> date:
        return clean_last_day(self.cleaned_data["ends_on"])


class GrantExtensionForm(forms.Form):
    ends_on = forms.DateField(label="Last day", widget=Day())
    said = paragraph("Message to the owners", required=False)

    def __init__(self, posted: QueryDict | None = None, *, request: ExtensionRequest) -> None:
        super().__init__(posted, initial={"ends_on": request.ends_on})

    def clean_ends_on(self) -> date:
        return clean_last_day(self.cleaned_data["ends_on"])


class RefuseExtensionForm(forms.Form):
    said = paragraph("Reason", "The owners get it by mail.")


class ResourcesForm(forms.ModelForm):  # type: ignore[type-arg]
    """What an administrator grants; the last day with it."""

    ends_on = forms.DateField(label="Last day", widget=Day())

    class Meta:
        model = Allocation
        fields = ("granted_cpus", "granted_memory_gib", "granted_gpus", "granted_storage_gib")
        labels = {
            "granted_cpus": "CPU cores",
            "granted_memory_gib": "Memory, GiB",
            "granted_gpus": "GPUs",
            "granted_storage_gib": "Storage, GiB",
        }

    def __init__(self, posted: QueryDict | None = None, *, project: Project) -> None:
        super().__init__(posted, instance=project.allocation, initial={"ends_on": project.ends_on})
        self.project = project

    def clean_ends_on(self) -> date:
        ends_on: date = self.cleaned_data["ends_on"]
        return ends_on if ends_on == self.project.ends_on else clean_last_day(ends_on)

    def granted(self) -> Resources:
        given: dict[str, Any] = self.cleaned_data
        return Resources(**{name: given[f"granted_{name}"] for name in ("cpus", "memory_gib", "gpus", "storage_gib")})


class ListForm(forms.Form):
    status = forms.ChoiceField(label="State", required=False, choices=[("", "Any"), *Project.Status.choices])
    q = forms.CharField(label="Search", required=False, max_length=100)
