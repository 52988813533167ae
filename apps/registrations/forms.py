from dataclasses import fields
from datetime import date, timedelta
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.core.validators import RegexValidator
from django.http import QueryDict
from django.urls import reverse
from django.utils import timezone

from apps.accounts.models import User
from apps.clusters.models import Cluster
from apps.projects.services import Resources
from apps.provisioning.plan import are_on_clusters
from apps.registrations import links, namespaces
from apps.registrations.models import Registration
from apps.registrations.services import Application, Grant

LONGEST_YEARS = 5
LATEST_START = timedelta(days=365)
CPUS = (1, 1024)
MEMORY_GIB = (1, 8192)
GPUS = (0, 128)
STORAGE_GIB = (1, 100_000)
# These lines stand in mails and in headings: nothing in them may begin a line of its own or turn the writing round.
ONE_LINE = RegexValidator(r"^[^\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]*\Z", "Write this on one line.")
NAMESPACE_LOOK_UP = {
    "hx-trigger": "input changed delay:300ms",
    "hx-include": "[name=project_name],[name=namespace]",
    "hx-target": "#namespace-state",
    "hx-sync": "#namespace-state:replace",
    "autocomplete": "off",
}


class Day(forms.DateInput):
    input_type = "date"

    def __init__(self) -> None:
        super().__init__(format="%Y-%m-%d")


def one_line(label: str, max_length: int, *, widget: forms.Widget | None = None, **options: Any) -> forms.CharField:
    return forms.CharField(label=label, max_length=max_length, validators=[ONE_LINE], widget=widget, **options)


def amount(label: str, bounds: tuple[int, int], initial: int | None = None) -> forms.IntegerField:
    least, most = bounds
    return forms.IntegerField(label=label, min_value=least, max_value=most, initial=initial)


def longest_end(starts_on: date) -> date:
    is_leap_day = (starts_on.month, starts_on.day) == (2, 29)  # it has no anniversary in most years
    return starts_on.replace(year=starts_on.year + LONGEST_YEARS, day=28 if is_leap_day else starts_on.day)


class RegistrationForm(forms.Form):
    """A request for a project. Somebody who is signed in asks under the name and address of the account."""

    name = one_line("Your name", 200, widget=forms.TextInput(attrs={"autocomplete": "name"}))
    email = forms.EmailField(
        label="E-mail address",
        max_length=254,
        widget=forms.EmailInput(attrs={"autocomplete": "email"}),
        help_text="A mail with a private link goes there; the link proves the address.",
    )
    affiliation = one_line("Affiliation", 200, help_text="University, hospital or company, and department.")
    purpose = forms.CharField(
        max_length=5000,
        label="Purpose",
        help_text="What are the images used for? The approvers decide by this.",
        widget=forms.Textarea(attrs={"rows": 4}),
    )
    project_name = one_line("Project name", 120, widget=forms.TextInput(attrs=NAMESPACE_LOOK_UP))
    namespace = forms.CharField(
        max_length=namespaces.LONGEST,
        required=False,
        label="Namespace",
        help_text="The project's name in addresses; it can never be changed. Left empty, it is made from the name.",
        widget=forms.TextInput(attrs={**NAMESPACE_LOOK_UP, "autocapitalize": "none", "spellcheck": "false"}),
    )
    description = forms.CharField(
        max_length=5000, required=False, label="Description", widget=forms.Textarea(attrs={"rows": 3})
    )
    principal_investigator = one_line("Principal investigator", 200)
    cpus = amount("CPU cores", CPUS, 4)
    memory_gib = amount("Memory, GiB", MEMORY_GIB, 16)
    gpus = amount("GPUs", GPUS, 0)
    storage_gib = amount("Storage, GiB", STORAGE_GIB, 100)
    starts_on = forms.DateField(label="First day", widget=Day(), initial=timezone.localdate)
    ends_on = forms.DateField(label="Last day", widget=Day(), help_text=f"At most {LONGEST_YEARS} years later.")

    def __init__(
        self, posted: QueryDict | None = None, *, user: User | None, edited: Registration | None = None
    ) -> None:
        asked = {field.name: getattr(edited, field.name) for field in fields(Application)} if edited else {}
        super().__init__(posted, initial=asked)
        self.user = user
        self.edited = edited
        look_up = f"{links.path_of(edited)}namespace/" if edited else reverse("registrations:namespace")
        for name in ("project_name", "namespace"):
            self.fields[name].widget.attrs["hx-get"] = look_up
        if user is not None:
            del self.fields["name"], self.fields["email"]
            self.fields["affiliation"].initial = user.affiliation

    def clean_email(self) -> str:
        return str(self.cleaned_data["email"]).lower()

    def clean_namespace(self) -> str:
        namespace = str(self.cleaned_data["namespace"])
        if not namespace:
            return self._proposed()
        fault = namespaces.fault_of(namespace)
        if fault:
            raise ValidationError(fault)
        if not namespaces.is_free(namespace, besides=self.edited):
            raise ValidationError(f"{namespace} is taken: choose another name.")
        return namespace

    def clean_starts_on(self) -> date:
        starts_on: date = self.cleaned_data["starts_on"]
        if starts_on < timezone.localdate():
            raise ValidationError("This day has passed: choose today or a later one.")
        if starts_on > timezone.localdate() + LATEST_START:
            raise ValidationError("Choose a day within the next year.")
        return starts_on

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        starts_on, ends_on = cleaned.get("starts_on"), cleaned.get("ends_on")
        if starts_on and ends_on:
            refuse_end(self, starts_on, ends_on)
        return cleaned

    def application(self) -> Application:
        person = {"name": self.user.name, "email": self.user.email} if self.user else {}
        return Application(**{**self.cleaned_data, **person})

    def _proposed(self) -> str:
        # A project name that is itself at fault has its own sentence.
        project_name = self.cleaned_data.get("project_name", "")
        proposed = namespaces.propose(project_name, besides=self.edited)
        if project_name and not proposed:
            raise ValidationError("None could be made from the project's name: write one.")
        return proposed


