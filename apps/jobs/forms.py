from collections.abc import Mapping
from typing import Any

from django import forms

from apps.jobs.arguments import declared
from apps.jobs.models import Algorithm, Run

LONGEST_NUMBER = 15


class LaunchForm(forms.Form):
    """The arguments of one algorithm, and a key of its own so that pressing twice launches once."""

    submission_key = forms.UUIDField(widget=forms.HiddenInput)

    def __init__(self, algorithm: Algorithm, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.declared = declared(algorithm.arguments)
        for argument in self.declared:
            self.fields[argument.name] = forms.FloatField(
                label=argument.title,
                help_text=argument.help,
                initial=argument.default,
                min_value=argument.minimum,
                max_value=argument.maximum,
            )

    def arguments(self) -> dict[str, float]:
        return {argument.name: self.cleaned_data[argument.name] for argument in self.declared}


class RunFilter(forms.Form):
    GROUPS = {
        "active": ("Under way", Run.UNFINISHED),
        "succeeded": ("Succeeded", {Run.Status.SUCCEEDED}),
        "failed": ("Failed", {Run.Status.FAILED}),
        "cancelled": ("Cancelled", {Run.Status.CANCELLED}),
    }

    state = forms.ChoiceField(
        label="State",
        required=False,
        choices=[("", "All states"), *((name, label) for name, (label, _) in GROUPS.items())],
    )

    @property
    def chosen(self) -> str:
        """The group to show; "" for no choice and for one that does not exist."""
        return str(self.cleaned_data["state"]) if self.is_valid() else ""

    def statuses(self) -> list[str]:
        return sorted(self.GROUPS[self.chosen][1]) if self.chosen else sorted(Run.Status)


class LogPlace:
    """Where a page has come to in a run's log, as its address says; the beginning for what is no number."""

    def __init__(self, query: Mapping[str, str]) -> None:
        self.offset = _number(query.get("offset")) or 0
        self.attempt = _number(query.get("attempt"))


def _number(text: str | None) -> int | None:
    return int(text) if text and text.isascii() and text.isdigit() and len(text) <= LONGEST_NUMBER else None
