from django import forms

from apps.archives.devices import Device
from apps.archives.models import AE_TITLE_LENGTH, is_ae_title
from apps.core.forms import Strict

MAY_SEND, MAY_RETRIEVE = "send", "retrieve"


class AeTitleForm(Strict):
    ae_title = forms.CharField(
        label="AE title",
        max_length=AE_TITLE_LENGTH,
        validators=[is_ae_title],
        help_text="Devices call the project by it. Change it there as well: the former title is not answered any more.",
    )


class DeviceForm(Strict):
    calling_ae_title = forms.CharField(
        label="AE title of the device",
        max_length=AE_TITLE_LENGTH,
        validators=[is_ae_title],
        help_text="By which it calls. A title that is listed already gets this address and right.",
    )
    address = forms.GenericIPAddressField(
        label="IP address", protocol="IPv4", help_text="From which it calls, for example 10.1.2.3."
    )
    may = forms.ChoiceField(
        label="It may",
        choices=[(MAY_SEND, "send images"), (MAY_RETRIEVE, "send, search and fetch images")],
        help_text="DIMSE knows no password: what fetches takes images out of the platform with nobody signed in.",
    )

    @property
    def device(self) -> Device:
        """Of a form that is valid."""
        said = self.cleaned_data
        return Device(said["calling_ae_title"], said["address"], may_retrieve=said["may"] == MAY_RETRIEVE)
