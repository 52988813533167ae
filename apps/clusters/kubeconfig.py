"""Credentials out of what an administrator gives; whatever would run a program or read a file here is refused.

https://kubernetes.io/docs/reference/config-api/kubeconfig.v1/
"""

import base64
import binascii
import re
import ssl
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

import yaml

from apps.clusters.models import Cluster
from apps.core.sealed import SecretUnreadable
from apps.integrations.kubernetes.connection import trusting
from apps.integrations.kubernetes.port import Credentials

LONGEST = 256 * 1024
TAKEN_INSTEAD = (
    "Give one that holds its credentials itself (kubectl config view --raw --flatten --minify prints it), or the "
    "address, CA and token of a service account."
)
REFUSED_OF_CLUSTER = {
    "insecure-skip-tls-verify": "turns the check of the server's certificate off, which the portal never does",
    "certificate-authority": "names a file of another machine for the CA (certificate-authority)",
    "proxy-url": "reaches the cluster by a proxy (proxy-url)",
    "tls-server-name": "expects the certificate of another server (tls-server-name)",
}
REFUSED_OF_USER = {
    "exec": "runs a program to sign in (exec)",
    "auth-provider": "signs in by a plug-in (auth-provider)",
    "client-certificate": "names a file of another machine for the certificate (client-certificate)",
    "client-key": "names a file of another machine for the key (client-key)",
    "tokenFile": "names a file of another machine for the token (tokenFile)",
    "username": "signs in with a user name and password, which Kubernetes takes no more",
    "as": "acts as somebody else (as)",
}
TOKEN = re.compile(r"[A-Za-z0-9._~+/=-]+")


class CredentialsUnusable(Exception):
    """Says why the portal does not take these credentials."""


class _Plain(yaml.SafeLoader):
    """YAML without aliases, by which a short text stands for one of any length."""

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        if self.check_event(yaml.AliasEvent):
            raise yaml.YAMLError("alias")
        return super().compose_node(parent, index)


def from_kubeconfig(text: str) -> Credentials:
    """Those of the current context. Raises CredentialsUnusable."""
    config = _parsed(text)
    context = _named(config, "contexts", config.get("current-context"), "context")
    cluster = _named(config, "clusters", context.get("cluster"), "cluster")
    user = _named(config, "users", context.get("user"), "user")
    _refuse(cluster, REFUSED_OF_CLUSTER)
    _refuse(user, REFUSED_OF_USER)
    return usable(
        Credentials(
            server=_text(cluster, "server"),
            ca_pem=_decoded(cluster, "certificate-authority-data"),
            token=_text(user, "token"),
            certificate_pem=_decoded(user, "client-certificate-data"),
            key_pem=_decoded(user, "client-key-data"),
        )
    )


def given(cluster: Cluster, *, server: str, ca_pem: str, token: str) -> Credentials:
    """Those typed by hand; without a token, what the cluster has by now. Raises CredentialsUnusable.

    What it has is sent to no other address, where whoever typed that could read it.
    """
    if token:
        return usable(Credentials(server=server, ca_pem=ca_pem, token=token))
    if cluster.pk and server != cluster.server:
        raise CredentialsUnusable("Another address of the API server needs its token as well.")
    try:
        kept = {"token": cluster.token, "certificate_pem": cluster.certificate_pem, "key_pem": cluster.key_pem}
    except SecretUnreadable as error:
        raise CredentialsUnusable(f"{error} Or give new credentials here.") from error
    return usable(Credentials(server=server, ca_pem=ca_pem, **kept))


def hold(cluster: Cluster, credentials: Credentials) -> None:
    """Puts them into the row, which is not saved."""
    cluster.server, cluster.ca_pem = credentials.server, credentials.ca_pem
    cluster.token = credentials.token
    cluster.certificate_pem, cluster.key_pem = credentials.certificate_pem, credentials.key_pem


def usable(credentials: Credentials) -> Credentials:
    """The same. Raises CredentialsUnusable for an address, CA or secret that cannot work."""
    _require_address(credentials.server)
    if credentials.token and not TOKEN.fullmatch(credentials.token):
        raise CredentialsUnusable("The token has characters that no token has: copy it whole, on one line.")
    if not credentials.token and not credentials.certificate_pem:
        raise CredentialsUnusable("There is neither a token nor a client certificate to sign in with.")
    try:
        trusting(credentials)
    except (ssl.SSLError, OSError, ValueError) as error:
        raise CredentialsUnusable(
            "The CA, the client certificate or its key is none (PEM), or certificate and key are no pair."
        ) from error
    return credentials


def _require_address(server: str) -> None:
    try:
        address = urlsplit(server)
        is_address = address.scheme == "https" and bool(address.hostname) and address.port != 0
    except ValueError:
        is_address = False
    if not is_address or address.username is not None or address.query or address.fragment or not server.isprintable():
        raise CredentialsUnusable("The address of the API server must be like https://kubernetes.example:6443.")


def _parsed(text: str) -> Mapping[str, Any]:
    if len(text) > LONGEST:
        raise CredentialsUnusable("That is too long to be a kubeconfig.")
    try:
        config = yaml.load(text, Loader=_Plain)  # noqa: S506 - safe
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise CredentialsUnusable("That is no kubeconfig: it cannot be read as YAML.") from error
    if not isinstance(config, dict):
        raise CredentialsUnusable("That is no kubeconfig.")
    return config


def _named(config: Mapping[str, Any], plural: str, name: object, word: str) -> Mapping[str, Any]:
    entries = config.get(plural)
    for entry in entries if isinstance(entries, list) else ():
        if isinstance(entry, dict) and entry.get("name") == name and isinstance(entry.get(word), dict):
            return entry[word]  # type: ignore[no-any-return]
    raise CredentialsUnusable(f"The kubeconfig's current context leads to no {word}.")


def _refuse(section: Mapping[str, Any], reasons: Mapping[str, str]) -> None:
    for name, reason in reasons.items():
        if section.get(name):
            raise CredentialsUnusable(f"This kubeconfig {reason}. {TAKEN_INSTEAD}")


def _text(section: Mapping[str, Any], name: str) -> str:
    value = section.get(name) or ""
    if not isinstance(value, str):
        raise CredentialsUnusable(f"The kubeconfig's {name} is no text.")
    return value


def _decoded(section: Mapping[str, Any], name: str) -> str:
    try:
        return base64.b64decode(_text(section, name), validate=True).decode()
    except (binascii.Error, ValueError) as error:
        raise CredentialsUnusable(f"The kubeconfig's {name} is not in base64.") from error
