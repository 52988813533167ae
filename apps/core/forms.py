"""What forms of all rooms are made of."""

from typing import Any

from django import forms
from django.core.exceptions import ValidationError


class Strict(forms.Form):
    """A form that refuses what it does not ask for, instead of passing it by."""

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        unknown = sorted({*self.data, *self.files} - self.fields.keys() - {"csrfmiddlewaretoken"})
        if unknown:
            raise ValidationError(f"This form has no field {unknown[0][:40]!r}, so nothing was written.")
        return cleaned
