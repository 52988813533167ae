"""What a project of the tests is to be called and to have."""

from datetime import timedelta

from django.utils import timezone

from apps.projects.services import ProjectPlan, Resources

SOME = Resources(cpus=8, memory_gib=32, gpus=1, storage_gib=200)


def project_plan(namespace: str, *, name: str = "", granted: Resources = SOME) -> ProjectPlan:
    """For a year from today; named after its namespace unless another name is given."""
    today = timezone.localdate()
    return ProjectPlan(
        name=name or namespace.replace("-", " ").capitalize(),
        namespace=namespace,
        description="",
        principal_investigator="Prof. Nils Ås",
        starts_on=today,
        ends_on=today + timedelta(days=365),
        requested=granted,
        granted=granted,
    )
