"""The order in which a project's things are made, by where people sign in and where new projects live."""

from collections.abc import Mapping

from django.conf import settings

from apps.clusters.models import Placement
from apps.projects.models import MembershipChange, Project, ProjectChange

KIND = "project"
MEMBER = MembershipChange.LEDGER
LIFE = "lifecycle"
Steps = tuple[tuple[str, str], ...]

LOCAL_PEOPLE: Steps = (
    ("account", "Account of the owner"),
    ("membership", "Membership as owner"),
)
KEYCLOAK_PEOPLE: Steps = (
    ("account", "Account of the owner"),
    ("identity", "Identity in Keycloak"),
    ("membership", "Membership as owner"),
    ("groups", "Groups in Keycloak"),
)
EMBEDDED: Steps = (("archive", "Archive for the images"),)
KUBERNETES: Steps = (
    ("cluster", "Cluster chosen"),
    ("namespace", "Namespace on the cluster"),
    ("limits", "Quota and limits"),
    ("network", "Network rules"),
    ("roles", "Roles of the project's groups"),
    ("orthanc", "Orthanc for the images"),
    ("images", "Archive connected to Orthanc"),
    ("workspaces", "Workspaces of the members"),
)
INVITATION: Steps = (("invitation", "Keycloak's mail to the owner"),)
OPENING: Steps = (
    ("welcome", "Mail to the owner"),
    ("ready", "Project opened"),
)
RUNS: Steps = (("runs", "Runs ended"),)
ASLEEP: Steps = (("sleep", "Workspaces and archive stopped"),)
AWAKE: Steps = (("wake", "Workspaces and archive started"),)
RETIRED: Steps = (("retire", "Workspaces and models removed"), ("wake", "Archive kept running"))
GONE: Steps = (
    ("workspaces", "Workspaces removed"),
    ("orthanc", "Orthanc and its volume removed"),
    ("namespace", "Namespace removed"),
)
ON_CLUSTER: Mapping[str, Steps] = {
    Project.Status.READY: AWAKE,
    Project.Status.SUSPENDED: ASLEEP,
    Project.Status.DELETION_SCHEDULED: ASLEEP,
    Project.Status.ARCHIVED: RETIRED,
}


def are_on_clusters() -> bool:
    """Whether new projects live on a cluster, not on this machine."""
    return bool(settings.PLATFORM == "kubernetes")


def steps_of_new_project() -> Steps:
    """Those of a new project, as (name, title). A project keeps the steps that it was opened with."""
    is_keycloak = settings.AUTH_MODE == "keycloak"
    people = KEYCLOAK_PEOPLE if is_keycloak else LOCAL_PEOPLE
    places = KUBERNETES if are_on_clusters() else EMBEDDED
    return (*people, *places, *(INVITATION if is_keycloak else ()), *OPENING)


def steps_of_change(change: MembershipChange) -> Steps:
    """Those that follow when somebody joined, got another role or left."""
    is_join = change.action == MembershipChange.Action.JOIN
    is_keycloak = settings.AUTH_MODE == "keycloak"
    has_workspaces = Placement.objects.filter(project=change.project_id).exists()
    return (
        *((("account", "Account of the person"),) if is_join else ()),
        *((("identity", "Identity in Keycloak"),) if is_join and is_keycloak else ()),
        *((("groups", "Groups in Keycloak"),) if is_keycloak else ()),
        *((("workspace", "Workspace on the cluster"),) if has_workspaces else ()),
        *((("invitation", "Keycloak's mail to the person"),) if is_join and is_keycloak else ()),
        ("letter", "Mail to the person"),
    )


def steps_of_turn(change: ProjectChange) -> Steps:
    """Those that follow when a project's life takes a turn, or it was granted something else."""
    is_placed = Placement.objects.filter(project=change.project_id).exists()
    if change.action == ProjectChange.Action.GRANT:
        return (("limits", "Quota on the cluster"), ("volume", "Volume of the archive")) if is_placed else ()
    if change.target == Project.Status.DELETING:
        return (*RUNS, *(GONE if is_placed else ()), *_last_steps())
    ends_runs = change.target != Project.Status.READY and change.action != ProjectChange.Action.UNDO_DELETION
    return (*(RUNS if ends_runs else ()), *(ON_CLUSTER.get(change.target, ()) if is_placed else ()))


def _last_steps() -> Steps:
    is_keycloak = settings.AUTH_MODE == "keycloak"
    groups: Steps = (("groups", "Groups in Keycloak removed"),) if is_keycloak else ()
    return (("images", "Images removed"), *groups, ("end", "Project closed"))
