"""What the forms of this room are made of."""

from datetime import date
from typing import Any

from django import forms
from django.utils import timezone

from apps.core.validators import ONE_LINE

LONGEST_YEARS = 5


def one_line(label: str, max_length: int, *, widget: forms.Widget | None = None, **options: Any) -> forms.CharField:
    return forms.CharField(label=label, max_length=max_length, validators=[ONE_LINE], widget=widget, **options)


def longest_end(starts_on: date) -> date:
    is_leap_day = (starts_on.month, starts_on.day) == (2, 29)  # it has no anniversary in most years
    return starts_on.replace(year=starts_on.year + LONGEST_YEARS, day=28 if is_leap_day else starts_on.day)


def refuse_end(form: forms.Form, starts_on: date, ends_on: date) -> None:
    """Adds the sentence that says why a project cannot end on this day."""
    if ends_on <= starts_on:
        form.add_error("ends_on", "The last day must be after the first.")
    elif ends_on < timezone.localdate():
        form.add_error("ends_on", "This day has passed.")
    elif ends_on > longest_end(starts_on):
        form.add_error("ends_on", f"A project runs for at most {LONGEST_YEARS} years; it can be extended later.")
