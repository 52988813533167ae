"""One suite for both sides of the Kubernetes port. A module that runs it gives the fixture `api` and imports its tests.

`namespace` is made for each test and removed afterwards. `forgetful` is a cluster and a version of it, after which it
does not know any more what has changed.
"""

from __future__ import annotations

import base64
import uuid
from collections.abc import Iterator
from typing import Any

import pytest

from apps.integrations.kubernetes.port import (
    CONFIG_MAP,
    DEPLOYMENT,
    JOB,
    NAMESPACE,
    SECRET,
    SERVICE,
    AlreadyExists,
    ApiRefused,
    Change,
    KubernetesApi,
    Manifest,
    Permission,
    VersionGone,
)
from tests.waiting import wait_until

MINE = {"app.kubernetes.io/managed-by": "contract"}


@pytest.fixture
def namespace(api: KubernetesApi) -> Iterator[str]:
    name = f"contract-{uuid.uuid4().hex[:8]}"
    api.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": MINE}})
    yield name
    api.delete(NAMESPACE, name)


def config_map(namespace: str, name: str = "one", labels: dict[str, str] | None = None, **content: str) -> Manifest:
    metadata: dict[str, Any] = {"name": name, "namespace": namespace, "labels": labels or {}}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": content}


def service(namespace: str, name: str, **spec: Any) -> Manifest:
    ports = [{"name": "http", "port": 80, **spec.pop("port", {})}]
    metadata = {"name": name, "namespace": namespace}
    return {"apiVersion": "v1", "kind": "Service", "metadata": metadata, "spec": {"ports": ports, **spec}}


def job(namespace: str, command: str) -> Manifest:
    container = {"name": "main", "image": "localhost/pause:1", "command": [command]}
    template = {"spec": {"restartPolicy": "Never", "containers": [container]}}
    metadata = {"name": "once", "namespace": namespace}
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": metadata,
        "spec": {"suspend": True, "template": template},
    }


def names(api: KubernetesApi, namespace: str, **selectors: str) -> list[str]:
    found = api.objects(CONFIG_MAP, namespace=namespace, **selectors)
    return [one["metadata"]["name"] for one in found if one["metadata"]["name"] != "kube-root-ca.crt"]


def seen(changes: Iterator[Change], how_many: int) -> list[tuple[str, str]]:
    """The next changes, as what happened and to which object."""
    found: list[tuple[str, str]] = []
    while len(found) < how_many:
        change = next(changes)
        if change.what != "BOOKMARK":
            found.append((change.what, change.object["metadata"]["name"]))
    return found


def test_it_says_its_version(api: KubernetesApi) -> None:
    assert api.version().startswith("v1.")


def test_apply_twice_is_once(api: KubernetesApi, namespace: str) -> None:
    first = api.apply(config_map(namespace, a="1"))
    again = api.apply(config_map(namespace, a="1"))
    assert first["metadata"]["uid"] == again["metadata"]["uid"]
    assert again["data"] == {"a": "1"}


def test_apply_takes_back_what_it_wished_before_and_leaves_what_others_set(api: KubernetesApi, namespace: str) -> None:
    api.create(config_map(namespace, theirs="kept"))
    api.apply(config_map(namespace, a="1", b="2"))
    assert api.apply(config_map(namespace, a="3"))["data"] == {"theirs": "kept", "a": "3"}


def test_create_refuses_what_is_there(api: KubernetesApi, namespace: str) -> None:
    api.create(config_map(namespace, a="1"))
    with pytest.raises(AlreadyExists) as refusal:
        api.create(config_map(namespace, a="2"))
    assert (refusal.value.status, refusal.value.reason) == (409, "AlreadyExists")
    assert (api.read(CONFIG_MAP, "one", namespace) or {})["data"] == {"a": "1"}


@pytest.mark.parametrize("verb", ["apply", "create"])
def test_nothing_is_made_in_a_namespace_that_is_not_there(api: KubernetesApi, verb: str) -> None:
    with pytest.raises(ApiRefused) as refusal:
        getattr(api, verb)(config_map("no-such-namespace", a="1"))
    assert (refusal.value.status, refusal.value.reason) == (404, "NotFound")


def test_a_name_that_is_none_is_refused(api: KubernetesApi, namespace: str) -> None:
    with pytest.raises(ApiRefused) as refusal:
        api.apply(config_map(namespace, "No_Name"))
    assert (refusal.value.status, refusal.value.reason) == (422, "Invalid")


