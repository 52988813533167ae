"""The portal as it is deployed, on the real servers: `python -m tests.peers.deployed` for a person, until Ctrl-C.

nginx in front of two web processes, a worker and a beat; PostgreSQL and Redis of its own; people at Keycloak; projects
on a cluster where the portal has the permissions that it asks for and no others. All set by environment variables and
the portal's commands, as an administrator would.
"""

import os
import re
import sys
from base64 import b64decode
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg

from maia_dashboard.environment import SETTINGS
from tests.documented import adapted, blocks
from tests.peers import shared
from tests.peers.keycloak import Keycloak
from tests.peers.keycloak.realm import Realm, imported_realm
from tests.peers.kubernetes import Kubernetes
from tests.peers.kubernetes.configuration import NODE_IP, POD_RANGE
from tests.peers.kubernetes.storage import STORAGE_CLASS
from tests.peers.mail import Mail
from tests.peers.nginx import Nginx, running_nginx
from tests.peers.platform_images import pushed_images
from tests.peers.postgresql import Postgresql, running_postgresql
from tests.peers.redis import Redis, running_redis
from tests.peers.registry import Registry
from tests.peers.servers import SERVERS
from tests.peers.starting import LOOPBACK, output_of, own_folder, until_stopped
from tests.portal import REPOSITORY, Portal, free_port
from tests.waiting import wait_until

CLUSTER = "main"
ADMINISTRATOR = "admin@hospital.example"
ACCOUNT = ("secret", "maia-dashboard-token", "-n", "maia-system")


@dataclass(frozen=True)
class Servers:
    """Those outside of the portal, which it shares with others."""

    keycloak: Keycloak
    kubernetes: Kubernetes
    registry: Registry
    mail: Mail


@dataclass(frozen=True)
class Deployed:
    """`portal` is the process; people find it at `nginx.url`. The administrator's password works once."""

    portal: Portal
    nginx: Nginx
    realm: Realm
    servers: Servers
    postgresql: Postgresql
    administrator: str

    def rows(self, query: str, *parameters: Any) -> list[tuple[Any, ...]]:
        with psycopg.connect(self.postgresql.url) as connection:
            return connection.execute(query, parameters).fetchall()

    def add_administrator(self, email: str, password: str) -> None:
        """Somebody in the realm's group of administrators; the portal learns of them when they sign in."""
        subject = self.realm.add_person(email, password, name="Anna Approver")
        (group,) = self.realm.as_administrator("GET", "/groups?search=MAIA:admin&exact=true").json()
        self.realm.as_administrator("PUT", f"/users/{subject}/groups/{group['id']}")

    def link_to(self, address: str, pattern: str) -> str:
        """The newest link of the portal that matches in the mails to this address; waits for it."""
        return self._link(self.nginx.url, address, pattern)

    def link_at_keycloak(self, address: str, pattern: str) -> str:
        return self._link(self.servers.keycloak.url, address, pattern)

    def _link(self, root: str, address: str, pattern: str) -> str:
        found: list[str] = []

        def is_there() -> bool:
            texts = [str(mail.get_body(("plain",)).get_content()) for mail in self.servers.mail.mails_to(address)]
            found[:] = [link for text in texts for link in re.findall(re.escape(root) + pattern, text)]
            return bool(found)

        wait_until(is_there, 60)
        return found[-1]

    def __str__(self) -> str:
        return "\n".join(
            (
                f"portal: {self.nginx.url}, workspaces at {self.nginx.workspaces_url}",
                f"first administrator: {self.administrator}, one-time password {self.portal.one_time_password()}, "
                f"at {self.nginx.url}/account/break-glass/",
                f"mails: {self.servers.mail.folder}",
                f"log: {self.portal.var}/log/portal.log",
            )
        )


