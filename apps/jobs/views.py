import uuid
from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from apps.accounts.access import signed_in
from apps.archives.models import Series
from apps.jobs import pages, selectors, services
from apps.jobs.access import find_series, get_run, visible_runs
from apps.jobs.arguments import ArgumentInvalid
from apps.jobs.forms import LaunchForm, LogPlace, RunFilter
from apps.jobs.models import Algorithm, Run
from apps.projects.access import Entry, Role, enter

RUNS_A_PAGE = 25
RUNS_OF_A_SERIES = 10


@require_safe
def algorithms(request: HttpRequest) -> HttpResponse:
    found = [(algorithm, pages.produced_names(algorithm)) for algorithm in selectors.algorithms()]
    return render(request, "jobs/algorithms.html", {"algorithms": found})


@require_safe
def runs(request: HttpRequest, namespace: str) -> HttpResponse:
    entry = enter(signed_in(request), namespace)
    chosen = RunFilter(request.GET)
    found = selectors.for_list(visible_runs(entry).filter(status__in=chosen.statuses()))
    page = Paginator(found, RUNS_A_PAGE).get_page(request.GET.get("page"))
    listed = list(page)
    context = {
        "project": entry.project,
        "may_run": entry.may_work,
        "filter": chosen,
        "state": chosen.chosen,
        "page": page,
        "querystring": urlencode({"state": chosen.chosen}) if chosen.chosen else "",
        "rows": pages.rows(listed),
        "is_live": pages.has_unfinished(listed),
    }
    return render(request, "jobs/runs.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
def new(request: HttpRequest, namespace: str) -> HttpResponse:
    """The algorithm and the series stand in the address; the form holds the arguments."""
    entry = enter(signed_in(request), namespace, at_least=Role.MEMBER)
    entry.need_work()
    if "series" not in request.GET:
        messages.info(request, "Open the series that the algorithm shall run on, and choose “Run an algorithm” there.")
        return redirect("datasets:studies", namespace)
    series = _series(entry, request.GET["series"])
    suitable = selectors.suitable_algorithms(series)
    algorithm = _chosen(suitable, request.GET.get("algorithm"))
    form = None
    if algorithm is not None:
        form = _form(request, algorithm)
        if request.method == "POST" and form.is_valid() and (run := _launch(entry, algorithm, series, form)):
            return redirect("jobs:run", namespace, run.pk)
    cluster = services.cluster_of(entry.project)
    context = {
        "project": entry.project,
        "series": series,
        "algorithms": suitable,
        "algorithm": algorithm,
        "produces": pages.produced_names(algorithm) if algorithm else "",
        "cluster": cluster,
        "gpus": algorithm.gpus_in(cluster) if algorithm else 0,
        "form": form,
    }
    return render(request, "jobs/new.html", context)


@require_safe
def run(request: HttpRequest, namespace: str, pk: int) -> HttpResponse:
    entry = enter(signed_in(request), namespace)
    shown = get_run(entry, pk)
    context = {
        **_live(entry, shown),
        "log": services.read_log(shown, 0),
        "command": pages.own_machine_command(shown),
        "arguments": pages.argument_pairs(shown),
    }
    return render(request, "jobs/run.html", context)


@require_safe
def status(request: HttpRequest, namespace: str, pk: int) -> HttpResponse:
    """What changes on the page of a run, as a fragment."""
    entry = enter(signed_in(request), namespace)
    return render(request, "jobs/_status.html", _live(entry, get_run(entry, pk)))


@require_safe
def log(request: HttpRequest, namespace: str, pk: int) -> HttpResponse:
    """The log from byte `offset` on, as a fragment that asks for what follows."""
    shown = get_run(enter(signed_in(request), namespace), pk)
    place = LogPlace(request.GET)
    is_new_attempt = place.attempt not in (None, shown.attempt)
    chunk = services.read_log(shown, 0 if is_new_attempt else place.offset)
    context = {"namespace": namespace, "run": shown, "log": chunk, "is_new_attempt": is_new_attempt}
    return render(request, "jobs/_log.html", context)


@require_safe
def log_file(request: HttpRequest, namespace: str, pk: int) -> HttpResponse:
    shown = get_run(enter(signed_in(request), namespace), pk)
    response = HttpResponse(services.whole_log(shown), content_type="text/plain; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="run-{shown.pk}.txt"'
    return response


@require_POST
def cancel(request: HttpRequest, namespace: str, pk: int) -> HttpResponse:
    entry = enter(signed_in(request), namespace, at_least=Role.MEMBER)
    shown = get_run(entry, pk)
    try:
        services.cancel(shown, by=entry.user)
    except services.NotCancellable as over:
        messages.warning(request, str(over))
    return redirect("jobs:run", namespace, pk)


@require_safe
def runs_of_series(request: HttpRequest, namespace: str, series_instance_uid: str) -> HttpResponse:
    """Runs on a series and the one that made it: a fragment for pages of images, and a page of its own."""
    entry = enter(signed_in(request), namespace)
    series = _series(entry, series_instance_uid)
    found = selectors.for_list(selectors.of_series(visible_runs(entry), series_instance_uid))
    listed = list(found[:RUNS_OF_A_SERIES])
    context = {
        "project": entry.project,
        "series": series,
        "rows": pages.rows(listed),
        "is_live": pages.has_unfinished(listed),
        "may_run": entry.may_work and bool(selectors.suitable_algorithms(series)),
    }
    is_fragment = getattr(request, "htmx", False)
    return render(request, "jobs/_runs_of_series.html" if is_fragment else "jobs/runs_of_series.html", context)


def _live(entry: Entry, shown: Run) -> dict[str, Any]:
    return {**pages.run_context(shown), "project": entry.project, "may_run": entry.may_work}


def _series(entry: Entry, series_instance_uid: str) -> Series:
    series = find_series(entry, series_instance_uid)
    if series is None:
        raise Http404
    return series


def _chosen(suitable: list[Algorithm], name: str | None) -> Algorithm | None:
    if name is None:
        return suitable[0] if suitable else None
    found = next((algorithm for algorithm in suitable if algorithm.name == name), None)
    if found is None:
        raise Http404
    return found


def _form(request: HttpRequest, algorithm: Algorithm) -> LaunchForm:
    if request.method == "POST":
        return LaunchForm(algorithm, request.POST)
    return LaunchForm(algorithm, initial={**request.GET.dict(), "submission_key": uuid.uuid4()})


def _launch(entry: Entry, algorithm: Algorithm, series: Series, form: LaunchForm) -> Run | None:
    try:
        return services.launch(
            entry,
            algorithm,
            series,
            arguments=form.arguments(),
            submission_key=form.cleaned_data["submission_key"],
        )
    except (services.LaunchRefused, ArgumentInvalid) as refused:
        form.add_error(None, str(refused))
        return None
