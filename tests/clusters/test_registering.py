"""Administrators register, change and disable clusters; what they give as credentials is never shown again."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import IntegrityError, connection
from django.test import Client

from apps.accounts.models import User
from apps.audit.models import Entry
from apps.clusters import services
from apps.clusters.collecting import check
from apps.clusters.models import Check, Cluster
from apps.integrations.kubernetes.memory import MemoryKubernetes
from maia_dashboard import environment
from tests.clusters.rows import make_cluster, seen_cluster
from tests.clusters.test_kubeconfig import CA, config
from tests.conftest import ClientOf

pytestmark = pytest.mark.django_db
SECRET = "secret-token-of-the-portal"
TYPED = {
    "name": "stockholm-1",
    "server": "https://kubernetes.example:6443",
    "ca_pem": CA,
    "token": SECRET,
    "service_access": "direct",
    "ssh_host": "ssh.example",
    "ssh_port_first": "30000",
    "ssh_port_last": "30999",
    "storage_class": "fast",
    "image_prefix": "registry.example/maia",
}


@pytest.fixture
def administrator(admin: User, client_of: ClientOf) -> Client:
    return client_of(admin)


@pytest.fixture
def cluster(administrator: Client) -> Cluster:
    assert administrator.post("/clusters/new/", TYPED).status_code == 302
    return Cluster.objects.get()


def test_registered_by_hand(cluster: Cluster, administrator: Client) -> None:
    assert (cluster.name, cluster.status, cluster.token) == ("stockholm-1", Cluster.Status.NEVER_SEEN, SECRET)
    assert (cluster.ssh_port_last, cluster.storage_class, cluster.ingress_class) == (30999, "fast", "")
    assert Check.objects.filter(cluster=cluster, answered_at=None).exists()
    assert Entry.objects.filter(action="cluster.registered").exists()
    page = administrator.get("/clusters/stockholm-1/").content.decode()
    assert "Never seen" in page
    assert "Being checked" in page


def test_registered_by_kubeconfig(administrator: Client) -> None:
    pasted = {**TYPED, "server": "", "ca_pem": "", "token": "", "kubeconfig": config(user={"token": SECRET})}
    assert administrator.post("/clusters/new/", pasted).status_code == 302
    made = Cluster.objects.get()
    assert (made.server, made.ca_pem, made.token) == ("https://kubernetes.example:6443", CA, SECRET)


def test_the_secret_is_sealed_and_on_no_page(cluster: Cluster, administrator: Client) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT token FROM clusters_cluster")
        assert SECRET not in str(cursor.fetchall())
    refused = administrator.post("/clusters/new/", {**TYPED, "name": "No Name", "kubeconfig": ""})
    for answer in (refused, *(administrator.get(f"/clusters/stockholm-1/{page}") for page in ("", "edit/"))):
        assert answer.status_code == 200
        assert SECRET not in answer.content.decode()


@pytest.mark.parametrize(
    ("typed", "sentence"),
    [
        ({"kubeconfig": config(user={"exec": {"command": "aws"}})}, "runs a program to sign in"),
        ({"server": "http://kubernetes.example"}, "must be like https://"),
        ({"token": ""}, "neither a token nor a client certificate"),
        ({"ca_pem": "none"}, "PEM"),
        ({"name": "New York"}, "small letters"),
        ({"name": "new"}, "address of the portal"),
        ({"ssh_port_first": "31000"}, "must not be below the first"),
        ({"ssh_port_last": "70000"}, "less than or equal to 65535"),
        ({"service_access": "carrier"}, "Select a valid choice"),
        ({"service_access": "proxy"}, "Say from where"),
        ({"service_access": "proxy", "passed_on_from": "10.0.0.1/24"}, "10.0.0.1/24 is neither"),
        ({"service_access": "ingress", "passed_on_from": "namespace:Traefik"}, "is neither a network"),
        ({"service_access": "ingress", "passed_on_from": "namespace:traefik"}, "needs a domain"),
        (
            {"service_access": "ingress", "passed_on_from": "namespace:traefik", "domain": "https://maia.example/"},
            "needs a domain",
        ),
        (
            {"service_access": "ingress", "passed_on_from": "namespace:traefik", "domain": "maia..example"},
            "needs a domain",
        ),
    ],
)
def test_what_cannot_work_is_refused_with_its_sentence(
    administrator: Client, typed: dict[str, str], sentence: str
) -> None:
    answer = administrator.post("/clusters/new/", {**TYPED, **typed})
    assert answer.status_code == 200
    assert sentence.lower() in answer.content.decode().lower()
    assert not Cluster.objects.exists()


def test_a_taken_name_is_refused(cluster: Cluster, administrator: Client) -> None:
    assert "already exists" in administrator.post("/clusters/new/", TYPED).content.decode()


def test_a_name_taken_in_this_very_moment_is_refused(administrator: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    def taken(*_: Any, **__: Any) -> None:
        raise IntegrityError

    monkeypatch.setattr(services, "register", taken)
    assert "already exists" in administrator.post("/clusters/new/", TYPED).content.decode()


def test_changes_keep_the_credentials_unless_others_are_given(cluster: Cluster, administrator: Client) -> None:
    changed = {**TYPED, "name": "other", "token": "", "storage_class": "slow"}
    assert administrator.post("/clusters/stockholm-1/edit/", changed).status_code == 302
    made = Cluster.objects.get()
    assert (made.name, made.storage_class, made.token) == ("stockholm-1", "slow", SECRET)
    administrator.post("/clusters/stockholm-1/edit/", {**changed, "token": "another"})
    assert Cluster.objects.get().token == "another"
    assert Entry.objects.filter(action="cluster.changed").count() == 2


@pytest.mark.attacks
def test_the_credentials_go_to_no_other_address(cluster: Cluster, administrator: Client) -> None:
    changed = {**TYPED, "name": cluster.name, "server": "https://192.0.2.66", "token": ""}
    answer = administrator.post("/clusters/stockholm-1/edit/", changed)
    assert "needs its token as well" in answer.content.decode()
    assert Cluster.objects.get().server == cluster.server
    assert administrator.post("/clusters/stockholm-1/edit/", {**changed, "token": "another"}).status_code == 302
    assert Cluster.objects.get().server == "https://192.0.2.66"


def test_a_change_of_one_that_was_seen_has_it_looked_at_anew(administrator: Client) -> None:
    seen_cluster("seen", ca_pem=CA)
    assert administrator.post("/clusters/seen/edit/", {**TYPED, "name": "seen"}).status_code == 302
    assert Cluster.objects.get().status == Cluster.Status.NEVER_SEEN


def test_new_credentials_mend_what_cannot_be_opened(cluster: Cluster, administrator: Client, settings: Any) -> None:
    settings.CREDENTIALS_KEY = "another"
    for page in ("/", "/clusters/", "/clusters/stockholm-1/", "/clusters/stockholm-1/edit/"):
        assert administrator.get(page).status_code == 200
    answer = administrator.post("/clusters/stockholm-1/edit/", {**TYPED, "token": ""})
    assert "CREDENTIALS_KEY" in answer.content.decode()
    assert administrator.post("/clusters/stockholm-1/edit/", TYPED).status_code == 302
    assert Cluster.objects.get().token == SECRET


def test_disabled_and_used_again(cluster: Cluster, administrator: Client) -> None:
    administrator.post("/clusters/stockholm-1/switch/")
    assert Cluster.objects.get().status == Cluster.Status.DISABLED
    assert "Use again" in administrator.get("/clusters/stockholm-1/").content.decode()
    administrator.post("/clusters/stockholm-1/switch/")
    assert Cluster.objects.get().status == Cluster.Status.NEVER_SEEN
    rows = Entry.objects.filter(action__startswith="cluster.").order_by("pk")
    assert [row.action for row in rows] == ["cluster.registered", "cluster.disabled", "cluster.enabled"]


def test_the_check_shows_its_answer(
    cluster: Cluster, administrator: Client, twins: dict[str, MemoryKubernetes]
) -> None:

    twins[cluster.server] = twin = MemoryKubernetes()
    twin.denied = {("create", "namespaces")}
    check(cluster)
    page = administrator.get("/clusters/stockholm-1/").content.decode()
    assert "Permissions are missing" in page
    assert "create namespaces" in page
    assert "kind: ValidatingAdmissionPolicy" in page
    twin.denied = set()
    administrator.post("/clusters/stockholm-1/check/")
    check(cluster)
    assert "Nothing is missing" in administrator.get("/clusters/stockholm-1/").content.decode()


def test_registered_by_a_script(tmp_path: Path, capsys: pytest.CaptureFixture[str], twins: object) -> None:
    file = tmp_path / "config"
    file.write_text(config(user={"token": SECRET}))
    options = ["--kubeconfig", str(file), "--ssh-port-first", "31000", "--image-prefix", "registry.example/maia"]
    call_command("cluster", "register", "--name", "main", *options)
    made = Cluster.objects.get()
    assert (made.ssh_port_first, made.image_prefix, made.token) == (31000, "registry.example/maia", SECRET)
    call_command("cluster", "check", "main")
    call_command("cluster", "list")
    said = capsys.readouterr().out
    assert "Reachable. Nothing is missing." in said
    assert "main: Reachable." in said
    with pytest.raises(CommandError, match="already exists"):
        call_command("cluster", "register", "--name", "main", *options)


def test_changed_by_a_script() -> None:
    cluster = seen_cluster("main", ca_pem=CA)
    with pytest.raises(CommandError, match="Say from where"):
        call_command("cluster", "change", "main", "--service-access", "proxy")
    call_command("cluster", "change", "main", "--service-access", "proxy", "--passed-on-from", "10.0.0.10/32")
    changed = Cluster.objects.get()
    assert (changed.service_access, changed.sources) == ("proxy", ["10.0.0.10/32"])
    assert (changed.status, changed.token, changed.ssh_host) == ("never_seen", cluster.token, cluster.ssh_host)
    assert Entry.objects.get(action="cluster.changed").actor_pk is None


def test_a_script_is_refused_with_the_same_sentences(tmp_path: Path) -> None:
    file = tmp_path / "config"
    file.write_text(config(user={"exec": {"command": "aws"}}))
    with pytest.raises(CommandError, match="runs a program"):
        call_command("cluster", "register", "--name", "main", "--kubeconfig", str(file))
    with pytest.raises(CommandError, match="cannot be read"):
        call_command("cluster", "register", "--name", "main", "--kubeconfig", str(file) + "-not")
    with pytest.raises(CommandError, match="https://"):
        call_command("cluster", "register", "--name", "main")
    file.write_text(config())
    with pytest.raises(CommandError, match="small letters"):
        call_command("cluster", "register", "--name", "No Name", "--kubeconfig", str(file))
    with pytest.raises(CommandError, match="no cluster"):
        call_command("cluster", "check", "main")
    assert not Cluster.objects.exists()


def test_a_check_by_a_script_names_what_is_missing(
    twins: dict[str, MemoryKubernetes], capsys: pytest.CaptureFixture[str]
) -> None:
    cluster = make_cluster("main")
    twins[cluster.server] = twin = MemoryKubernetes()
    twin.denied = {("bind", "clusterroles")}
    with pytest.raises(CommandError, match="Apply what"):
        call_command("cluster", "check", "main")
    assert "missing: bind clusterroles.rbac.authorization.k8s.io “maia-dashboard-project”" in capsys.readouterr().err
    twin.is_down = True
    with pytest.raises(CommandError, match="Unreachable: The cluster did not answer in time"):
        call_command("cluster", "check", "main")


def test_permissions_are_printed(capsys: pytest.CaptureFixture[str]) -> None:
    call_command("cluster", "permissions")
    assert "name: maia-system\n" in capsys.readouterr().out


def test_new_projects_live_here_or_on_a_cluster_and_nowhere_else() -> None:
    known = {"SECRET_KEY": "only for tests"}
    assert environment.read(known)["PLATFORM"] == "embedded"
    assert environment.read({**known, "PLATFORM": "kubernetes"})["PLATFORM"] == "kubernetes"
    with pytest.raises(environment.SettingInvalid, match="PLATFORM must be embedded or kubernetes"):
        environment.read({**known, "PLATFORM": "docker"})
