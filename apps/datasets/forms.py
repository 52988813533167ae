from django import forms
from django.conf import settings


class StudyFilter(forms.Form):
    """What of the studies is shown and in which order. All of it stands in the address."""

    ORDERS = [
        ("-date", "Newest first"),
        ("date", "Oldest first"),
        ("patient", "Patient"),
        ("description", "Description"),
        ("-size", "Largest first"),
        ("-added", "Last added first"),
    ]

    q = forms.CharField(
        label="Search",
        required=False,
        max_length=100,
        widget=forms.TextInput(
            attrs={"type": "search", "placeholder": "Patient, description, accession number or UID"}
        ),
    )
    modality = forms.ChoiceField(label="Modality", required=False)
    order = forms.ChoiceField(label="Order", required=False, choices=ORDERS)

    def __init__(self, *args: object, modalities: list[str], **kwargs: object) -> None:
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]
        modality = self.fields["modality"]
        assert isinstance(modality, forms.ChoiceField)  # noqa: S101
        modality.choices = [("", "All"), *((it, it) for it in modalities)]


class ExportForm(forms.Form):
    target = forms.ChoiceField(label="Where to")

    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]
        target = self.fields["target"]
        assert isinstance(target, forms.ChoiceField)  # noqa: S101
        target.choices = [(name, name) for name in settings.EXPORT_TARGETS]
