"""Volumes for claims, since nothing provisions them: folders of this machine, enough for a whole session of tests."""

from pathlib import Path
from typing import Any

from tests.peers.kubernetes.cluster import Kubernetes
from tests.peers.kubernetes.configuration import NODE

STORAGE_CLASS = "local"
# What a claim asks for decides which it gets; the folders themselves know no limit.
VOLUMES = {"2Gi": 100, "20Gi": 160, "1Ti": 80}


def offer_volumes(folder: Path, cluster: Kubernetes) -> None:
    """Each volume serves one claim: what a claim has released is not wiped, so that it is not given to another."""
    volumes = [_volume(folder, size, number) for size, count in VOLUMES.items() for number in range(count)]
    for volume in volumes:
        Path(volume["spec"]["local"]["path"]).mkdir(parents=True)
    cluster.kubectl("apply", "-f", "-", manifest=_list([_storage_class(), *volumes]))


def _list(items: list[dict[str, Any]]) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "List", "items": items}


def _storage_class() -> dict[str, Any]:
    """https://kubernetes.io/docs/concepts/storage/storage-classes/#local"""
    return {
        "apiVersion": "storage.k8s.io/v1",
        "kind": "StorageClass",
        "metadata": {
            "name": STORAGE_CLASS,
            "annotations": {"storageclass.kubernetes.io/is-default-class": "true"},
        },
        "provisioner": "kubernetes.io/no-provisioner",
        "volumeBindingMode": "WaitForFirstConsumer",
    }


def _volume(folder: Path, size: str, number: int) -> dict[str, Any]:
    """Of the type `local`, whose folder the kubelet opens to a pod's fsGroup, unlike that of a hostPath."""
    name = f"{size.lower()}-{number:03}"
    on_node = {"key": "kubernetes.io/hostname", "operator": "In", "values": [NODE]}
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolume",
        "metadata": {"name": name},
        "spec": {
            "capacity": {"storage": size},
            "accessModes": ["ReadWriteOnce"],
            "persistentVolumeReclaimPolicy": "Retain",
            "storageClassName": STORAGE_CLASS,
            "local": {"path": str(folder / name)},
            "nodeAffinity": {"required": {"nodeSelectorTerms": [{"matchExpressions": [on_node]}]}},
        },
    }
