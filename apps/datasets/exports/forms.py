from typing import Any

from django import forms
from django.conf import settings


class ExportForm(forms.Form):
    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        targets = [(name, name) for name in settings.EXPORT_TARGETS]
        self.fields["target"] = forms.ChoiceField(label="Where to", choices=targets)
