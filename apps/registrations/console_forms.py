"""The forms of those who decide."""

import re
from collections.abc import Mapping
from typing import Any

from django import forms
from django.utils import timezone

from apps.clusters.models import Cluster
from apps.core.forms import Strict
from apps.projects.fields import CPUS, GPUS, MEMORY_GIB, STORAGE_GIB, Day, amount
from apps.projects.models import Membership
from apps.projects.services import Resources
from apps.provisioning.plan import are_on_clusters
from apps.registrations.applications import Grant
from apps.registrations.fields import refuse_end
from apps.registrations.models import Registration

ASKED = ("cpus", "memory_gib", "gpus", "storage_gib", "ends_on")
MOST_AT_ONCE = 100
AGES = [("", "Any"), (3, "More than 3 days"), (7, "More than 7 days"), (30, "More than 30 days")]


class Decision(Strict):
    """What every decision carries: which version of the request the approver saw."""

    version = forms.CharField(required=False, widget=forms.HiddenInput(attrs={"id": False}))


class GrantForm(Decision):
    """For a new project."""

    cpus = amount("CPU cores", CPUS)
    memory_gib = amount("Memory, GiB", MEMORY_GIB)
    gpus = amount("GPUs", GPUS)
    storage_gib = amount("Storage, GiB", STORAGE_GIB)
    ends_on = forms.DateField(label="Last day", widget=Day())
    cluster = forms.ModelChoiceField(
        Cluster.objects.none(), label="Cluster", required=False, empty_label="The one with the fewest projects"
    )

    def __init__(self, posted: Mapping[str, Any] | None = None, *, registration: Registration) -> None:
        self.registration = registration
        asked = {name: getattr(registration, name) for name in ASKED}
        super().__init__(posted, initial={**asked, "version": registration.version})
        if are_on_clusters():
            self.fields["cluster"].queryset = Cluster.objects.exclude(status=Cluster.Status.DISABLED)  # type: ignore[attr-defined]
        else:
            del self.fields["cluster"]

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean()
        if cleaned.get("ends_on"):
            refuse_end(self, self.registration.starts_on or timezone.localdate(), cleaned["ends_on"])
        return cleaned

    def grant(self) -> Grant:
        given = self.cleaned_data
        resources = Resources(given["cpus"], given["memory_gib"], given["gpus"], given["storage_gib"])
        return Grant(resources, given["ends_on"], given.get("cluster"))


class RoleForm(Decision):
    """For joining a project."""

    role = forms.ChoiceField(label="Role", choices=Registration.WANTED_ROLES)

    def __init__(self, posted: Mapping[str, Any] | None = None, *, registration: Registration) -> None:
        super().__init__(posted, initial={"role": registration.wanted_role, "version": registration.version})

    def granted(self) -> Membership.Role:
        return Membership.Role(self.cleaned_data["role"])


class RejectForm(Decision):
    reason = forms.CharField(
        max_length=2000,
        label="Reason",
        help_text="It is mailed to the requester and shown on the request's page.",
        widget=forms.Textarea(attrs={"rows": 3}),
    )


class ChangesForm(Decision):
    message = forms.CharField(
        max_length=2000,
        label="What has to change, or your question",
        help_text="It is mailed to the requester, who edits the request or answers.",
        widget=forms.Textarea(attrs={"rows": 3}),
    )


def as_asked(registration: Registration, changed: Mapping[str, Any] | None = None) -> GrantForm | RoleForm:
    """The form of somebody who grants what is asked, but for what is `changed`."""
    if registration.is_join:
        return RoleForm({"role": registration.wanted_role, **(changed or {})}, registration=registration)
    asked = {name: getattr(registration, name) for name in ASKED}
    return GrantForm({**asked, **(changed or {})}, registration=registration)


class Ticked(forms.MultipleChoiceField):
    """Rows of the list, each "<primary key>:<version>"."""

    def valid_value(self, value: str) -> bool:
        return len(value) < 60 and re.fullmatch(r"[0-9]{1,18}:\S+", value) is not None


class BulkForm(Strict):
    """Several decisions at once."""

    action = forms.ChoiceField(choices=[("approve", "Approve as asked"), ("reject", "Reject")])
    ticked = Ticked(error_messages={"required": "Tick the requests first."})
    reason = forms.CharField(
        max_length=2000,
        required=False,
        label="Reason",
        help_text="It is mailed to each of the requesters.",
        widget=forms.Textarea(attrs={"rows": 2, "form": "bulk"}),
    )
    query = forms.CharField(max_length=500, required=False)

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean()
        if cleaned.get("action") == "reject" and not cleaned.get("reason"):
            raise forms.ValidationError("A rejection needs its reason.")
        if len(cleaned.get("ticked", ())) > MOST_AT_ONCE:
            raise forms.ValidationError(f"At most {MOST_AT_ONCE} requests are decided at once.")
        return cleaned

    def chosen(self) -> list[tuple[int, str]]:
        """Primary keys and versions, each request once."""
        pairs = dict(value.split(":", 1) for value in self.cleaned_data["ticked"])
        return [(int(pk), version) for pk, version in pairs.items()]

    def first_error(self) -> str:
        return str(next(iter(self.errors.values()))[0])

    def back(self) -> str:
        """The query of the list that the person came from."""
        return str(self.cleaned_data.get("query", ""))


class FilterForm(forms.Form):
    """What nobody has chosen yet shows what waits."""

    status = forms.ChoiceField(
        label="State",
        required=False,
        choices=[("", "Any"), *Registration.Status.choices],
        initial=Registration.Status.EMAIL_VERIFIED.value,
    )
    kind = forms.ChoiceField(label="Asks for", required=False, choices=[("", "Any"), *Registration.Kind.choices])
    older = forms.TypedChoiceField(label="In this state for", required=False, choices=AGES, coerce=int, empty_value="")
    q = forms.CharField(label="Search", required=False, max_length=100)