def refuse_end(form: forms.Form, starts_on: date, ends_on: date) -> None:
    """Adds the sentence that says why a project cannot end on this day."""
    if ends_on <= starts_on:
        form.add_error("ends_on", "The last day must be after the first.")
    elif ends_on < timezone.localdate():
        form.add_error("ends_on", "This day has passed.")
    elif ends_on > longest_end(starts_on):
        form.add_error("ends_on", f"A project runs for at most {LONGEST_YEARS} years; it can be extended later.")


class Decision(forms.Form):
    """What every decision carries: which version of the request the approver saw."""

    version = forms.CharField(required=False, widget=forms.HiddenInput(attrs={"id": False}))


class GrantForm(Decision):
    cpus = amount("CPU cores", CPUS)
    memory_gib = amount("Memory, GiB", MEMORY_GIB)
    gpus = amount("GPUs", GPUS)
    storage_gib = amount("Storage, GiB", STORAGE_GIB)
    ends_on = forms.DateField(label="Last day", widget=Day())
    cluster = forms.ModelChoiceField(
        Cluster.objects.none(), label="Cluster", required=False, empty_label="The one with the fewest projects"
    )

    def __init__(self, posted: QueryDict | None = None, *, registration: Registration) -> None:
        self.registration = registration
        asked = {name: getattr(registration, name) for name in ("cpus", "memory_gib", "gpus", "storage_gib", "ends_on")}
        super().__init__(posted, initial={**asked, "version": registration.version})
        if are_on_clusters():
            self.fields["cluster"].queryset = Cluster.objects.exclude(status=Cluster.Status.DISABLED)  # type: ignore[attr-defined]
        else:
            del self.fields["cluster"]

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        if cleaned.get("ends_on"):
            refuse_end(self, self.registration.starts_on, cleaned["ends_on"])
        return cleaned

    def grant(self) -> Grant:
        given = self.cleaned_data
        resources = Resources(given["cpus"], given["memory_gib"], given["gpus"], given["storage_gib"])
        return Grant(resources, given["ends_on"], given.get("cluster"))


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
        label="What has to change",
        help_text="It is mailed to the requester, who edits the request and sends it again.",
        widget=forms.Textarea(attrs={"rows": 3}),
    )


class FilterForm(forms.Form):
    status = forms.ChoiceField(label="State", required=False, choices=[("", "Any"), *Registration.Status.choices])
    q = forms.CharField(label="Search", required=False, max_length=100)
