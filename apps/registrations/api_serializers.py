"""What programs send and get. The forms have the last word on what is sent; here are names, types and bounds."""

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from apps.core.api import StrictSerializer
from apps.projects.fields import CPUS, GPUS, MEMORY_GIB, STORAGE_GIB
from apps.registrations import selectors
from apps.registrations.environments import LARGEST_BYTES
from apps.registrations.models import Registration
from apps.registrations.namespaces import LONGEST


def _bounded(bounds: tuple[int, int]) -> serializers.IntegerField:
    least, most = bounds
    return serializers.IntegerField(min_value=least, max_value=most)


class ApplicantSerializer(StrictSerializer):
    affiliation = serializers.CharField(max_length=200)
    position = serializers.CharField(max_length=200)
    purpose = serializers.CharField(max_length=5000)
    terms = serializers.BooleanField(help_text="true: you accept the terms of data use, see /terms/")


class NewProjectSerializer(ApplicantSerializer):
    project_name = serializers.CharField(max_length=120)
    namespace = serializers.CharField(max_length=LONGEST, required=False, allow_blank=True)
    description = serializers.CharField(max_length=5000, required=False, allow_blank=True)
    principal_investigator = serializers.CharField(max_length=200)
    principal_investigator_email = serializers.EmailField(max_length=254)
    ethics_reference = serializers.CharField(max_length=200, required=False, allow_blank=True)
    cpus = _bounded(CPUS)
    memory_gib = _bounded(MEMORY_GIB)
    gpus = _bounded(GPUS)
    gpu_type = serializers.CharField(max_length=60, required=False, allow_blank=True)
    storage_gib = _bounded(STORAGE_GIB)
    starts_on = serializers.DateField()
    ends_on = serializers.DateField()
    environment_file = serializers.CharField(
        max_length=LARGEST_BYTES,
        required=False,
        allow_blank=True,
        trim_whitespace=False,
        help_text="the content of requirements.txt (pip) or environment.yml (conda)",
    )


class JoinSerializer(ApplicantSerializer):
    namespace = serializers.CharField(max_length=LONGEST)
    wanted_role = serializers.ChoiceField(choices=Registration.WANTED_ROLES)


class EditSerializer(NewProjectSerializer):
    """What is left out stays as it is; `wanted_role` is for requests to join."""

    wanted_role = serializers.ChoiceField(choices=Registration.WANTED_ROLES)
    terms = serializers.BooleanField(help_text="true, and only if the terms of data use are others since you asked")

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **{**options, "partial": True})


class AnswerSerializer(StrictSerializer):
    answer = serializers.CharField(max_length=2000)


class DecisionSerializer(StrictSerializer):
    version = serializers.CharField(
        max_length=60,
        required=False,
        help_text="of the request as you saw it: nothing is done if it has changed",
    )


class GrantSerializer(DecisionSerializer):
    """What is left out is granted as asked; `role` is for requests to join, everything else for new projects."""

    cpus = serializers.IntegerField(required=False)
    memory_gib = serializers.IntegerField(required=False)
    gpus = serializers.IntegerField(required=False)
    storage_gib = serializers.IntegerField(required=False)
    ends_on = serializers.DateField(required=False)
    cluster = serializers.IntegerField(required=False)
    role = serializers.ChoiceField(choices=Registration.WANTED_ROLES, required=False)


class RejectSerializer(DecisionSerializer):
    reason = serializers.CharField(max_length=2000)


class ChangesSerializer(DecisionSerializer):
    message = serializers.CharField(max_length=2000)


class EnvironmentSerializer(serializers.Serializer[Any]):
    format = serializers.CharField()
    requirements = serializers.ListField(child=serializers.CharField())
    packages = serializers.ListField(child=serializers.CharField())
    channels = serializers.ListField(child=serializers.CharField())


class MoveSerializer(serializers.Serializer[selectors.HistoryLine]):
    state = serializers.CharField(source="status")
    word = serializers.CharField()
    who = serializers.CharField()
    why = serializers.CharField()
    at = serializers.DateTimeField()


class RegistrationSerializer(serializers.ModelSerializer[Registration]):
    state = serializers.ChoiceField(source="status", choices=Registration.Status.choices)
    who_acts = serializers.CharField(source="badge.sentence", help_text="who has to do what next")

    class Meta:
        model = Registration
        fields = ["id", "kind", "state", "who_acts", "title", "namespace", "name", "email", "created_at", "version"]


class RegistrationDetailSerializer(RegistrationSerializer):
    history = serializers.SerializerMethodField()
    environment = serializers.SerializerMethodField()

    class Meta(RegistrationSerializer.Meta):
        fields = [
            *RegistrationSerializer.Meta.fields,
            "affiliation",
            "position",
            "purpose",
            "terms_version",
            "wanted_role",
            "project_name",
            "description",
            "principal_investigator",
            "principal_investigator_email",
            "ethics_reference",
            "cpus",
            "memory_gib",
            "gpus",
            "gpu_type",
            "storage_gib",
            "starts_on",
            "ends_on",
            "environment",
            "history",
        ]

    @extend_schema_field(EnvironmentSerializer(allow_null=True))
    def get_environment(self, registration: Registration) -> dict[str, Any] | None:
        return registration.environment or None

    @extend_schema_field(MoveSerializer(many=True))
    def get_history(self, registration: Registration) -> list[dict[str, Any]]:
        return [dict(MoveSerializer(line).data) for line in selectors.history(registration)]
