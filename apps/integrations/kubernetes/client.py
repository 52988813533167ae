"""The port's side over HTTPS: plain JSON, nothing retried, so that each verb ends in time and its failure shows.

https://kubernetes.io/docs/reference/using-api/api-concepts/
"""

from __future__ import annotations

import gc
import json
import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any
from urllib.parse import quote, urlencode

from apps.integrations.kubernetes.connection import CONNECT_SECONDS, EXCHANGE_SECONDS, Answer, Connection
from apps.integrations.kubernetes.port import (
    FIELD_MANAGER,
    POD,
    AlreadyExists,
    ApiRefused,
    Change,
    ClusterUnreachable,
    Credentials,
    Forbidden,
    Kind,
    Manifest,
    Permission,
    VersionGone,
    kind_of,
)

PAGE = 500
JSON, APPLY = "application/json", "application/apply-patch+yaml"
REVIEWS = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"
# The kubelet's words for a container that has no log yet, and for one that ended without ever having begun.
NO_LOG = ("is waiting to start", "is terminated")
TOO_MANY_REQUESTS, SERVER_ERRORS = 429, 500
REFUSALS = {401: Forbidden, 403: Forbidden, 410: VersionGone}
NOT_KUBERNETES = "What answers at the cluster's address is not Kubernetes."
GRACE_SECONDS = 5.0


class KubernetesClient:
    """See KubernetesApi. Safe to be used by several threads."""

    def __init__(
        self,
        credentials: Credentials,
        *,
        connect_seconds: float = CONNECT_SECONDS,
        exchange_seconds: float = EXCHANGE_SECONDS,
    ) -> None:
        self._connection = Connection(credentials, connect_seconds=connect_seconds, exchange_seconds=exchange_seconds)
        self._identity = {"Authorization": f"Bearer {credentials.token}"} if credentials.token else {}

    def version(self) -> str:
        """See KubernetesApi.version."""
        version = self._ask("GET", "/version").get("gitVersion")
        if not isinstance(version, str):
            raise ClusterUnreachable(NOT_KUBERNETES)
        return version

    def apply(self, manifest: Manifest, *, subresource: str = "") -> Manifest:
        """See KubernetesApi.apply."""
        metadata = manifest["metadata"]
        path = _path(kind_of(manifest), metadata.get("namespace", ""), metadata["name"], subresource)
        query = {"fieldManager": FIELD_MANAGER, "force": "true"}
        return self._ask("PATCH", path, query, manifest, APPLY)

    def create(self, manifest: Manifest) -> Manifest:
        """See KubernetesApi.create."""
        path = _path(kind_of(manifest), manifest["metadata"].get("namespace", ""))
        return self._ask("POST", path, {"fieldManager": FIELD_MANAGER}, manifest)

    def read(self, kind: Kind, name: str, namespace: str = "") -> Manifest | None:
        """See KubernetesApi.read."""
        try:
            return self._ask("GET", _path(kind, namespace, name))
        except ApiRefused as refusal:
            if refusal.status == 404:
                return None
            raise

    def objects(self, kind: Kind, *, namespace: str = "", labels: str = "", fields: str = "") -> Iterator[Manifest]:
        """See KubernetesApi.objects."""
        query = {"limit": str(PAGE), **_selectors(labels, fields)}
        path, token = _path(kind, namespace), ""
        while True:
            page = self._page(path, {**query, **({"continue": token} if token else {})})
            for item in page.get("items") or ():
                yield {"apiVersion": kind.api_version, "kind": kind.kind, **item}
            token = page.get("metadata", {}).get("continue") or ""
            if not token:
                return

    def latest_version(self, kind: Kind, *, labels: str = "") -> str:
        """See KubernetesApi.latest_version."""
        return _version(self._ask("GET", _path(kind), {"limit": "1", **_selectors(labels)}))

    def watch(self, kind: Kind, *, since: str, seconds: float, labels: str = "") -> Iterator[Change]:
        """See KubernetesApi.watch."""
        asked = {
            "watch": "true",
            "allowWatchBookmarks": "true",
            "resourceVersion": since,
            "timeoutSeconds": str(math.ceil(seconds)),
            **_selectors(labels),
        }
        path = f"{_path(kind)}?{urlencode(asked)}"
        # The cluster ends it in time; one that does not is cut off.
        for line in self._connection.lines(path, headers=self._headers(), seconds=seconds + GRACE_SECONDS):
            yield _change(kind, _parsed(_accepted(line)))

    def delete(self, kind: Kind, name: str, namespace: str = "", *, grace_seconds: int | None = None) -> None:
        """See KubernetesApi.delete."""
        options: Manifest = {"apiVersion": "v1", "kind": "DeleteOptions", "propagationPolicy": "Background"}
        if grace_seconds is not None:
            options["gracePeriodSeconds"] = grace_seconds
        try:
            self._ask("DELETE", _path(kind, namespace, name), body=options)
        except ApiRefused as refusal:
            # 409: it is being deleted already, for no precondition was sent.
            if refusal.status not in {404, 409}:
                raise

    def log(
        self, namespace: str, pod: str, container: str, *, since_seconds: int | None = None, limit_bytes: int = 1024**2
    ) -> bytes:
        """See KubernetesApi.log."""
        query = {"container": container, "limitBytes": str(limit_bytes)}
        if since_seconds is not None:
            query["sinceSeconds"] = str(since_seconds)
        try:
            return _accepted(self._send("GET", _path(POD, namespace, pod, "log"), query)).body[:limit_bytes]
        except ApiRefused as refusal:
            if refusal.status == 404 or any(words in str(refusal) for words in NO_LOG):
                return b""
            raise

    def missing(self, permissions: Sequence[Permission]) -> list[Permission]:
        """See KubernetesApi.missing."""
        return [permission for permission in permissions if not self._has(permission)]

    def _has(self, permission: Permission) -> bool:
        resource, _, subresource = permission.resource.partition("/")
        asked = {
            "verb": permission.verb,
            "group": permission.group,
            "resource": resource,
            "subresource": subresource,
            "namespace": permission.namespace,
            "name": permission.name,
        }
        review = {
            "apiVersion": "authorization.k8s.io/v1",
            "kind": "SelfSubjectAccessReview",
            "spec": {"resourceAttributes": asked},
        }
        return bool(self._ask("POST", REVIEWS, body=review).get("status", {}).get("allowed"))

    def _page(self, path: str, query: Mapping[str, str]) -> Manifest:
        answer = self._send("GET", path, query)
        if answer.status == 410:
            # The snapshot behind the token is gone: the answer's own token goes on with what is there now.
            token = _parsed(answer).get("metadata", {}).get("continue")
            if token:
                return {"metadata": {"continue": token}}
        return _parsed(_accepted(answer))

    def _ask(
        self,
        method: str,
        path: str,
        query: Mapping[str, str] | None = None,
        body: Manifest | None = None,
        content_type: str = JSON,
    ) -> Manifest:
        return _parsed(_accepted(self._send(method, path, query or {}, body, content_type)))

    def _send(
        self, method: str, path: str, query: Mapping[str, str], body: Manifest | None = None, content_type: str = JSON
    ) -> Answer:
        sent = None if body is None else json.dumps(body).encode()
        headers = self._headers()
        if sent is not None:
            headers["Content-Type"] = content_type
        return self._connection.exchange(
            method, f"{path}?{urlencode(query)}" if query else path, headers=headers, body=sent
        )

    def _headers(self) -> dict[str, str]:
        return {**self._identity, "Accept": JSON, "User-Agent": FIELD_MANAGER}


