"""The cluster's twin in memory: the same verbs on objects that no controller ever touches."""

from __future__ import annotations

import base64
import re
import threading
import time
import uuid
from collections.abc import Iterator, Mapping, Sequence
from copy import deepcopy
from datetime import UTC, datetime
from typing import Any

from apps.integrations.kubernetes.memory_history import History
from apps.integrations.kubernetes.port import (
    DEPLOYMENT,
    JOB,
    NAMESPACE,
    SERVICE,
    STATEFUL_SET,
    AlreadyExists,
    ApiRefused,
    Change,
    ClusterUnreachable,
    Forbidden,
    Kind,
    Manifest,
    Permission,
    kind_of,
)
from apps.integrations.kubernetes.selectors import has_fields, has_labels

Address = tuple[Kind, str, str]
NAME = re.compile(r"[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?")
LOOK_SECONDS = 0.05
NODE_PORTS = range(30000, 32768)
IMMUTABLE: Mapping[Kind, tuple[str, ...]] = {
    JOB: ("template", "selector"),
    DEPLOYMENT: ("selector",),
    STATEFUL_SET: ("selector", "serviceName", "volumeClaimTemplates"),
}


class MemoryKubernetes:
    """See KubernetesApi.

    What a cluster's controllers would do is told by `put` and in `logs`; `is_down` makes every verb raise
    ClusterUnreachable, and what is in `denied` (verb, plural) raises Forbidden.
    """

    def __init__(self) -> None:
        self.is_down = False
        self.denied: set[tuple[str, str]] = set()
        self.logs: dict[tuple[str, str, str], bytes] = {}
        self._objects: dict[Address, Manifest] = {}
        self._applied: dict[tuple[Address, str], Manifest] = {}
        self._lock = threading.RLock()
        self._history = History(self._lock)
        self._revision = 0
        for name in ("default", "kube-system"):
            self.put({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})

    def put(self, manifest: Manifest) -> None:
        """Makes the object so, as a controller would: its status, a pod, a node."""
        with self._lock:
            self._keep(self._stored(deepcopy(manifest), self._objects.get(_address(manifest))))

    def forget_history(self) -> None:
        """Who watches from an earlier version than the present one is told VersionGone, as after a compaction."""
        with self._lock:
            self._history.forget()

    def version(self) -> str:
        """See KubernetesApi.version."""
        self._answer()
        return "v1.34.4"

    def apply(self, manifest: Manifest, *, subresource: str = "") -> Manifest:
        """See KubernetesApi.apply. Lists are replaced whole."""
        with self._lock:
            self._answer("patch", manifest)
            address = _address(manifest)
            self._require_namespace(address)
            was = self._objects.get(address)
            if subresource and was is None:
                raise _not_found(*address)
            wished = _of_subresource(manifest, subresource)
            merged = _without(deepcopy(was or {}), self._applied.get((address, subresource), {}), wished)
            now = self._stored(_merged(merged, deepcopy(wished)), was)
            self._applied[address, subresource] = deepcopy(wished)
            self._keep(now)
            return deepcopy(now)

    def create(self, manifest: Manifest) -> Manifest:
        """See KubernetesApi.create."""
        with self._lock:
            self._answer("create", manifest)
            address = _address(manifest)
            self._require_namespace(address)
            if address in self._objects:
                message = f'{address[0].plural} "{address[2]}" already exists'
                raise AlreadyExists(409, "AlreadyExists", message)
            now = self._stored(_of_subresource(manifest, ""), None)
            self._keep(now)
            return deepcopy(now)

    def read(self, kind: Kind, name: str, namespace: str = "") -> Manifest | None:
        """See KubernetesApi.read."""
        with self._lock:
            self._answer("get", kind=kind)
            return deepcopy(self._objects.get((kind, namespace, name)))

    def objects(self, kind: Kind, *, namespace: str = "", labels: str = "", fields: str = "") -> Iterator[Manifest]:
        """See KubernetesApi.objects."""
        with self._lock:
            self._answer("list", kind=kind)
            wanted = sorted(key for key in self._of_kind(kind) if not namespace or key[0] == namespace)
            found = [self._objects[kind, *key] for key in wanted]
            yield from deepcopy([one for one in found if has_labels(one, labels) and has_fields(one, fields)])

    def latest_version(self, kind: Kind, *, labels: str = "") -> str:
        """See KubernetesApi.latest_version."""
        with self._lock:
            self._answer("list", kind=kind)
            return str(self._revision)

    def watch(self, kind: Kind, *, since: str, seconds: float, labels: str = "") -> Iterator[Change]:
        """See KubernetesApi.watch. One that goes down meanwhile ends it."""
        deadline, version = time.monotonic() + seconds, int(since)
        while True:
            with self._lock:
                self._answer("watch", kind=kind)
                found, version = self._history.after(version, kind, labels), self._revision
                if not found:
                    self._history.wait(LOOK_SECONDS)
            yield from found
            if time.monotonic() > deadline:
                yield Change("BOOKMARK", {"metadata": {"resourceVersion": str(version)}}, str(version))
                return

    def delete(self, kind: Kind, name: str, namespace: str = "", *, grace_seconds: int | None = None) -> None:
        """See KubernetesApi.delete. What belongs to it goes with it, at once."""
        with self._lock:
            self._answer("delete", kind=kind)
            gone = self._objects.get((kind, namespace, name))
            if gone is not None:
                self._remove(gone)

    def log(
        self, namespace: str, pod: str, container: str, *, since_seconds: int | None = None, limit_bytes: int = 1024**2
    ) -> bytes:
        """See KubernetesApi.log. It knows no times."""
        self._answer("get", plural="pods/log")
        return self.logs.get((namespace, pod, container), b"")[:limit_bytes]

    def missing(self, permissions: Sequence[Permission]) -> list[Permission]:
        """See KubernetesApi.missing."""
        self._answer()
        return [one for one in permissions if (one.verb, one.resource) in self.denied]

    def _answer(
        self, verb: str = "", manifest: Manifest | None = None, *, kind: Kind | None = None, plural: str = ""
    ) -> None:
        if self.is_down:
            raise ClusterUnreachable("The cluster did not answer in time.")
        plural = plural or (kind_of(manifest).plural if manifest else kind.plural if kind else "")
        if (verb, plural) in self.denied:
            raise Forbidden(403, "Forbidden", f"{plural} is forbidden: cannot {verb} resource")

    def _of_kind(self, kind: Kind) -> Iterator[tuple[str, str]]:
        return ((namespace, name) for its, namespace, name in self._objects if its == kind)

    def _require_namespace(self, address: Address) -> None:
        kind, namespace, name = address
        if kind.is_namespaced and (NAMESPACE, "", namespace) not in self._objects:
            raise _not_found(NAMESPACE, "", namespace)
        if not NAME.fullmatch(name):
            raise _invalid(address, f'metadata.name: Invalid value: "{name}"')

    def _stored(self, manifest: Manifest, was: Manifest | None) -> Manifest:
        kind, metadata = kind_of(manifest), manifest["metadata"]
        if was is not None:
            self._require_unchanged(kind, manifest, was)
        self._revision += 1
        kept = was["metadata"] if was else {"uid": str(uuid.uuid4()), "creationTimestamp": _now()}
        metadata.update({name: kept[name] for name in ("uid", "creationTimestamp")})
        metadata["resourceVersion"] = str(self._revision)
        if kind == NAMESPACE:
            metadata.setdefault("labels", {})["kubernetes.io/metadata.name"] = metadata["name"]
            manifest.setdefault("status", {"phase": "Active"})
        if kind == SERVICE:
            self._give_addresses(manifest, was)
        if "stringData" in manifest:
            plain = {
                name: base64.b64encode(text.encode()).decode() for name, text in manifest.pop("stringData").items()
            }
            manifest["data"] = {**manifest.get("data", {}), **plain}
        return manifest

    def _keep(self, manifest: Manifest) -> None:
        address = _address(manifest)
        self._history.add(self._revision, self._objects.get(address), manifest)
        self._objects[address] = manifest

    def _require_unchanged(self, kind: Kind, manifest: Manifest, was: Manifest) -> None:
        for name in IMMUTABLE.get(kind, ()):
            if manifest.get("spec", {}).get(name) != was.get("spec", {}).get(name):
                raise _invalid(_address(manifest), f"spec.{name}: Invalid value: field is immutable")

    def _give_addresses(self, manifest: Manifest, was: Manifest | None) -> None:
        spec = manifest["spec"]
        spec.setdefault("type", "ClusterIP")
        spec.setdefault(
            "clusterIP",
            was["spec"]["clusterIP"] if was else f"10.96.{self._revision // 250}.{self._revision % 250 + 1}",
        )
        had = {port["port"]: port.get("nodePort") for port in (was["spec"].get("ports", []) if was else [])}
        taken = self._node_ports(besides=_address(manifest))
        for port in spec.get("ports", []):
            port.setdefault("protocol", "TCP")
            if spec["type"] != "NodePort":
                continue
            if port.get("nodePort") in taken:
                raise _invalid(
                    _address(manifest),
                    f"nodePort: Invalid value: {port['nodePort']}: provided port is already allocated",
                )
            port["nodePort"] = (
                port.get("nodePort") or had.get(port["port"]) or next(p for p in NODE_PORTS if p not in taken)
            )
            taken.add(port["nodePort"])

    def _node_ports(self, *, besides: Address) -> set[int]:
        services = (one for address, one in self._objects.items() if address[0] == SERVICE and address != besides)
        return {port["nodePort"] for one in services for port in one["spec"].get("ports", []) if "nodePort" in port}

    def _remove(self, gone: Manifest) -> None:
        address = _address(gone)
        self._revision += 1
        self._history.add(self._revision, self._objects.pop(address, None), None)
        self._applied = {key: value for key, value in self._applied.items() if key[0] != address}
        for other in list(self._objects.values()):
            if _belongs_to(other, gone):
                self._remove(other)


