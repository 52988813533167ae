"""The forms of those who ask: for a new project, and to join one."""

from collections.abc import Mapping
from dataclasses import asdict, fields
from datetime import date, timedelta
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.core.files.uploadedfile import UploadedFile
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone

from apps.accounts import terms as data_use
from apps.accounts.models import User
from apps.core.forms import Strict
from apps.projects.fields import CPUS, GPUS, MEMORY_GIB, STORAGE_GIB, Day, amount
from apps.registrations import environments, links, namespaces
from apps.registrations.applications import Applicant, Application, JoinApplication
from apps.registrations.fields import LONGEST_YEARS, one_line, refuse_end
from apps.registrations.models import Registration

LATEST_START = timedelta(days=365)
NAMESPACE_LOOK_UP = {
    "hx-trigger": "input changed delay:300ms",
    "hx-include": "[name=project_name],[name=namespace]",
    "hx-target": "#namespace-state",
    "hx-sync": "#namespace-state:replace",
    "autocomplete": "off",
}
ENVIRONMENT_LOOK_UP = {
    "rows": 4,
    "class": "font-monospace",
    "spellcheck": "false",
    "hx-trigger": "change",
    "hx-include": "[name=csrfmiddlewaretoken]",
    "hx-target": "#environment-state",
}
AS_TYPED = {"autocomplete": "off", "autocapitalize": "none", "spellcheck": "false"}


class ApplicantForm(Strict):
    """Who asks, and why. Somebody who is signed in asks under the name and address of the account."""

    APPLICATION: type[Applicant]

    name = one_line("Your name", 200, widget=forms.TextInput(attrs={"autocomplete": "name"}))
    email = forms.EmailField(
        label="E-mail address",
        max_length=254,
        widget=forms.EmailInput(attrs={"autocomplete": "email"}),
        help_text="A mail with a private link goes there; the link proves the address.",
    )
    affiliation = one_line("Affiliation", 200, help_text="University, hospital or company, and department.")
    position = one_line("Position", 200, help_text="For example doctoral student or radiologist.")
    purpose = forms.CharField(
        max_length=5000,
        label="Purpose",
        help_text="What are the images used for? Your request is decided by this.",
        widget=forms.Textarea(attrs={"rows": 4}),
    )
    terms = data_use.acceptance()

    def __init__(
        self, posted: Any = None, files: Any = None, *, user: User | None, edited: Registration | None = None
    ) -> None:
        asked = {field.name: getattr(edited, field.name) for field in fields(self.APPLICATION)} if edited else {}
        super().__init__(posted, files, initial=asked)
        self.user = user
        self.edited = edited
        if user is not None:
            del self.fields["name"], self.fields["email"]
            self.fields["affiliation"].initial = user.affiliation
            self.fields["position"].initial = user.position
        if edited is not None and edited.terms_version == data_use.VERSION:
            del self.fields["terms"]

    def clean_email(self) -> str:
        return str(self.cleaned_data["email"]).lower()

    def application(self) -> Applicant:
        person = {"name": self.user.name, "email": self.user.email} if self.user else {}
        asked = {name: value for name, value in self.cleaned_data.items() if name != "terms"}
        return self.APPLICATION(**{**asked, **person, "terms_version": data_use.VERSION})


class JoinForm(ApplicantForm):
    """A part in an existing project. The answer does not tell whether there is one of that name."""

    APPLICATION = JoinApplication

    namespace = forms.CharField(
        max_length=namespaces.LONGEST,
        label="Namespace of the project",
        help_text="Its short name in addresses, such as cardiac-mr: the owner knows it.",
        widget=forms.TextInput(attrs=AS_TYPED),
    )
    wanted_role = forms.ChoiceField(
        label="You want to",
        choices=[("viewer", "look at images and results"), ("member", "also upload images and start runs")],
        widget=forms.RadioSelect,
        initial="member",
    )

    def clean_namespace(self) -> str:
        namespace = str(self.cleaned_data["namespace"])
        if fault := namespaces.malformed(namespace):
            raise ValidationError(fault)
        return namespace


