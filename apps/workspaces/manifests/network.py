"""Who talks to whom in a project's namespace: nobody, but for what is named here.

Rules of several policies add up: https://kubernetes.io/docs/concepts/services-networking/network-policies/
"""

from collections.abc import Sequence
from typing import Any

from apps.integrations.kubernetes.ours import NAME_LABEL
from apps.integrations.kubernetes.port import NETWORK_POLICY, Manifest
from apps.workspaces.manifests.base import Place, object_of

HTTP_PORT, DOOR_PORT, DICOM_PORT, SSH_PORT = 8042, 8043, 4242, 2222
WEB_PORTS = (8888, 6080)
MONAI_LABEL_PORT = 8000
Rule = dict[str, Any]


def network_policies(place: Place, *, dicom_sources: Sequence[str] = ()) -> list[Manifest]:
    """Runs get no DNS, so that they reach the archive and nothing else. `dicom_sources` are addresses of devices."""
    portal = [_source(source) for source in place.portal_sources]
    clients = {"podSelector": _named("monailabel", "run", "workspace")}
    archive = {"to": [{"podSelector": _named("orthanc")}], "ports": _ports(HTTP_PORT)}
    desktops = _named("workspace")
    models = {"to": [{"podSelector": _named("monailabel")}], "ports": _ports(MONAI_LABEL_PORT)}
    annotating = {"from": [{"podSelector": desktops}], "ports": _ports(MONAI_LABEL_PORT)}
    reading = {"from": [clients, *([] if place.has_door else portal)], "ports": _ports(HTTP_PORT)}
    policies = [
        _policy(place, "default-deny", {}, policyTypes=["Ingress", "Egress"]),
        _policy(place, "dns", _not_named("run"), egress=[_dns()]),
        _policy(place, "to-orthanc", _named("monailabel", "run", "workspace"), egress=[archive]),
        _policy(place, "orthanc", _named("orthanc"), ingress=[reading]),
        _policy(place, "to-monailabel", desktops, egress=[models]),
        _policy(place, "monailabel-desktops", _named("monailabel"), ingress=[annotating]),
        _policy(place, "workspace-ssh", desktops, ingress=[{"ports": _ports(SSH_PORT)}]),
    ]
    if portal:
        policies += [
            _policy(place, name, _named(pods), ingress=[{"from": portal, "ports": _ports(*ports)}])
            for name, pods, ports in _opened(place)
        ]
    if dicom_sources:
        devices = [{"ipBlock": {"cidr": f"{address}/32"}} for address in dicom_sources]
        rule = {"from": devices, "ports": _ports(DICOM_PORT)}
        policies.append(_policy(place, "orthanc-dicom", _named("orthanc"), ingress=[rule]))
    return policies


def _opened(place: Place) -> list[tuple[str, str, tuple[int, ...]]]:
    """Name, pods and ports of what is opened to the portal, or to what passes its requests on."""
    models = ("monailabel", "monailabel", (MONAI_LABEL_PORT,))
    if not place.has_door:
        return [("workspace-web", "workspace", WEB_PORTS), models]
    door = ("orthanc-door", "orthanc", (DOOR_PORT,))
    return [door] if place.ingress_host else [door, models]


def _policy(place: Place, name: str, pods: Rule, **spec: Any) -> Manifest:
    directions = [direction.capitalize() for direction in ("ingress", "egress") if direction in spec]
    return object_of(NETWORK_POLICY, place, name, spec={"podSelector": pods, "policyTypes": directions, **spec})


def _named(*names: str) -> Rule:
    if len(names) == 1:
        return {"matchLabels": {NAME_LABEL: names[0]}}
    return {"matchExpressions": [{"key": NAME_LABEL, "operator": "In", "values": list(names)}]}


def _not_named(name: str) -> Rule:
    return {"matchExpressions": [{"key": NAME_LABEL, "operator": "NotIn", "values": [name]}]}


def _ports(*numbers: int, protocol: str = "TCP") -> list[Rule]:
    return [{"protocol": protocol, "port": number} for number in numbers]


def _dns() -> Rule:
    system = {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "kube-system"}}}
    return {"to": [system], "ports": [*_ports(53, protocol="UDP"), *_ports(53)]}


def _source(source: str) -> Rule:
    kind, _, name = source.partition(":")
    if kind == "namespace":
        return {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": name}}}
    return {"ipBlock": {"cidr": source}}
