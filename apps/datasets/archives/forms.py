from typing import Any

from django import forms
from django.core.exceptions import ValidationError

from apps.archives.models import NAME_OF_ARCHIVE_LENGTH, Archive
from apps.archives.overview import Seen
from apps.archives.registering import AddressRefused, Place, check_address
from apps.archives.services import DEFAULT_NAME, REMOTE_NAME
from apps.core.forms import Strict

# The portal itself sets up archives of these names; the last is an address.
RESERVED = {DEFAULT_NAME, REMOTE_NAME, "add"}
Kind = Archive.Kind


class PlaceForm(Strict):
    """Where the server of an archive is and how the portal signs in there; what is kept is never sent back."""

    address = forms.CharField(
        label="Address",
        max_length=500,
        help_text="Of the DICOMweb service, like https://pacs.example/dicom-web, or of Orthanc, like "
        "https://orthanc.example. Addresses of private networks only where an administrator allows them.",
    )
    username = forms.CharField(
        label="User name", max_length=100, required=False, help_text="Empty when a token opens the server, or nothing."
    )
    password = forms.CharField(
        label="Password or token",
        max_length=4000,
        required=False,
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
        help_text="Encrypted at rest and never shown again.",
    )

    def clean_address(self) -> str:
        address: str = self.cleaned_data["address"]
        try:
            check_address(address)
        except AddressRefused as refusal:
            raise ValidationError(str(refusal)) from refusal
        return address

    def clean_password(self) -> str:
        password: str = self.cleaned_data["password"]
        if not password.isprintable():
            raise ValidationError("A password or token is one line.")
        return password

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean()
        if ":" in cleaned.get("username", ""):
            self.add_error("username", "A user name has no colon.")
        if not cleaned.get("username") and not cleaned.get("password", "").isascii():
            self.add_error("password", "A token has plain letters, digits and signs.")
        return cleaned

    def place(self) -> Place:
        return Place(*(self.cleaned_data[name] for name in ("address", "username", "password")))


class ChangePlaceForm(PlaceForm):
    """The password stays when it is left empty, but for nobody else than it was given for."""

    def __init__(self, seen: Seen, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.initial = {"address": seen.address, "username": seen.username}
        self._seen = seen
        self.fields["password"].help_text = "Empty: it stays as it is. Never shown again."

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean()
        if not self._keeps_password() and cleaned.get("username") and not cleaned.get("password"):
            self.add_error("password", "Give it again: it was for another address or user name.")
        return cleaned

    def place(self) -> Place:
        place = super().place()
        return Place(place.address, place.username, None) if self._keeps_password() else place

    def _keeps_password(self) -> bool:
        named = (self.cleaned_data.get("address", "").rstrip("/"), self.cleaned_data.get("username"))
        return not self.cleaned_data.get("password") and named == (self._seen.address, self._seen.username)


class AddArchiveForm(PlaceForm):
    name = forms.SlugField(
        label="Name",
        max_length=NAME_OF_ARCHIVE_LENGTH,
        help_text="Letters, digits, underscores and hyphens; it stands in addresses and does not change.",
    )
    kind = forms.ChoiceField(
        label="Kind",
        choices=[
            (Kind.DICOMWEB, "DICOMweb server"),
            (Kind.ORTHANC, "Orthanc, followed by its change log"),
            (Kind.BUILT_IN, "Built-in store: the portal keeps the images; no address"),
        ],
    )

    field_order = ("name", "kind", "address", "username", "password")

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        # Which kinds have one, a browser cannot know.
        self.fields["address"].required = False

    def clean_name(self) -> str:
        name: str = self.cleaned_data["name"]
        if name.lower() in RESERVED:
            raise ValidationError("The portal itself uses this name: choose another.")
        return name

    def clean_address(self) -> str:
        return super().clean_address() if self.cleaned_data.get("address") else ""

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean()
        if cleaned.get("kind") != Kind.BUILT_IN and not self.data.get("address"):
            self.add_error("address", "Give the address of its server.")
        if cleaned.get("kind") == Kind.BUILT_IN and any(
            cleaned.get(name) for name in ("address", "username", "password")
        ):
            self.add_error("kind", "A built-in store has neither address nor credentials.")
        return cleaned
