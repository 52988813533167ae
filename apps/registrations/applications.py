"""What people write into the forms, and what approvers give: plain values on their way to a row."""

from dataclasses import asdict, dataclass, field
from datetime import date
from typing import Any, ClassVar

from apps.clusters.models import Cluster
from apps.projects.services import Resources
from apps.registrations.models import Registration


@dataclass(frozen=True, kw_only=True)
class Applicant:
    """What every request tells: who asks and why. The terms of data use are accepted in this version."""

    KIND: ClassVar[Registration.Kind]

    name: str
    email: str
    affiliation: str
    position: str = ""
    purpose: str
    terms_version: str

    def columns(self) -> dict[str, Any]:
        """The fields of a row."""
        return asdict(self)


@dataclass(frozen=True, kw_only=True)
class Application(Applicant):
    """A new project."""

    KIND = Registration.Kind.NEW_PROJECT

    project_name: str
    namespace: str
    description: str
    principal_investigator: str
    principal_investigator_email: str = ""
    cpus: int
    memory_gib: int
    gpus: int
    gpu_type: str = ""
    storage_gib: int
    starts_on: date
    ends_on: date
    ethics_reference: str = ""
    environment_file: str = ""
    environment: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class JoinApplication(Applicant):
    """A part in a project that may or may not exist."""

    KIND = Registration.Kind.JOIN

    namespace: str
    wanted_role: str


@dataclass(frozen=True)
class Grant:
    """What an approver gives for a new project, which may differ from what was asked."""

    resources: Resources
    ends_on: date
    cluster: Cluster | None = None


def asked_resources(registration: Registration) -> Resources:
    return Resources(registration.cpus, registration.memory_gib, registration.gpus, registration.storage_gib)
