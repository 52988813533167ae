"""The rows of the project page, as its template shows them."""

import hashlib
from dataclasses import dataclass
from typing import Any, NamedTuple

from django.conf import settings
from django.db.models import QuerySet
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone
from django.utils.safestring import SafeString

from apps.archives.selectors import ae_title_of
from apps.clusters.models import Cluster, Placement
from apps.core.badges import Badge
from apps.projects.access import Entry, Role
from apps.projects.models import Membership, Project
from apps.workspaces import selectors
from apps.workspaces.manifests.network import HTTP_PORT
from apps.workspaces.manifests.workspace import WORKSPACE_USER
from apps.workspaces.models import ModelServer, NamespaceSeen, Seen, State, Workspace

STALE_SECONDS = 300
EXPLORER_AT = f"http://localhost:{HTTP_PORT}/app/explorer.html"
"""On a person's own machine, through their tunnel."""
NO_WORKSPACE = "Viewers have no workspace."
NOT_YET = "It is made within a minute."
AWAY: dict[str, str] = {
    Cluster.Status.NEVER_SEEN: "The cluster {name} is looked at anew within a minute",
    Cluster.Status.UNREACHABLE: "The cluster {name} does not answer",
    Cluster.Status.REFUSED: "The cluster {name} refuses the portal's credentials: an administrator has to look",
    Cluster.Status.DISABLED: "The cluster {name} is disabled: what runs there runs on, with the SSH keys of before",
}
"""Why what is shown is not of now; a cluster that answers has none."""
STOPPED = Badge("off", "player-pause", "Stopped", "The project is suspended.")


@dataclass(frozen=True)
class Desktop:
    """A member's row. The addresses and the command are for the person themselves."""

    membership: Membership
    badge: Badge
    is_own: bool
    is_running: bool = False
    desktop_url: str = ""
    jupyter_url: str = ""
    ssh: str = ""


class Shown(NamedTuple):
    """Something that runs, with its badge."""

    row: Seen
    badge: Badge


@dataclass(frozen=True)
class Live:
    """The part of a project's page that shows what runs, and by what it is known again."""

    namespace: str
    parts: SafeString
    digest: str


def live(entry: Entry) -> Live | None:
    """For `workspaces/_live.html`; None for a project that lives on no cluster."""
    placement = selectors.placement_of(entry.project)
    if placement is None:
        return None
    parts = render_to_string("workspaces/_live_parts.html", _context(entry, placement))
    return Live(entry.project.namespace, parts, hashlib.sha256(parts.encode()).hexdigest()[:16])


def _context(entry: Entry, placement: Placement) -> dict[str, Any]:
    project = entry.project
    seen, cluster = NamespaceSeen.objects.filter(project=project).first(), placement.cluster
    desktops = _desktops(entry, cluster)
    return {
        "cluster": cluster,
        "away": AWAY.get(cluster.status, "").format(name=cluster.name),
        "seen_at": selectors.last_seen(seen),
        "is_stale": _is_stale(seen),
        "trouble": seen.trouble if seen else "",
        "apps": _shown(project, project.apps.all()),
        "desktops": desktops,
        "more_members": project.memberships.count() - len(desktops),
        "needs_key": entry.can(Role.MEMBER) and entry.is_member and not entry.user.ssh_keys.exists(),
        "has_front": bool(settings.WORKSPACES_URL) and not cluster.is_passed_on,
        "models": _shown(project, project.model_servers.all()),
        "usage": selectors.usage(project.allocation, seen),
        "drifts": selectors.recent_drifts(project),
        **_orthanc(entry, cluster),
    }


def badge_of(seen: Seen) -> Badge:
    word = State(seen.state).label
    match seen.state:
        case State.RUNNING:
            is_training = isinstance(seen, ModelServer) and seen.is_training
            return Badge("good", "circle-check", word, "A model is being trained." if is_training else seen.sentence)
        case State.FAILED:
            return Badge("bad", "alert-triangle", word, seen.sentence)
        case _:
            return Badge("busy", "loader-2", word, seen.sentence)


