from apps.projects.models.invitation import Invitation
from apps.projects.models.life import ExtensionRequest, ProjectChange
from apps.projects.models.membership import Membership, MembershipChange, Removal
from apps.projects.models.project import Allocation, Project

__all__ = [
    "Allocation",
    "ExtensionRequest",
    "Invitation",
    "Membership",
    "MembershipChange",
    "Project",
    "ProjectChange",
    "Removal",
]