def test_what_is_not_there_is_read_as_none_and_deleted_at_once(api: KubernetesApi, namespace: str) -> None:
    assert api.read(CONFIG_MAP, "none", namespace) is None
    assert api.read(NAMESPACE, "no-such-namespace") is None
    assert api.log(namespace, "none", "main") == b""
    api.delete(CONFIG_MAP, "none", namespace)
    api.delete(NAMESPACE, "no-such-namespace")


def test_delete_twice_is_once(api: KubernetesApi, namespace: str) -> None:
    api.apply(config_map(namespace, a="1"))
    api.delete(CONFIG_MAP, "one", namespace, grace_seconds=0)
    api.delete(CONFIG_MAP, "one", namespace)
    wait_until(lambda: api.read(CONFIG_MAP, "one", namespace) is None, timeout_seconds=20)


def test_a_namespace_goes_with_all_that_is_in_it(api: KubernetesApi, namespace: str) -> None:
    api.apply(config_map(namespace, a="1"))
    api.delete(NAMESPACE, namespace)
    api.delete(NAMESPACE, namespace)
    wait_until(lambda: api.read(NAMESPACE, namespace) is None, timeout_seconds=60)
    assert api.read(CONFIG_MAP, "one", namespace) is None


@pytest.mark.parametrize(
    ("labels", "selected"),
    [
        ("", ["blue", "green", "none"]),
        ("colour=blue", ["blue"]),
        ("colour==blue,size=1", ["blue"]),
        ("colour!=blue", ["green", "none"]),
        ("colour in (blue, green),size", ["blue"]),
        ("colour notin (blue)", ["green", "none"]),
        ("!colour", ["none"]),
    ],
)
def test_label_selectors(api: KubernetesApi, namespace: str, labels: str, selected: list[str]) -> None:
    given = {"blue": {"colour": "blue", "size": "1"}, "green": {"colour": "green"}, "none": {}}
    for name, its in given.items():
        api.apply(config_map(namespace, name, its))
    assert names(api, namespace, labels=labels) == selected


def test_field_selectors(api: KubernetesApi, namespace: str) -> None:
    for name in ("one", "two"):
        api.apply(config_map(namespace, name))
    assert names(api, namespace, fields="metadata.name=two") == ["two"]
    assert names(api, namespace, fields="metadata.name!=two") == ["one"]


def test_all_pages_are_read(api: KubernetesApi, namespace: str) -> None:
    for number in range(501):
        api.create(config_map(namespace, f"map-{number:04}", {"many": "yes"}))
    assert names(api, namespace, labels="many=yes") == [f"map-{number:04}" for number in range(501)]


def test_objects_of_a_list_say_what_they_are(api: KubernetesApi, namespace: str) -> None:
    api.apply(config_map(namespace, labels=MINE | {"of": namespace}))
    found = list(api.objects(CONFIG_MAP, labels=f"of={namespace}"))
    assert [(one["apiVersion"], one["kind"], one["metadata"]["namespace"]) for one in found] == [
        ("v1", "ConfigMap", namespace)
    ]