def _shown(project: Project, rows: QuerySet[Any]) -> list[Shown]:
    return [Shown(row, STOPPED if project.is_asleep else badge_of(row)) for row in rows]


def _desktops(entry: Entry, cluster: Cluster) -> list[Desktop]:
    workspaces = selectors.workspaces_by_user(entry.project)
    return [
        _desktop(entry, membership, workspaces.get(membership.user_id), cluster)
        for membership in selectors.memberships(entry.project, first=entry.user)
    ]


def _desktop(entry: Entry, membership: Membership, workspace: Workspace | None, cluster: Cluster) -> Desktop:
    is_own = membership.user_id == entry.user.pk
    if workspace is None:
        return Desktop(membership, _without_workspace(membership), is_own)
    badge = STOPPED if entry.project.is_asleep else badge_of(workspace)
    if not is_own or entry.project.is_asleep or workspace.state != State.RUNNING:
        return Desktop(membership, badge, is_own)
    urls = {f"{app}_url": _open_url(workspace, app) for app in ("desktop", "jupyter")}
    return Desktop(membership, badge, is_own, is_running=True, ssh=_ssh(workspace, cluster), **urls)


def _without_workspace(membership: Membership) -> Badge:
    if membership.role == Membership.Role.VIEWER:
        return Badge("off", "circle-dashed", "None", NO_WORKSPACE)
    if membership.project.status == Project.Status.ARCHIVED:
        return Badge("off", "circle-dashed", "None", "The project is archived.")
    return Badge("busy", "loader-2", "Starting", NOT_YET)


def _open_url(workspace: Workspace, app: str) -> str:
    if not settings.WORKSPACES_URL or workspace.address is None:
        return ""
    kwargs = {"namespace": workspace.project.namespace, "pk": workspace.pk, "app": app}
    return reverse("workspaces:open", kwargs=kwargs)


def explorer(entry: Entry) -> dict[str, str]:
    """How a person reaches Orthanc Explorer, and programs on a desktop of the project reach Orthanc."""
    placement = selectors.placement_of(entry.project)
    return {
        "tunnel": explorer_tunnel(entry, placement.cluster) if placement else "",
        "explorer_url": EXPLORER_AT,
        "orthanc_url": f"http://orthanc.{entry.project.namespace}.svc:{HTTP_PORT}",
    }


def explorer_tunnel(entry: Entry, cluster: Cluster) -> str:
    """The command that brings the project's Orthanc to `EXPLORER_AT`, by the person's own workspace; "" without one."""
    workspace = selectors.workspaces_by_user(entry.project).get(entry.user.pk)
    if workspace is None or entry.project.is_asleep or workspace.state != State.RUNNING:
        return ""
    return _ssh(workspace, cluster, f"-N -L {HTTP_PORT}:orthanc:{HTTP_PORT} ")


def _ssh(workspace: Workspace, cluster: Cluster, options: str = "") -> str:
    if not cluster.ssh_host or not hasattr(workspace, "node_port"):
        return ""
    return f"ssh {options}-p {workspace.node_port.number} {WORKSPACE_USER}@{cluster.ssh_host}"


def _orthanc(entry: Entry, cluster: Cluster) -> dict[str, Any]:
    """Lines for devices are for those who may put images in."""
    namespace, title = entry.project.namespace, ae_title_of(entry.project)
    shown: dict[str, Any] = {
        "ae_title": title,
        "namespace": namespace,
        "may_explore": entry.can(Role.OWNER) and entry.may_export,
        "dimse_lines": [],
    }
    device = entry.project.dicom_devices.first() if entry.can(Role.MEMBER) else None
    dimse = selectors.dimse_of(entry.project) if device and cluster.ssh_host else None
    if device and dimse:
        where = f"-aet {device.ae_title} -aec {title} {dimse.host} {dimse.port}"
        shown["dimse_lines"] = [
            ("Try the connection", f"echoscu {where}"),
            ("Send a folder", f"storescu {where} +sd +r FOLDER"),
        ]
    return shown


def _is_stale(seen: NamespaceSeen | None) -> bool:
    if seen is None or seen.seen_at is None:
        return False
    return (timezone.now() - seen.seen_at).total_seconds() > STALE_SECONDS
