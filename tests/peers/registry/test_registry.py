import json

import pytest
import requests

from tests.peers.images import Podman
from tests.peers.registry import Registry, running_registry
from tests.peers.starting import accepts, throwaway_folder

# Built the first time.
pytestmark = [pytest.mark.peers]


def test_what_podman_pushes_it_pulls_again_by_digest(registry: Registry, podman: Podman) -> None:
    name = f"{registry.host}/samples/busybox"
    podman.make_busybox(f"{name}:1", "/bin/busybox", "true")
    podman.run("push", f"{name}:1")
    head = requests.head(
        f"{registry.url}/v2/samples/busybox/manifests/1",
        headers={"Accept": "application/vnd.oci.image.manifest.v1+json"},
        timeout=5,
    )
    by_digest = f"{name}@{head.headers['Docker-Content-Digest']}"
    podman.run("rmi", "--force", f"{name}:1")
    podman.run("pull", "--quiet", by_digest)
    (pulled,) = json.loads(podman.run("inspect", by_digest))
    assert pulled["Config"]["Entrypoint"] == ["/bin/busybox", "true"]


def test_an_image_that_was_never_pushed_is_unknown(registry: Registry) -> None:
    missing = requests.get(f"{registry.url}/v2/samples/absent/manifests/1", timeout=5)
    assert missing.status_code == 404
    assert missing.json()["errors"][0]["code"] == "MANIFEST_UNKNOWN"


def test_it_leaves_nothing_behind() -> None:
    with throwaway_folder() as folder:
        with running_registry(folder) as address:
            assert accepts(address.port)
        assert not accepts(address.port)
    assert not folder.exists()
