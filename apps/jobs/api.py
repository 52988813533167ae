from typing import Any

from django.db.models import QuerySet
from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_field
from rest_framework import generics, serializers, status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.accounts.access import signed_in
from apps.core.api import REFUSED, Conflict, ErrorSerializer, Unprocessable, sent
from apps.jobs import selectors, services
from apps.jobs.access import find_algorithm, find_series, get_run, visible_runs
from apps.jobs.arguments import ArgumentInvalid
from apps.jobs.forms import RunFilter
from apps.jobs.models import Algorithm, Run, RunInput, RunOutput
from apps.projects.access import Entry, Role, enter


class AlgorithmSerializer(serializers.ModelSerializer[Algorithm]):
    class Meta:
        model = Algorithm
        fields = [
            "name",
            "title",
            "version",
            "description",
            "modalities",
            "produced_sop_classes",
            "arguments",
            "memory_gib",
            "timeout_seconds",
            "gpus",
            "digest",
        ]


class InputSerializer(serializers.ModelSerializer[RunInput]):
    class Meta:
        model = RunInput
        fields = ["sop_instance_uid", "size_bytes", "sha256"]


class OutputSerializer(serializers.ModelSerializer[RunOutput]):
    class Meta:
        model = RunOutput
        fields = [
            "study_instance_uid",
            "series_instance_uid",
            "sop_instance_uid",
            "sop_class_uid",
            "size_bytes",
            "sha256",
        ]


class ReasonSerializer(serializers.Serializer[Run]):
    code = serializers.CharField(source="reason_code")
    sentence = serializers.CharField(source="reason")


class RefusalSerializer(serializers.Serializer[Any]):
    file = serializers.CharField()
    attribute = serializers.CharField()
    sentence = serializers.CharField()


class RunSerializer(serializers.ModelSerializer[Run]):
    state = serializers.ChoiceField(source="status", choices=Run.Status.choices)
    reason = serializers.SerializerMethodField()
    algorithm = serializers.CharField(source="algorithm.name")
    version = serializers.CharField(source="algorithm.version")
    digest = serializers.CharField(source="algorithm.digest")
    submitter = serializers.CharField(source="submitter.name")
    finished_at = serializers.DateTimeField(allow_null=True)
    outputs = OutputSerializer(many=True)

    class Meta:
        model = Run
        fields = [
            "id",
            "state",
            "reason",
            "algorithm",
            "version",
            "digest",
            "image",
            "arguments",
            "study_instance_uid",
            "series_instance_uid",
            "submitter",
            "attempt",
            "node",
            "progress",
            "waiting",
            "created_at",
            "started_at",
            "ended_at",
            "finished_at",
            "peak_memory_bytes",
            "outputs",
        ]

    @extend_schema_field(ReasonSerializer(allow_null=True))
    def get_reason(self, run: Run) -> dict[str, Any] | None:
        return dict(ReasonSerializer(run).data) if run.reason_code else None


class StepSerializer(serializers.Serializer[Any]):
    state = serializers.CharField(source="to_status")
    at = serializers.DateTimeField()
    why = serializers.CharField()


class RunDetailSerializer(RunSerializer):
    memory_gib = serializers.IntegerField(source="algorithm.memory_gib")
    timeout_seconds = serializers.IntegerField(source="algorithm.timeout_seconds")
    steps = StepSerializer(many=True, source="events")
    refusals = serializers.SerializerMethodField()
    inputs = InputSerializer(many=True)

    class Meta(RunSerializer.Meta):
        fields = [
            *RunSerializer.Meta.fields,
            "memory_gib",
            "timeout_seconds",
            "gpus",
            "network",
            "file_system",
            "steps",
            "refusals",
            "inputs",
        ]

    @extend_schema_field(RefusalSerializer(many=True))
    def get_refusals(self, run: Run) -> list[dict[str, str]]:
        refusals: list[dict[str, str]] = (run.gate_report or {}).get("refusals", [])
        return refusals


