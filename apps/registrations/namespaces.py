"""Names of namespaces: which may be asked for, which are free, and one made from a project's name."""

import re

from django.utils.text import slugify

from apps.projects.models import Project
from apps.registrations.models import Registration

LONGEST = 40
LABEL = re.compile(r"[a-z0-9]([a-z0-9-]*[a-z0-9])?")
RESERVED = frozenset(
    {"admin", "administrator", "api", "default", "ingress", "keycloak", "monitoring", "orthanc", "portal", "registry"}
    | {"root", "sample", "static", "system", "users"}
)
RESERVED_PREFIXES = ("kube-", "maia", "openshift-")


def fault_of(namespace: str) -> str:
    """Why the name cannot be one of a project, as a sentence; "" when it can (DNS-1123 label, RFC 1123)."""
    if len(namespace) > LONGEST or not LABEL.fullmatch(namespace):
        return (
            f"Use 1 to {LONGEST} lower-case letters, digits and hyphens, with a letter or a digit at both ends: "
            "for example cardiac-mr-2026."
        )
    if namespace in RESERVED or namespace.startswith(RESERVED_PREFIXES):
        return "This name is kept for the platform: choose another one."
    return ""


def is_free(namespace: str, *, besides: Registration | None = None) -> bool:
    """Neither a project nor another request with a proved address has it."""
    holders = Registration.objects.filter(namespace=namespace, is_namespace_reserved=True)
    if besides is not None:
        holders = holders.exclude(pk=besides.pk)
    return not holders.exists() and not Project.objects.filter(namespace=namespace).exists()


def propose(project_name: str, *, besides: Registration | None = None) -> str:
    """A free name made from the project's; "" when nothing can be made of it."""
    base = slugify(project_name).replace("_", "-")[:LONGEST].strip("-")
    if not base or fault_of(base):
        return ""
    endings = ["", *(f"-{number}" for number in range(2, 100))]
    candidates = (base[: LONGEST - len(ending)].rstrip("-") + ending for ending in endings)
    return next((name for name in candidates if is_free(name, besides=besides)), "")
