"""What forms about projects are made of."""

from typing import Any

from django import forms
from django.core.exceptions import ValidationError

CPUS = (1, 1024)
MEMORY_GIB = (1, 8192)
GPUS = (0, 128)
STORAGE_GIB = (1, 100_000)


class Strict(forms.Form):
    """A form that refuses what it does not ask for, instead of passing it by."""

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        unknown = sorted({*self.data, *self.files} - self.fields.keys() - {"csrfmiddlewaretoken"})
        if unknown:
            raise ValidationError(f"This form has no field {unknown[0][:40]!r}, so nothing was written.")
        return cleaned


class Day(forms.DateInput):
    input_type = "date"

    def __init__(self) -> None:
        super().__init__(format="%Y-%m-%d")


def amount(label: str, bounds: tuple[int, int], initial: int | None = None) -> forms.IntegerField:
    least, most = bounds
    return forms.IntegerField(label=label, min_value=least, max_value=most, initial=initial)