def _address(manifest: Manifest) -> Address:
    kind, metadata = kind_of(manifest), manifest["metadata"]
    return kind, metadata.get("namespace", "") if kind.is_namespaced else "", metadata["name"]


def _belongs_to(other: Manifest, gone: Manifest) -> bool:
    metadata = other["metadata"]
    if kind_of(gone) == NAMESPACE:
        return bool(metadata.get("namespace") == gone["metadata"]["name"])
    return any(owner.get("uid") == gone["metadata"]["uid"] for owner in metadata.get("ownerReferences", []))


def _of_subresource(manifest: Manifest, subresource: str) -> Manifest:
    """The status is written by its subresource alone, and nothing else by that."""
    if not subresource:
        return {name: deepcopy(value) for name, value in manifest.items() if name != "status"}
    return {name: deepcopy(value) for name, value in manifest.items() if name != "spec"}


def _merged(into: Any, wished: Any) -> Any:
    if not (isinstance(into, dict) and isinstance(wished, dict)):
        return wished
    return {**into, **{name: _merged(into.get(name), value) for name, value in wished.items()}}


def _without(live: Any, applied: Mapping[str, Any], wished: Mapping[str, Any]) -> Any:
    """What was applied before and is not wished any more goes; what others set stays."""
    for name, value in applied.items():
        if name not in wished:
            live.pop(name, None)
        elif all(isinstance(side, dict) for side in (value, wished[name], live.get(name))):
            _without(live[name], value, wished[name])
    return live


def _now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _not_found(kind: Kind, _namespace: str, name: str) -> ApiRefused:
    return ApiRefused(404, "NotFound", f'{kind.plural} "{name}" not found')


def _invalid(address: Address, why: str) -> ApiRefused:
    kind, _, name = address
    return ApiRefused(422, "Invalid", f'{kind.kind} "{name}" is invalid: {why}')
