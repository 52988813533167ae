"""Credentials that the portal takes, and those that it refuses, each with its sentence."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from apps.clusters.kubeconfig import LONGEST, CredentialsUnusable, from_kubeconfig
from tests.clusters.servers import _pair

CA, KEY = _pair()


def encoded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def config(*, cluster: dict[str, Any] | None = None, user: dict[str, Any] | None = None, **top: Any) -> str:
    known = {"server": "https://kubernetes.example:6443", "certificate-authority-data": encoded(CA)}
    return json.dumps(
        {
            "current-context": "here",
            "contexts": [
                {"name": "elsewhere", "context": {"cluster": "other", "user": "other"}},
                {"name": "here", "context": {"cluster": "one", "user": "me"}},
            ],
            "clusters": [{"name": "one", "cluster": {**known, **(cluster or {})}}],
            "users": [{"name": "me", "user": {"token": "abc.def"} if user is None else user}],
            **top,
        }
    )


def test_a_token_is_taken() -> None:
    found = from_kubeconfig(config())
    assert (found.server, found.ca_pem, found.token) == ("https://kubernetes.example:6443", CA, "abc.def")


def test_a_certificate_is_taken() -> None:
    found = from_kubeconfig(config(user={"client-certificate-data": encoded(CA), "client-key-data": encoded(KEY)}))
    assert (found.certificate_pem, found.key_pem, found.token) == (CA, KEY, "")


@pytest.mark.parametrize(
    ("user", "sentence"),
    [
        ({"exec": {"command": "aws"}}, "runs a program"),
        ({"auth-provider": {"name": "gcp"}}, "plug-in"),
        ({"client-certificate": "/etc/passwd", "client-key": "/etc/passwd"}, "client-certificate"),
        ({"client-certificate-data": encoded(CA), "client-key": "/etc/passwd"}, "client-key"),
        ({"tokenFile": "/etc/passwd"}, "tokenFile"),
        ({"username": "me", "password": "x"}, "user name and password"),
        ({"token": "x", "as": "somebody"}, "somebody else"),
        ({}, "neither a token nor a client certificate"),
        ({"token": "a\r\nHost: b"}, "characters that no token has"),
        ({"client-certificate-data": encoded(CA), "client-key-data": encoded(_pair()[1])}, "no pair"),
        ({"client-certificate-data": "%%%"}, "not in base64"),
    ],
)
def test_users_that_are_refused(user: dict[str, Any], sentence: str) -> None:
    with pytest.raises(CredentialsUnusable, match=sentence):
        from_kubeconfig(config(user=user))


@pytest.mark.parametrize(
    ("cluster", "sentence"),
    [
        ({"insecure-skip-tls-verify": True}, "never does"),
        ({"certificate-authority": "/etc/passwd"}, "names a file"),
        ({"proxy-url": "http://proxy"}, "proxy"),
        ({"tls-server-name": "other"}, "another server"),
        ({"server": "http://kubernetes.example"}, "must be like https://"),
        ({"server": "https://me:secret@kubernetes.example"}, "must be like https://"),
        ({"server": "https://kubernetes.example:port"}, "must be like https://"),
        ({"server": "https://kubernetes.example/\nx"}, "must be like https://"),
        ({"server": ""}, "must be like https://"),
        ({"certificate-authority-data": encoded("none")}, "PEM"),
    ],
)
def test_clusters_that_are_refused(cluster: dict[str, Any], sentence: str) -> None:
    with pytest.raises(CredentialsUnusable, match=sentence) as raised:
        from_kubeconfig(config(cluster=cluster))
    assert "secret" not in str(raised.value)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "just words",
        "{",
        "- a\n- b",
        "!!python/object/apply:os.system ['true']",
        "[" * 5000,
        "x" * (LONGEST + 1),
        config(**{"current-context": "nowhere"}),
        config(contexts=None),
        config(clusters={"one": 1}),
        config(users=[1, {"name": "me"}]),
    ],
)
def test_what_is_no_kubeconfig_is_refused(text: str) -> None:
    with pytest.raises(CredentialsUnusable):
        from_kubeconfig(text)


PILE = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
PILE += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 12)]
MERGED = ["a0: &a0 {x: 1}"]
MERGED += [f"a{n}: &a{n} {{<<: [{', '.join([f'*a{n - 1}'] * 9)}]}}" for n in range(1, 12)]
IN_PLACE = config().replace('"https://kubernetes.example:6443"', "*a11").removeprefix("{").removesuffix("}")


@pytest.mark.attacks
@pytest.mark.timeout(20)
@pytest.mark.parametrize(
    "text",
    ["\n".join(PILE), "\n".join(MERGED), f"{{{', '.join(PILE)}, {IN_PLACE}}}"],
    ids=["pile", "merged", "as the address"],
)
def test_a_pile_of_aliases_ends_at_once(text: str) -> None:
    with pytest.raises(CredentialsUnusable):
        from_kubeconfig(text)


@pytest.mark.attacks
@pytest.mark.parametrize("value", [["x"], {"x": "y"}, 7])
@pytest.mark.parametrize("name", ["server", "certificate-authority-data"])
def test_what_is_no_text_is_refused(name: str, value: object) -> None:
    with pytest.raises(CredentialsUnusable, match="is no text"):
        from_kubeconfig(config(cluster={name: value}))


@pytest.mark.attacks
def test_a_number_that_is_too_long_to_be_written_is_refused() -> None:
    with pytest.raises(CredentialsUnusable, match="is no text"):
        from_kubeconfig(config().replace('"https://kubernetes.example:6443"', f"0x{'f' * 20_000}"))
