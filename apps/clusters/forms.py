from typing import Any

from django import forms
from django.core.exceptions import ValidationError

from apps.clusters import kubeconfig
from apps.clusters.models import Cluster

RESERVED = {"new"}


class Unshown(forms.Textarea):
    """What was typed is not sent back."""

    def format_value(self, value: Any) -> None:
        return None


def secret(label: str, help_text: str) -> forms.CharField:
    widget = Unshown(attrs={"rows": 4, "autocomplete": "off", "spellcheck": "false"})
    return forms.CharField(
        label=label, required=False, max_length=kubeconfig.LONGEST, widget=widget, help_text=help_text
    )


class ClusterForm(forms.ModelForm):  # type: ignore[type-arg]
    """Of a new cluster, or of one whose name and, unless others are given, credentials stay."""

    kubeconfig = secret("Kubeconfig", "Its current context. Or fill in address, CA and token below instead.")
    token = secret("Token of a service account", "Encrypted at rest and never shown again.")

    field_order = ("name", "kubeconfig", "server", "ca_pem", "token")

    class Meta:
        model = Cluster
        fields = [
            *("name", "server", "ca_pem", "service_access", "domain", "ssh_host", "ssh_port_first", "ssh_port_last"),
            *("passed_on_from", "storage_class", "ingress_class", "image_prefix"),
        ]
        labels = {
            "name": "Name",
            "server": "Address of the API server",
            "ca_pem": "CA of the API server (PEM)",
            "service_access": "How the portal reaches services of the cluster",
            "passed_on_from": "Whence requests are passed on",
            "domain": "Domain of the cluster's applications",
            "ssh_host": "Host name for SSH",
            "ssh_port_first": "First port for SSH",
            "ssh_port_last": "Last port for SSH",
            "storage_class": "Storage class",
            "ingress_class": "Ingress class",
            "image_prefix": "Registry of the platform's images",
        }
        help_texts = {
            "name": "Small letters, digits and hyphens; it does not change afterwards.",
            "server": "Like https://kubernetes.example:6443.",
            "ca_pem": "Empty when a public CA signed its certificate.",
            "service_access": "Passed on by the API server or an ingress, desktops open by SSH only.",
            "passed_on_from": "Networks of the API servers, or the ingress controller's, like namespace:traefik.",
            "domain": "Like maia.example; with a port unless https is at 443.",
            "ssh_host": "Under which people reach the nodes' ports.",
            "ssh_port_first": "Of the cluster's range of node ports, usually 30000 to 32767.",
            "storage_class": "Empty: the cluster's own choice.",
            "image_prefix": "Like registry.example/maia.",
        }
        widgets = {"ca_pem": forms.Textarea(attrs={"rows": 4, "spellcheck": "false"})}

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.fields["server"].required = False
        if self.instance.pk:
            self.fields["name"].disabled = True
            self.fields["token"].help_text = "Empty: the credentials stay as they are."

    def clean_name(self) -> str:
        name: str = self.cleaned_data["name"]
        if name in RESERVED:
            raise ValidationError("This name is an address of the portal: choose another.")
        return name

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        if (cleaned.get("ssh_port_first") or 0) > (cleaned.get("ssh_port_last") or 0):
            self.add_error("ssh_port_last", "The last port must not be below the first.")
        self._take_credentials(cleaned)
        return cleaned

    def _take_credentials(self, cleaned: dict[str, Any]) -> None:
        pasted = cleaned.get("kubeconfig", "")
        typed = {name: cleaned.get(name, "") for name in ("server", "ca_pem", "token")}
        try:
            found = kubeconfig.from_kubeconfig(pasted) if pasted else kubeconfig.given(self.instance, **typed)
        except kubeconfig.CredentialsUnusable as unusable:
            self.add_error("kubeconfig" if pasted else None, str(unusable))
            return
        cleaned.update(server=found.server, ca_pem=found.ca_pem)
        kubeconfig.hold(self.instance, found)
