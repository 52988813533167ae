"""What forms of all rooms are made of."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from django import forms
from django.core.exceptions import BadRequest, ValidationError
from django.http import HttpRequest, HttpResponseBase

View = Callable[..., HttpResponseBase]


class UnknownField(BadRequest):
    """The sentence is for who sent the form."""


class Strict(forms.Form):
    """A form that refuses what it does not ask for, instead of passing it by."""

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        unknown = sorted({*self.data, *self.files} - self.fields.keys() - {"csrfmiddlewaretoken"})
        if unknown:
            raise ValidationError(f"This form has no field {unknown[0][:40]!r}, so nothing was written.")
        return cleaned


def takes_fields(*names: str) -> Callable[[View], View]:
    """For a view whose form is a button, or is read by a library that passes unknown fields by.

    Whatever else is sent raises UnknownField before the view is asked.
    """

    def refusing(view: View) -> View:
        @wraps(view)
        def only_then(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            form = Strict(request.POST, request.FILES)
            form.fields.update({name: forms.Field(required=False) for name in names})
            if not form.is_valid():
                raise UnknownField(form.non_field_errors()[0])
            return view(request, *args, **kwargs)

        return only_then

    return refusing