def test_plain_text_of_a_secret_is_kept_as_data(api: KubernetesApi, namespace: str) -> None:
    metadata = {"name": "one", "namespace": namespace}
    api.apply({"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "stringData": {"password": "häuser"}})
    found = api.read(SECRET, "one", namespace) or {}
    assert found["data"] == {"password": base64.b64encode("häuser".encode()).decode()}
    assert "stringData" not in found


def test_a_service_gets_an_address_and_keeps_it(api: KubernetesApi, namespace: str) -> None:
    address = api.apply(service(namespace, "web"))["spec"]["clusterIP"]
    assert address
    assert api.apply(service(namespace, "web"))["spec"]["clusterIP"] == address


def test_a_node_port_is_given_once(api: KubernetesApi, namespace: str) -> None:
    first = api.apply(service(namespace, "web", type="NodePort"))["spec"]["ports"][0]["nodePort"]
    assert api.apply(service(namespace, "web", type="NodePort"))["spec"]["ports"][0]["nodePort"] == first
    with pytest.raises(ApiRefused) as refusal:
        api.apply(service(namespace, "other", type="NodePort", port={"nodePort": first}))
    assert (refusal.value.status, refusal.value.reason) == (422, "Invalid")
    assert "already allocated" in str(refusal.value)
    assert api.read(SERVICE, "other", namespace) is None


def test_what_a_job_does_is_not_changed_afterwards(api: KubernetesApi, namespace: str) -> None:
    first = api.apply(job(namespace, "/bin/one"))
    assert api.apply(job(namespace, "/bin/one"))["metadata"]["uid"] == first["metadata"]["uid"]
    with pytest.raises(ApiRefused) as refusal:
        api.apply(job(namespace, "/bin/other"))
    assert refusal.value.status == 422
    api.delete(JOB, "once", namespace)
    wait_until(lambda: api.read(JOB, "once", namespace) is None, timeout_seconds=20)


def test_the_status_is_applied_apart(api: KubernetesApi, namespace: str) -> None:
    container = {"name": "main", "image": "localhost/pause:1"}
    labels = {"app": "none"}
    spec = {
        "replicas": 0,
        "selector": {"matchLabels": labels},
        "template": {"metadata": {"labels": labels}, "spec": {"containers": [container]}},
    }
    whole = {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "none", "namespace": namespace},
        "spec": spec,
    }
    api.apply({**whole, "status": {"collisionCount": 3}})
    assert "collisionCount" not in (api.read(DEPLOYMENT, "none", namespace) or {}).get("status", {})
    only = {name: whole[name] for name in ("apiVersion", "kind", "metadata")}
    assert api.apply({**only, "status": {"collisionCount": 3}}, subresource="status")["status"]["collisionCount"] == 3
    assert (api.read(DEPLOYMENT, "none", namespace) or {})["spec"]["selector"] == {"matchLabels": labels}


def test_an_administrator_lacks_nothing(api: KubernetesApi) -> None:
    assert (
        api.missing([Permission("create", "jobs", "batch"), Permission("get", "pods/log", namespace="default")]) == []
    )


def test_what_changes_is_told_as_it_happens(api: KubernetesApi, namespace: str) -> None:
    labels = {"of": namespace}
    api.apply(config_map(namespace, "before", labels))
    since = api.latest_version(CONFIG_MAP, labels=f"of={namespace}")
    changes = api.watch(CONFIG_MAP, since=since, seconds=30, labels=f"of={namespace}")
    api.apply(config_map(namespace, "one", labels))
    api.apply(config_map(namespace, "other", {"of": "another"}))
    assert seen(changes, 1) == [("ADDED", "one")]
    api.apply(config_map(namespace, "one", labels, a="1"))
    change = next(changes)
    assert (change.what, change.object["data"], change.object["kind"]) == ("MODIFIED", {"a": "1"}, "ConfigMap")
    assert change.version == change.object["metadata"]["resourceVersion"]
    api.delete(CONFIG_MAP, "before", namespace)
    api.apply(config_map(namespace, "one", {"of": "another"}))
    assert seen(changes, 2) == [("DELETED", "before"), ("DELETED", "one")]


def test_a_watch_goes_on_where_another_was_cut_off(api: KubernetesApi, namespace: str) -> None:
    labels = f"of={namespace}"
    since = api.latest_version(CONFIG_MAP, labels=labels)
    for name in ("one", "two", "three"):
        api.apply(config_map(namespace, name, {"of": namespace}))
    first = api.watch(CONFIG_MAP, since=since, seconds=30, labels=labels)
    change = next(first)
    first.close()
    assert change.object["metadata"]["name"] == "one"
    again = api.watch(CONFIG_MAP, since=change.version, seconds=30, labels=labels)
    assert seen(again, 2) == [("ADDED", "two"), ("ADDED", "three")]


def test_a_watch_ends_in_time(api: KubernetesApi, namespace: str) -> None:
    labels = f"of={namespace}"
    since = api.latest_version(CONFIG_MAP, labels=labels)
    changes = list(api.watch(CONFIG_MAP, since=since, seconds=1, labels=labels))
    assert {change.what for change in changes} <= {"BOOKMARK"}
    assert all(int(change.version) >= int(since) for change in changes)


def test_a_version_that_is_too_old_is_gone(forgetful: tuple[KubernetesApi, str]) -> None:
    api, too_old = forgetful
    with pytest.raises(VersionGone) as refusal:
        list(api.watch(CONFIG_MAP, since=too_old, seconds=5))
    assert refusal.value.status == 410