def _selectors(labels: str = "", fields: str = "") -> dict[str, str]:
    given = {"labelSelector": labels, "fieldSelector": fields}
    return {name: value for name, value in given.items() if value}


def _change(kind: Kind, event: Manifest) -> Change:
    """Raises ApiRefused and its kinds for an event that tells of an error, which ends a watch."""
    what, found = event.get("type"), event.get("object")
    if not isinstance(what, str) or not isinstance(found, dict):
        raise ClusterUnreachable(NOT_KUBERNETES)
    if what == "ERROR":
        code = found.get("code")
        raise _refusal(code if isinstance(code, int) else SERVER_ERRORS, found)
    return Change(what, {"apiVersion": kind.api_version, "kind": kind.kind, **found}, _version(found))


def _version(found: Manifest) -> str:
    metadata = found.get("metadata")
    version = metadata.get("resourceVersion") if isinstance(metadata, dict) else None
    if not isinstance(version, str):
        raise ClusterUnreachable(NOT_KUBERNETES)
    return version


def _path(kind: Kind, namespace: str = "", name: str = "", subresource: str = "") -> str:
    group = "/api" if "/" not in kind.api_version else "/apis"
    scope = ["namespaces", namespace] if kind.is_namespaced and namespace else []
    parts = [*kind.api_version.split("/"), *scope, kind.plural, *([name] if name else []), subresource]
    return group + "".join(f"/{quote(part, safe='')}" for part in parts if part)


def _accepted(answer: Answer) -> Answer:
    """Raises for all that is not a success."""
    if 200 <= answer.status < 300:
        return answer
    if 300 <= answer.status < 400:
        raise ClusterUnreachable("The cluster's address sends elsewhere, which is not followed.")
    raise _refusal(answer.status, _parsed(answer))


def _refusal(status: int, said: Manifest) -> ApiRefused | ClusterUnreachable:
    reason, message = str(said.get("reason", "")), str(said.get("message", ""))
    if status == TOO_MANY_REQUESTS or status >= SERVER_ERRORS:
        return ClusterUnreachable(f"The cluster has trouble of its own (status {status} {reason}).")
    if reason == "AlreadyExists":
        return AlreadyExists(status, reason, message)
    return REFUSALS.get(status, ApiRefused)(status, reason, message)


@contextmanager
def _no_garbage_collection() -> Iterator[None]:
    """JSON holds no cycles, and looking for some takes longer than parsing a page of pods."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def _parsed(answer: Answer) -> Manifest:
    """Raises ClusterUnreachable for what is no JSON object."""
    try:
        with _no_garbage_collection():
            found: Any = json.loads(answer.body)
    except (ValueError, RecursionError) as error:
        raise ClusterUnreachable(
            f"What answers at the cluster's address is not Kubernetes (status {answer.status})."
        ) from error
    if not isinstance(found, dict):
        raise ClusterUnreachable(NOT_KUBERNETES)
    return found
