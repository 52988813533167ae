from datetime import date, datetime, time, timedelta
from typing import Any

from django import forms
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db.models import Q
from django.utils import timezone

from apps.accounts.models import User
from apps.audit.selectors import Wanted, actions
from apps.core.models import Mail
from apps.dashboard.audit_lines import action_in_words
from apps.projects.models import Project

FOUND_AT_MOST = 20
# Days with another one before and after them, in every time zone.
COUNTED = [MinValueValidator(date(1900, 1, 1)), MaxValueValidator(date(9000, 1, 1))]


class MailFilterForm(forms.Form):
    status = forms.ChoiceField(label="State", required=False, choices=[("", "All"), *Mail.Status.choices])
    q = forms.CharField(label="Recipient or subject", required=False, max_length=200)


class AuditFilterForm(forms.Form):
    """Of a project's own part, that project is fixed and not asked for."""

    person = forms.CharField(label="Person", required=False, max_length=200)
    project = forms.CharField(label="Project", required=False, max_length=200)
    action = forms.ChoiceField(label="Action", required=False)
    since = forms.DateField(
        label="From", required=False, validators=COUNTED, widget=forms.DateInput(attrs={"type": "date"})
    )
    until = forms.DateField(
        label="To", required=False, validators=COUNTED, widget=forms.DateInput(attrs={"type": "date"})
    )

    def __init__(self, *args: Any, project: Project | None = None, **options: Any) -> None:
        super().__init__(*args, **options)
        self._project = project
        if project:
            del self.fields["project"]
        choices = [("", "All"), *((action, action_in_words(action)) for action in actions())]
        self.fields["action"].choices = choices  # type: ignore[attr-defined]

    def wanted(self) -> Wanted:
        """What is asked for; a field with an error is as if it were empty."""
        asked = self._cleaned()
        return Wanted(
            actors=_people(asked["person"]) if asked.get("person") else None,
            projects=self._projects(asked.get("project", "")),
            action=asked.get("action", ""),
            since=_begin(asked["since"]) if asked.get("since") else None,
            until=_begin(asked["until"] + timedelta(days=1)) if asked.get("until") else None,
        )

    def asked(self) -> dict[str, str]:
        """The fields that are filled, as they stand in an address."""
        return {name: str(value) for name, value in self._cleaned().items() if value}

    def _cleaned(self) -> dict[str, Any]:
        self.is_valid()
        return self.cleaned_data

    def _projects(self, words: str) -> list[int] | None:
        if self._project:
            return [self._project.pk]
        found = Project.objects.filter(Q(namespace=words) | Q(name__icontains=words)).order_by("pk")
        return list(found.values_list("pk", flat=True)[:FOUND_AT_MOST]) if words else None


def _people(words: str) -> list[int]:
    """The person with this address; without one, who is called so."""
    found = User.objects.filter(Q(email=words.lower()) | Q(name__icontains=words)).order_by("pk")
    return list(found.values_list("pk", flat=True)[:FOUND_AT_MOST])


def _begin(day: date) -> datetime:
    return timezone.make_aware(datetime.combine(day, time()))
