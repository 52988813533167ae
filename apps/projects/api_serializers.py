from datetime import date
from typing import Any

from django.core.exceptions import ValidationError
from rest_framework import serializers

from apps.core.api import StrictSerializer
from apps.projects.fields import CPUS, GPUS, MEMORY_GIB, STORAGE_GIB
from apps.projects.forms import LONGEST_DESCRIPTION, LONGEST_TEXT, last_day
from apps.projects.models import Allocation, ExtensionRequest, Project, ProjectChange


class ProjectSerializer(serializers.ModelSerializer[Project]):
    state = serializers.ChoiceField(source="status", choices=Project.Status.choices)

    class Meta:
        model = Project
        fields = ["namespace", "name", "description", "state", "starts_on", "ends_on"]


class AllocationSerializer(serializers.ModelSerializer[Allocation]):
    class Meta:
        model = Allocation
        fields = [
            "requested_cpus",
            "requested_memory_gib",
            "requested_gpus",
            "requested_storage_gib",
            "gpu_type",
            "requested_at",
            "granted_cpus",
            "granted_memory_gib",
            "granted_gpus",
            "granted_storage_gib",
            "granted_at",
        ]


class ProjectDetailSerializer(ProjectSerializer):
    takes_work = serializers.BooleanField()
    allocation = AllocationSerializer()

    class Meta(ProjectSerializer.Meta):
        fields = [
            *ProjectSerializer.Meta.fields,
            "principal_investigator",
            "status_changed_at",
            "delete_at",
            "takes_work",
            "allocation",
        ]


class ProjectChangeSerializer(serializers.ModelSerializer[ProjectChange]):
    by = serializers.CharField(source="by.name", allow_null=True, default=None)

    class Meta:
        model = ProjectChange
        fields = ["id", "action", "by", "why", "detail", "at", "done_at"]


class ExtensionSerializer(serializers.ModelSerializer[ExtensionRequest]):
    project = serializers.CharField(source="project.namespace")
    state = serializers.ChoiceField(source="status", choices=ExtensionRequest.Status.choices)
    asked_by = serializers.CharField(source="asked_by.name")
    decided_by = serializers.CharField(source="decided_by.name", allow_null=True, default=None)

    class Meta:
        model = ExtensionRequest
        fields = ["id", "project", "state", "ends_on", "why", "asked_by", "asked_at", "decided_by", "said"]


class DescriptionSerializer(StrictSerializer):
    description = serializers.CharField(max_length=LONGEST_DESCRIPTION, allow_blank=True)


class WhySerializer(StrictSerializer):
    why = serializers.CharField(max_length=LONGEST_TEXT)


class DeletionSerializer(StrictSerializer):
    typed = serializers.CharField(max_length=40, help_text="the namespace, to confirm")
    why = serializers.CharField(max_length=LONGEST_TEXT, required=False, allow_blank=True, default="")


class LastDayField(serializers.DateField):
    """A day that a project may end on."""

    def to_internal_value(self, value: Any) -> date:
        day = super().to_internal_value(value)
        try:
            return last_day(day)
        except ValidationError as error:
            raise serializers.ValidationError(error.messages) from error


class ExtensionWishSerializer(StrictSerializer):
    ends_on = LastDayField()
    why = serializers.CharField(max_length=LONGEST_TEXT)


class ExtensionGrantSerializer(StrictSerializer):
    ends_on = LastDayField()
    said = serializers.CharField(max_length=LONGEST_TEXT, required=False, allow_blank=True, default="")


class ExtensionRefusalSerializer(StrictSerializer):
    said = serializers.CharField(max_length=LONGEST_TEXT)


def _bounded(bounds: tuple[int, int]) -> serializers.IntegerField:
    least, most = bounds
    return serializers.IntegerField(min_value=least, max_value=most)


class ResourcesSerializer(StrictSerializer):
    cpus = _bounded(CPUS)
    memory_gib = _bounded(MEMORY_GIB)
    gpus = _bounded(GPUS)
    storage_gib = _bounded(STORAGE_GIB)