class RegistrationForm(ApplicantForm):
    """A request for a project."""

    APPLICATION = Application

    project_name = one_line("Project name", 120, widget=forms.TextInput(attrs=NAMESPACE_LOOK_UP))
    namespace = forms.CharField(
        max_length=namespaces.LONGEST,
        required=False,
        label="Namespace",
        help_text="The project's name in addresses; it can never be changed. Left empty, it is made from the name.",
        widget=forms.TextInput(attrs={**NAMESPACE_LOOK_UP, **AS_TYPED}),
    )
    description = forms.CharField(
        max_length=5000, required=False, label="Description", widget=forms.Textarea(attrs={"rows": 3})
    )
    principal_investigator = one_line("Principal investigator", 200)
    principal_investigator_email = forms.EmailField(label="E-mail of the principal investigator", max_length=254)
    ethics_reference = one_line(
        "Ethics approval", 200, required=False, help_text="Its reference, such as 2026-01234-01. Empty: none is needed."
    )
    cpus = amount("CPU cores", CPUS, 4)
    memory_gib = amount("Memory, GiB", MEMORY_GIB, 16)
    gpus = amount("GPUs", GPUS, 0)
    gpu_type = one_line("Kind of GPU", 60, required=False, help_text="Such as A100 80 GB. Empty: any.")
    storage_gib = amount("Storage, GiB", STORAGE_GIB, 100)
    starts_on = forms.DateField(label="First day", widget=Day(), initial=timezone.localdate)
    ends_on = forms.DateField(label="Last day", widget=Day(), help_text=f"At most {LONGEST_YEARS} years later.")
    environment_upload = forms.FileField(
        required=False,
        label="Environment file",
        help_text="requirements.txt of pip or environment.yml of conda: the packages that your code needs.",
        widget=forms.ClearableFileInput(attrs={"accept": ".txt,.yml,.yaml"}),
    )
    environment_file = forms.CharField(
        required=False,
        strip=False,
        label="Or its content",
        help_text="It is read and shown back; nothing in it is run.",
        widget=forms.Textarea(attrs=ENVIRONMENT_LOOK_UP),
    )

    def __init__(
        self, posted: Any = None, files: Any = None, *, user: User | None, edited: Registration | None = None
    ) -> None:
        super().__init__(posted, files, user=user, edited=edited)
        look_up = f"{links.path_of(edited)}namespace/" if edited else reverse("registrations:namespace")
        for name in ("project_name", "namespace"):
            self.fields[name].widget.attrs["hx-get"] = look_up
        self.fields["environment_file"].widget.attrs["hx-post"] = reverse("registrations:environment")
        self.environment: dict[str, Any] = {}

    def clean_namespace(self) -> str:
        namespace = str(self.cleaned_data["namespace"])
        if not namespace:
            return self._proposed()
        if fault := namespaces.fault_of(namespace):
            raise ValidationError(fault)
        if not namespaces.is_free(namespace, besides=self.edited):
            raise ValidationError(f"{namespace} is taken, or looks like a name that is: choose another one.")
        return namespace

    def clean_starts_on(self) -> date:
        starts_on: date = self.cleaned_data["starts_on"]
        if starts_on < timezone.localdate():
            raise ValidationError("This day has passed: choose today or a later one.")
        if starts_on > timezone.localdate() + LATEST_START:
            raise ValidationError("Choose a day within the next year.")
        return starts_on

    def clean_environment_upload(self) -> str:
        """Its text, which goes into the field below, so that it is there when the form comes back."""
        upload: UploadedFile[bytes] | None = self.cleaned_data["environment_upload"]
        if upload is None:
            return ""
        try:
            text: str = upload.read(environments.LARGEST_BYTES + 1).decode("utf-8-sig")
        except UnicodeDecodeError as error:
            raise ValidationError("This is no text: send requirements.txt or environment.yml.") from error
        self.data = {**self.data, "environment_file": text}
        return text

    def clean_environment_file(self) -> str:
        text = self.cleaned_data.get("environment_upload") or str(self.cleaned_data["environment_file"])
        if not text.strip():
            return ""
        try:
            self.environment = asdict(environments.read(text))
        except environments.EnvironmentInvalid as invalid:
            raise ValidationError(str(invalid)) from invalid
        return text

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean()
        starts_on, ends_on = cleaned.get("starts_on"), cleaned.get("ends_on")
        if starts_on and ends_on:
            refuse_end(self, starts_on, ends_on)
        cleaned.pop("environment_upload", None)
        return {**cleaned, "environment": self.environment}

    def _proposed(self) -> str:
        # A project name that is itself at fault has its own sentence.
        project_name = self.cleaned_data.get("project_name", "")
        proposed = namespaces.propose(project_name, besides=self.edited)
        if project_name and not proposed:
            raise ValidationError("None could be made from the project's name: write one.")
        return proposed


class AnswerForm(Strict):
    """The requester's answer to a question, without a change of the request."""

    answer = forms.CharField(max_length=2000, label="Your answer", widget=forms.Textarea(attrs={"rows": 3}))


FORMS: dict[str, type[ApplicantForm]] = {
    Registration.Kind.NEW_PROJECT: RegistrationForm,
    Registration.Kind.JOIN: JoinForm,
}


def as_written(registration: Registration, changed: Mapping[str, Any]) -> ApplicantForm:
    """The form of a requester who changes nothing else in a request that was sent back."""
    form_class = FORMS[registration.kind]
    form = form_class(user=registration.submitted_by, edited=registration)
    written = {name: value for name, value in form.initial.items() if name in form.fields}
    return form_class({**written, **changed}, user=registration.submitted_by, edited=registration)


def posted(request: HttpRequest) -> dict[str, Any]:
    """What a browser sent, as arguments of a form; nothing when it only asks for the form."""
    return {"posted": request.POST, "files": request.FILES} if request.method == "POST" else {}
