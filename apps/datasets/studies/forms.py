from collections.abc import Sequence
from datetime import date
from typing import Any

from django import forms
from django.core.validators import MaxValueValidator, MinValueValidator
from django.http import QueryDict

from apps.archives.models import Archive
from apps.datasets.studies.search import DEFAULT_ORDER, Wanted
from apps.datasets.studies.states import StudyState

FIRST_DAY, LAST_DAY = date(1900, 1, 1), date(2999, 12, 31)


class DayField(forms.DateField):
    def __init__(self, label: str) -> None:
        sentence = f"“{label}” is no day as 2027-03-31; it is left out."
        super().__init__(
            label=label,
            required=False,
            input_formats=["%Y-%m-%d"],
            validators=[MinValueValidator(FIRST_DAY, sentence), MaxValueValidator(LAST_DAY, sentence)],
            error_messages={"invalid": sentence},
            widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
        )


class StudyFilter(forms.Form):
    """What of the studies is shown and in which order. All of it stands in the address."""

    ORDERS = [
        ("-date", "Newest first"),
        ("date", "Oldest first"),
        ("patient", "Patient, A to Z"),
        ("-patient", "Patient, Z to A"),
        ("description", "Description, A to Z"),
        ("-description", "Description, Z to A"),
        ("modalities", "Modalities, A to Z"),
        ("-modalities", "Modalities, Z to A"),
        ("-series", "Most series first"),
        ("series", "Fewest series first"),
        ("-objects", "Most objects first"),
        ("objects", "Fewest objects first"),
        ("-size", "Largest first"),
        ("size", "Smallest first"),
        ("-added", "Last changed first"),
        ("added", "First changed first"),
    ]

    q = forms.CharField(
        label="Search",
        required=False,
        max_length=100,
        widget=forms.TextInput(
            attrs={"type": "search", "placeholder": "Patient, description, accession number or UID"}
        ),
    )
    archive = forms.ChoiceField(label="Archive", required=False)
    since = DayField("From")
    until = DayField("To")
    modality = forms.ChoiceField(
        label="Modality",
        required=False,
        error_messages={"invalid_choice": "No study here has the modality “%(value)s”; it is left out."},
    )
    state = forms.ChoiceField(
        label="State",
        required=False,
        choices=[("", "All"), *StudyState.choices],
        error_messages={"invalid_choice": "“%(value)s” is no state of a study; it is left out."},
    )
    order = forms.ChoiceField(
        label="Order",
        required=False,
        choices=ORDERS,
        error_messages={"invalid_choice": "There is no order “%(value)s”; the newest stand first."},
    )

    def __init__(self, asked: QueryDict, *, modalities: Sequence[str], archives: list[Archive]) -> None:
        super().__init__(asked)
        _offer(self, "modality", [("", "All"), *((it, it) for it in modalities)])
        _offer(self, "archive", [(it.name, it.name) for it in archives])
        if len(archives) == 1:
            self.fields["archive"].widget = forms.HiddenInput()

    def clean(self) -> None:
        since, until = self.cleaned_data.get("since"), self.cleaned_data.get("until")
        if since and until and until < since:
            self.add_error("until", "The last day is before the first; it is left out.")

    def wanted(self) -> Wanted:
        """What is asked for; a field with an error is as if it were empty."""
        asked = self._cleaned()
        return Wanted(
            text=asked.get("q", ""),
            since=asked.get("since"),
            until=asked.get("until"),
            modality=asked.get("modality", ""),
            state=asked.get("state", ""),
        )

    def chosen_order(self) -> str:
        return str(self._cleaned().get("order") or DEFAULT_ORDER)

    def narrowing_fields(self) -> list[forms.BoundField]:
        """All besides the search."""
        return [field for field in self.visible_fields() if field.name != "q"]

    def complaints(self) -> list[str]:
        """A sentence for each value that cannot be asked for."""
        return [str(sentence) for errors in self.errors.values() for sentence in errors]

    def _cleaned(self) -> dict[str, Any]:
        self.is_valid()
        return self.cleaned_data


def _offer(form: forms.Form, name: str, choices: list[tuple[str, str]]) -> None:
    field = form.fields[name]
    assert isinstance(field, forms.ChoiceField)  # noqa: S101
    field.choices = choices
