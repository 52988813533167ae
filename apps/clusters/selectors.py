from typing import Any

from django.db.models import Count, QuerySet

from apps.clusters.models import SECRETS, Cluster, Placement


def with_summaries(clusters: QuerySet[Cluster]) -> QuerySet[Cluster]:
    """Each with its snapshot, without the nodes in it, and `project_count`; two queries never grow to more."""
    found = clusters.select_related("snapshot").defer("snapshot__content", *SECRETS, "ca_pem")
    return found.annotate(project_count=Count("placements"))


def projects_on(cluster: Cluster, content: dict[str, Any]) -> list[dict[str, Any]]:
    """The projects that live there, each with what was last seen of its pods."""
    seen = content.get("projects", {})
    placements = Placement.objects.filter(cluster=cluster).select_related("project").order_by("project__name")
    return [{"project": one.project, **seen.get(one.project.namespace, {})} for one in placements]
