"""Names of namespaces: which may be asked for, which are free, and one made from a project's name."""

import re

from django.utils.text import slugify

from apps.projects.look_alikes import skeleton_of
from apps.projects.models import Project
from apps.registrations.characters import first_foreign, first_unseen, name_of
from apps.registrations.models import Registration

LONGEST = 40
LABEL = re.compile(r"[a-z0-9]([a-z0-9-]*[a-z0-9])?")
RESERVED = frozenset(
    {"admin", "administrator", "api", "default", "ingress", "keycloak", "monitoring", "orthanc", "portal", "registry"}
    | {"root", "sample", "static", "system", "users"}
)
KEPT = frozenset(skeleton_of(name) for name in RESERVED)
KEPT_PREFIXES = tuple(skeleton_of(prefix) for prefix in ("kube-", "maia", "openshift-"))


def malformed(namespace: str) -> str:
    """Why no project can have this name, as a sentence; "" when one could (DNS-1123 label, RFC 1123)."""
    if deceit := _deceit_of(namespace):
        return deceit
    if len(namespace) > LONGEST or not LABEL.fullmatch(namespace):
        return (
            f"Use 1 to {LONGEST} lower-case letters, digits and hyphens, with a letter or a digit at both ends: "
            "for example cardiac-mr-2026."
        )
    return ""


def fault_of(namespace: str) -> str:
    """Why a new project cannot have this name, as a sentence; "" when it can."""
    if fault := malformed(namespace):
        return fault
    if "--" in namespace:
        return "Use one hyphen at a time: two beside each other look like one."
    skeleton = skeleton_of(namespace)
    if skeleton in KEPT or skeleton.startswith(KEPT_PREFIXES):
        return "This name is kept for the platform: choose another one."
    return ""


def is_free(namespace: str, *, besides: Registration | None = None) -> bool:
    """Neither a project nor another request with a proved address has it, or one that reads alike."""
    skeleton = skeleton_of(namespace)
    holders = Registration.objects.filter(reserved_skeleton=skeleton)
    if besides is not None:
        holders = holders.exclude(pk=besides.pk)
    return not holders.exists() and not Project.objects.filter(skeleton=skeleton).exists()


def propose(project_name: str, *, besides: Registration | None = None) -> str:
    """A free name made from the project's; "" when nothing can be made of it."""
    base = slugify(project_name).replace("_", "-")[:LONGEST].strip("-")
    if not base or fault_of(base):
        return ""
    endings = ["", *(f"-{number}" for number in range(2, 100))]
    candidates = (base[: LONGEST - len(ending)].rstrip("-") + ending for ending in endings)
    return next((name for name in candidates if is_free(name, besides=besides)), "")


def _deceit_of(namespace: str) -> str:
    """The sentence about a character that is not what it seems to be."""
    at = first_unseen(namespace)
    if at is not None:
        return f"Character {at + 1} cannot be seen ({name_of(namespace[at])}): write the name anew."
    at = first_foreign(namespace)
    if at is not None:
        return f"Character {at + 1} is no Latin letter a to z, though it may look like one ({name_of(namespace[at])})."
    if LABEL.fullmatch(namespace.lower()) and namespace != namespace.lower():
        return f"Use lower-case letters alone: {namespace.lower()}."
    return ""
