from collections.abc import Iterable
from typing import Any

from django import forms
from django.conf import settings

from apps.archives.models import Archive


class ExportForm(forms.Form):
    """Which of the archives goes where. Where there is one alone, it is not asked for."""

    def __init__(self, archives: Iterable[Archive], *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._archives = {archive.name: archive for archive in archives}
        if len(self._archives) > 1:
            names = [(name, name) for name in self._archives]
            self.fields["archive"] = forms.ChoiceField(label="Archive", choices=names)
        targets = [(name, name) for name in settings.EXPORT_TARGETS]
        self.fields["target"] = forms.ChoiceField(label="Where to", choices=targets)

    @property
    def archive(self) -> Archive:
        """The one chosen in a form that is valid."""
        (name,) = [self.cleaned_data["archive"]] if "archive" in self.fields else self._archives
        return self._archives[name]