class LaunchSerializer(serializers.Serializer[Any]):
    algorithm = serializers.CharField(max_length=64)
    series = serializers.ListField(child=serializers.CharField(max_length=64), help_text="one SeriesInstanceUID")
    arguments = serializers.DictField(child=serializers.JSONField(), default=dict)


class Algorithms(generics.ListAPIView[Algorithm]):
    """The algorithms that can be run, in their present versions."""

    serializer_class = AlgorithmSerializer
    queryset = selectors.algorithms()


class Runs(generics.ListAPIView[Run]):
    """The runs of a project, newest first."""

    serializer_class = RunSerializer
    filter_form = RunFilter
    queryset = Run.objects.none()
    request: Request

    def get_queryset(self) -> QuerySet[Run]:
        found = visible_runs(_enter(self.request, self.kwargs["namespace"]))
        return selectors.for_list(found).prefetch_related("outputs")

    def narrowed(self, rows: QuerySet[Run], form: RunFilter) -> QuerySet[Run]:
        return rows.filter(status__in=form.statuses())

    @extend_schema(
        operation_id="runs_list",
        parameters=[OpenApiParameter("state", enum=list(RunFilter.GROUPS), description="only this group of states")],
    )
    def get(self, request: Request, *arguments: Any, **fields: Any) -> Response:
        return super().get(request, *arguments, **fields)

    @extend_schema(
        operation_id="runs_launch",
        request=LaunchSerializer,
        responses={201: RunSerializer, 422: ErrorSerializer, **REFUSED},
    )
    def post(self, request: Request, namespace: str) -> Response:
        """Run an algorithm on one series; for members and owners."""
        entry = _enter(request, namespace, at_least=Role.MEMBER)
        run = _launch(entry, **sent(request, LaunchSerializer))
        return Response(RunSerializer(run).data, status=status.HTTP_201_CREATED)


class RunDetail(APIView):
    @extend_schema(operation_id="runs_retrieve", responses={200: RunDetailSerializer, **REFUSED})
    def get(self, request: Request, namespace: str, pk: int) -> Response:
        """One run with everything that is frozen with it."""
        run = get_run(_enter(request, namespace), pk)
        return Response(RunDetailSerializer(run).data)


class CancelRun(APIView):
    @extend_schema(
        operation_id="runs_cancel",
        request=None,
        responses={200: RunSerializer, 409: ErrorSerializer, **REFUSED},
    )
    def post(self, request: Request, namespace: str, pk: int) -> Response:
        """Stop a run without outputs; for members and owners. Twice is once; 409 when it is over already."""
        entry = _enter(request, namespace, at_least=Role.MEMBER)
        run = get_run(entry, pk)
        try:
            services.cancel(run, by=entry.user)
        except services.NotCancellable as over:
            raise Conflict(str(over)) from over
        return Response(RunSerializer(get_run(entry, pk)).data)


def _enter(request: Request, namespace: str, *, at_least: Role = Role.VIEWER) -> Entry:
    return enter(signed_in(request), namespace, at_least=at_least)


def _launch(entry: Entry, *, algorithm: str, series: list[str], arguments: dict[str, Any]) -> Run:
    if len(series) != 1:
        raise Unprocessable(f"A run takes exactly one series; {len(series)} are given.")
    found_algorithm = find_algorithm(algorithm)
    if found_algorithm is None:
        raise Unprocessable("There is no algorithm of that name: see /api/v1/algorithms/.")
    found_series = find_series(entry, series[0])
    if found_series is None:
        raise Unprocessable("This project has no series with that SeriesInstanceUID.")
    try:
        return services.launch(entry, found_algorithm, found_series, arguments=arguments)
    except (services.LaunchRefused, ArgumentInvalid) as refused:
        raise Unprocessable(str(refused)) from refused
