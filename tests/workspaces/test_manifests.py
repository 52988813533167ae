"""Everything that is made on a cluster, compared whole with `manifests.json`, and the rules that hold for all of it."""

import base64
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from apps.integrations.kubernetes.port import Manifest
from apps.workspaces.manifests import OrthancWish, network_policies, orthanc, workspace
from tests.workspaces.wishes import ALICES, PLACE, SCANNER, all_manifests

EXPECTED = json.loads((Path(__file__).parent / "manifests.json").read_text())


@pytest.mark.parametrize(
    ("made", "expected"),
    list(zip(all_manifests(), EXPECTED, strict=True)),
    ids=lambda one: f"{one['kind']}-{one['metadata']['name']}",
)
def test_manifest(made: Manifest, expected: Manifest) -> None:
    assert made == expected


def by_name(kind: str, name: str, manifests: list[Manifest] | None = None) -> Manifest:
    found = all_manifests() if manifests is None else manifests
    return next(one for one in found if (one["kind"], one["metadata"]["name"]) == (kind, name))


def templates() -> list[dict[str, Any]]:
    return [one["spec"]["template"] for one in all_manifests() if "template" in one.get("spec", {})]


def test_all_of_it_is_labelled_as_ours() -> None:
    for made in all_manifests():
        labels = made["metadata"]["labels"]
        assert labels["app.kubernetes.io/managed-by"] == "maia-dashboard"
        assert labels["maia.io/project"] == "cardiac-mr"


def test_no_pod_can_do_more_than_restricted_allows_or_talk_to_the_cluster() -> None:
    assert len(templates()) == 2
    for template in templates():
        pod = template["spec"]
        assert pod["automountServiceAccountToken"] is False
        assert pod["securityContext"]["runAsNonRoot"] is True
        assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        for container in pod["containers"]:
            security = container["securityContext"]
            assert security["readOnlyRootFilesystem"] is True
            assert security["allowPrivilegeEscalation"] is False
            assert security["capabilities"] == {"drop": ["ALL"]}
            assert {"cpu", "memory"} == set(container["resources"]["limits"])


def test_no_secret_outside_of_secrets() -> None:
    for made in all_manifests():
        text = json.dumps(made)
        assert "secret" not in text.replace('"secret": {"secretName"', "") or made["kind"] == "Secret"


def test_orthanc_knows_one_user_and_nobody_by_dimse_without_peers() -> None:
    alone = orthanc(PLACE, OrthancWish(200, "CARDIACMR", {"portal": "secret"}))
    assert [one["kind"] for one in alone] == ["Secret", "ConfigMap", "PersistentVolumeClaim", "Service", "Deployment"]
    users = json.loads(base64.b64decode(by_name("Secret", "orthanc", alone)["data"]["users.json"]))
    assert users == {"RegisteredUsers": {"portal": "secret"}}
    assert json.loads(by_name("ConfigMap", "orthanc", alone)["data"]["dimse.json"]) == {"DicomServerEnabled": False}
    assert "orthanc-dicom" not in [one["metadata"]["name"] for one in network_policies(PLACE)]


def test_listed_devices_alone_may_send_and_only_from_their_address() -> None:
    configuration = json.loads(by_name("ConfigMap", "orthanc")["data"]["dimse.json"])
    assert [peer["AET"] for peer in configuration["DicomModalities"].values()] == [SCANNER.ae_title]
    assert configuration["DicomCheckCalledAet"] is configuration["DicomCheckModalityHost"] is True
    assert not any(configuration[name] for name in configuration if name.startswith("DicomAlwaysAllow"))
    rule = by_name("NetworkPolicy", "orthanc-dicom")["spec"]["ingress"]
    assert rule == [
        {"from": [{"ipBlock": {"cidr": "10.1.2.3/32"}}], "ports": [{"protocol": "TCP", "port": 4242}]},
    ]


def test_another_password_or_device_makes_the_pod_anew_and_nothing_else_does() -> None:
    def annotation(password: str, peers: tuple[Any, ...] = ()) -> str:
        made = orthanc(PLACE, OrthancWish(200, "CARDIACMR", {"portal": password}, peers, 30104))
        return str(by_name("Deployment", "orthanc", made)["spec"]["template"]["metadata"]["annotations"])

    assert len({annotation("one"), annotation("two"), annotation("one", (SCANNER,))}) == 3
    assert annotation("one") == annotation("one")


def test_keys_reach_a_workspace_without_a_new_pod() -> None:
    more = workspace(PLACE, replace(ALICES, authorized_keys=("ssh-ed25519 BBBB",)))
    assert by_name("ConfigMap", "workspace-7", more)["data"] == {"authorized_keys": "ssh-ed25519 BBBB\n"}
    assert by_name("StatefulSet", "workspace-7", more) == by_name("StatefulSet", "workspace-7")


@pytest.mark.parametrize("pods", ["orthanc", "workspace", "run", "monailabel", "something-else"])
def test_network_rules_leave_each_kind_of_pod_what_it_needs(pods: str) -> None:
    allowed = {"in": set(), "out": set()}
    for policy in network_policies(PLACE):
        if _selects(policy["spec"]["podSelector"], pods):
            for direction, rules in (("in", "ingress"), ("out", "egress")):
                allowed[direction] |= {port["port"] for rule in policy["spec"].get(rules, []) for port in rule["ports"]}
    assert (
        allowed
        == {
            "orthanc": {"in": {8042}, "out": {53}},
            "workspace": {"in": {2222, 8888, 6080}, "out": {53, 8000, 8042}},
            "run": {"in": set(), "out": {8042}},
            "monailabel": {"in": {8000}, "out": {53, 8042}},
            "something-else": {"in": set(), "out": {53}},
        }[pods]
    )


def test_desktops_reach_the_models_of_their_own_namespace_and_runs_do_not() -> None:
    servers, desktops = ({"matchLabels": {"app.kubernetes.io/name": name}} for name in ("monailabel", "workspace"))
    port = [{"protocol": "TCP", "port": 8000}]
    leaving, entering = (by_name("NetworkPolicy", name)["spec"] for name in ("to-monailabel", "monailabel-desktops"))
    assert (leaving["podSelector"], entering["podSelector"]) == (desktops, servers)
    # Without a selector of namespaces, pods are those of the policy's own.
    assert leaving["egress"] == [{"to": [{"podSelector": servers}], "ports": port}]
    assert entering["ingress"] == [{"from": [{"podSelector": desktops}], "ports": port}]


def test_the_web_ports_of_a_workspace_open_to_the_portal_alone() -> None:
    portal = [
        {"ipBlock": {"cidr": "10.20.0.0/16"}},
        {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "maia"}}},
    ]
    assert by_name("NetworkPolicy", "workspace-web")["spec"]["ingress"][0]["from"] == portal
    unknown = network_policies(replace(PLACE, portal_sources=()))
    assert "workspace-web" not in [one["metadata"]["name"] for one in unknown]


def _selects(selector: dict[str, Any], name: str) -> bool:
    if "matchLabels" in selector:
        return bool(selector["matchLabels"]["app.kubernetes.io/name"] == name)
    verbs = {"In": lambda values: name in values, "NotIn": lambda values: name not in values}
    return all(verbs[one["operator"]](one["values"]) for one in selector.get("matchExpressions", []))
