import re
from ipaddress import ip_network
from typing import ClassVar

from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator, RegexValidator
from django.db import models
from django.utils import timezone

from apps.core.sealed import SealedTextField
from apps.core.state import Stateful, status_constraint
from apps.projects.models import Project

is_name = RegexValidator(
    r"\A[a-z0-9]([a-z0-9-]*[a-z0-9])?\Z", "Use small letters, digits and hyphens; begin and end with none."
)
LABEL = "[a-z0-9]([a-z0-9-]*[a-z0-9])?"
DOMAIN = re.compile(rf"{LABEL}(\.{LABEL})*(:[0-9]{{1,5}})?")
IS_PORT = (MinValueValidator(1), MaxValueValidator(65535))
NAMESPACE_SOURCE = re.compile(f"namespace:{LABEL}")


def are_sources(text: str) -> None:
    """Raises ValidationError for what a network policy cannot let in."""
    for source in text.split():
        if not NAMESPACE_SOURCE.fullmatch(source):
            try:
                ip_network(source)
            except ValueError as error:
                raise ValidationError(f"{source} is neither a network like 10.0.0.0/24 nor namespace:NAME.") from error


SECRETS = ("token", "key_pem")


def secrets_by(path: str) -> list[str]:
    """What a query defers that reads clusters by `select_related(path)`, which passes their manager by."""
    return [f"{path}__{name}" for name in SECRETS]


class Clusters(models.Manager["Cluster"]):
    """Secrets are read only by who asks for them, so that a page works where they cannot be opened."""

    def get_queryset(self) -> models.QuerySet["Cluster"]:
        return super().get_queryset().defer(*SECRETS)


class Cluster(Stateful):
    """A Kubernetes cluster, how the portal reaches it, and how it was last seen."""

    class Status(models.TextChoices):
        NEVER_SEEN = "never_seen", "Never seen"
        REACHABLE = "reachable", "Reachable"
        UNREACHABLE = "unreachable", "Unreachable"
        REFUSED = "refused", "Credentials refused"
        DISABLED = "disabled", "Disabled"

    TRANSITIONS: ClassVar = {
        Status.NEVER_SEEN: frozenset({Status.REACHABLE, Status.UNREACHABLE, Status.REFUSED, Status.DISABLED}),
        Status.REACHABLE: frozenset({Status.UNREACHABLE, Status.REFUSED, Status.NEVER_SEEN, Status.DISABLED}),
        Status.UNREACHABLE: frozenset({Status.REACHABLE, Status.REFUSED, Status.NEVER_SEEN, Status.DISABLED}),
        Status.REFUSED: frozenset({Status.REACHABLE, Status.UNREACHABLE, Status.NEVER_SEEN, Status.DISABLED}),
        Status.DISABLED: frozenset({Status.NEVER_SEEN}),
    }

    class ServiceAccess(models.TextChoices):
        DIRECT = "direct", "By the service's address (the portal is on the cluster's network)"
        IN_CLUSTER = "in_cluster", "By the service's name (the portal runs in this cluster)"
        PROXY = "proxy", "Through the API server"
        INGRESS = "ingress", "By host names of the domain (ingress)"

    name = models.CharField(max_length=40, unique=True, validators=[is_name])
    server = models.CharField(max_length=300)
    ca_pem = models.TextField(blank=True)
    token = SealedTextField(blank=True)
    certificate_pem = models.TextField(blank=True)
    key_pem = SealedTextField(blank=True)
    domain = models.CharField(max_length=253, blank=True)
    ssh_host = models.CharField(max_length=253, blank=True)
    ssh_port_first = models.PositiveIntegerField(default=30000, validators=IS_PORT)
    ssh_port_last = models.PositiveIntegerField(default=32767, validators=IS_PORT)
    storage_class = models.CharField(max_length=253, blank=True)
    ingress_class = models.CharField(max_length=253, blank=True)
    image_prefix = models.CharField(max_length=300, blank=True)
    service_access = models.CharField(max_length=10, choices=ServiceAccess.choices, default=ServiceAccess.DIRECT)
    passed_on_from = models.CharField(max_length=500, blank=True, validators=[are_sources])
    created_at = models.DateTimeField(default=timezone.now)

    trouble = models.TextField(blank=True)
    failures = models.PositiveIntegerField(default=0)
    looked_at = models.DateTimeField(null=True)
    look_again_at = models.DateTimeField(default=timezone.now)

    objects = Clusters()

    class Meta:
        ordering = ["name"]
        constraints = [
            status_constraint(
                ["never_seen", "reachable", "unreachable", "refused", "disabled"], "clusters_cluster_status"
            ),
            models.CheckConstraint(
                condition=models.Q(service_access__in=["direct", "in_cluster", "proxy", "ingress"]),
                name="clusters_cluster_service_access",
            ),
            models.CheckConstraint(
                condition=models.Q(ssh_port_first__lte=models.F("ssh_port_last")), name="clusters_cluster_ssh_ports"
            ),
        ]

    def __str__(self) -> str:
        return self.name

    def clean(self) -> None:
        """Raises ValidationError for what the way to its services needs besides."""
        if self.is_passed_on and not self.passed_on_from:
            raise ValidationError({"passed_on_from": "Say from where: nothing else is let into namespaces."})
        if self.service_access == self.ServiceAccess.INGRESS and not DOMAIN.fullmatch(self.domain):
            raise ValidationError({"domain": "An ingress needs a domain, like maia.example or maia.example:8443."})

    @property
    def is_passed_on(self) -> bool:
        """Whether something that stands before the cluster passes the portal's requests on to its services."""
        return self.service_access in (self.ServiceAccess.PROXY, self.ServiceAccess.INGRESS)

    @property
    def sources(self) -> list[str]:
        """Networks (CIDR) and `namespace:NAME` from which requests are passed on."""
        return self.passed_on_from.split()


class Snapshot(models.Model):
    """What was seen of a cluster when it last answered; both documents as `apps.clusters.reading` makes them."""

    cluster = models.OneToOneField(Cluster, on_delete=models.CASCADE, related_name="snapshot")
    taken_at = models.DateTimeField()
    content = models.JSONField()
    summary = models.JSONField(default=dict)

    def __str__(self) -> str:
        return f"{self.cluster} at {self.taken_at}"


class Check(models.Model):
    """The wish to know whether the portal's permissions suffice, and the answer once there is one."""

    cluster = models.OneToOneField(Cluster, on_delete=models.CASCADE, related_name="check_of_permissions")
    asked_at = models.DateTimeField(default=timezone.now)
    answered_at = models.DateTimeField(null=True)
    missing = models.JSONField(default=list)
    trouble = models.TextField(blank=True)

    def __str__(self) -> str:
        return f"check of {self.cluster}"


class Placement(models.Model):
    """The cluster on which a project lives. A project without one lives on the portal's own machine."""

    project = models.OneToOneField(Project, on_delete=models.PROTECT, related_name="placement")
    cluster = models.ForeignKey(Cluster, on_delete=models.PROTECT, related_name="placements")
    placed_at = models.DateTimeField(default=timezone.now)

    def __str__(self) -> str:
        return f"{self.project} on {self.cluster}"