@contextmanager
def running_deployed(folder: Path, servers: Servers, **settings: str) -> Iterator[Deployed]:
    """From the moment on when it answers and its cluster is registered; its namespaces are removed in the end."""
    images = pushed_images(servers.registry)
    with ExitStack() as stack:
        postgresql = stack.enter_context(running_postgresql(own_folder(folder, "postgresql")))
        redis = stack.enter_context(running_redis(own_folder(folder, "redis")))
        port = free_port()
        nginx = stack.enter_context(running_nginx(own_folder(folder, "nginx"), f"{LOOPBACK}:{port}"))
        realm = stack.enter_context(imported_realm(servers.keycloak, portal_url=nginx.url, mail=servers.mail))
        known = {
            **_documented_settings(nginx, postgresql, redis, servers.mail),
            "WEB_PROCESSES": "2",
            # By digest, since nodes keep what they once pulled by a tag.
            "ORTHANC_IMAGE": images["orthanc"],
            "WORKSPACE_IMAGE": images["workspace"],
            "PORTAL_IMAGE": images["maia-dashboard"],
            **realm.settings,
        }
        portal = Portal(folder / "var", port, **{**known, **settings})
        deployed = Deployed(portal, nginx, realm, servers, postgresql, ADMINISTRATOR)
        stack.callback(_remove_namespaces, deployed)
        stack.callback(_stop, portal)
        portal.start(timeout_seconds=240)
        _register_cluster(deployed, folder)
        _name_images(portal, images)
        yield deployed


def _documented_settings(nginx: Nginx, postgresql: Postgresql, redis: Redis, mail: Mail) -> dict[str, str]:
    """The settings in whose environment the documented command starts the portal."""
    here = {
        "https://maia.hospital.example": nginx.url,
        "https://workspaces.hospital.example": nginx.workspaces_url,
        "postgres://maia:PASSWORD@postgresql.hospital.example:5432/maia": postgresql.url,
        "redis://:PASSWORD@redis.hospital.example:6379/0": redis.url,
        "smtp://mail.hospital.example:25": mail.url,
        "10.1.0.0/24": f"{POD_RANGE},{NODE_IP}/32",
        ".venv/bin/python manage.py up": "env -0",
    }
    exports, _naming = blocks(__file__)
    script = adapted(exports, here)
    variables = output_of(["bash", "-c", script], environment={"PATH": os.environ["PATH"]}).split("\0")
    known = dict(variable.partition("=")[::2] for variable in variables)
    return {setting.name: known[setting.name] for setting in SETTINGS if setting.name in known}


def _stop(portal: Portal) -> None:
    if portal.process is not None and portal.process.poll() is None:
        portal.stop()


def _register_cluster(deployed: Deployed, folder: Path) -> None:
    """By a service account that may do what `cluster permissions` prints."""
    cluster, registry = deployed.servers.kubernetes, deployed.servers.registry
    permissions, ca, token = (folder / name for name in ("permissions.yaml", "ca.crt", "token"))
    permissions.write_text(deployed.portal.manage("cluster", "permissions"))
    cluster.kubectl("apply", "--filename", str(permissions))
    wait_until(lambda: "token" in cluster.read(*ACCOUNT).get("data", {}), 20)
    account: Mapping[str, str] = cluster.read(*ACCOUNT)["data"]
    ca.write_bytes(b64decode(account["ca.crt"]))
    token.write_bytes(b64decode(account["token"]))
    credentials = ["--server", cluster.server, "--ca", str(ca), "--token", str(token)]
    options = ["--ssh-host", NODE_IP, "--storage-class", STORAGE_CLASS, "--image-prefix", f"{registry.host}/maia"]
    deployed.portal.manage("cluster", "register", "--name", CLUSTER, *credentials, *options)
    deployed.portal.manage("cluster", "check", CLUSTER)


def _name_images(portal: Portal, images: Mapping[str, str]) -> None:
    _settings, naming = blocks(__file__)
    names = ("measurements", "threshold-segmentation")
    here = {f"$PREFIX/{name}@sha256:…": images[name] for name in names}
    script = adapted(naming, {**here, ".venv/bin/python": sys.executable})
    output_of(["bash", "-c", script], environment=portal.environment, folder=REPOSITORY)


def _remove_namespaces(deployed: Deployed) -> None:
    """The shared cluster keeps those of others."""
    names = [name for (name,) in deployed.rows("SELECT namespace FROM projects_project")]
    if names:
        deployed.servers.kubernetes.kubectl("delete", "namespace", "--ignore-not-found", "--wait=false", *names)


def _start(folder: Path, stack: ExitStack) -> None:
    names = ("keycloak", "kubernetes", "registry", "mail")
    if shared.is_wanted():
        started = {name: shared.running(name) for name in names}
    else:
        started = {name: stack.enter_context(SERVERS[name](own_folder(folder, name))) for name in names}
    print(stack.enter_context(running_deployed(own_folder(folder, "portal"), Servers(**started))), flush=True)


if __name__ == "__main__":
    until_stopped(_start)
