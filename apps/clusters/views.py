from django.contrib import messages
from django.db import IntegrityError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from apps.accounts.access import require_administrator, signed_in
from apps.accounts.models import User
from apps.clusters import access, pages, permissions, selectors, services
from apps.clusters.forms import ClusterForm
from apps.clusters.models import Cluster
from apps.core.state import IllegalTransition

page_or_form = require_http_methods(["GET", "HEAD", "POST"])


@require_safe
def clusters(request: HttpRequest) -> HttpResponse:
    user = signed_in(request)
    rows = pages.shown(selectors.with_summaries(access.visible_clusters(user)))
    context = {"rows": rows, "products": pages.products(rows), "is_administrator": user.is_administrator}
    return render(request, "clusters/clusters.html", context)


@require_safe
def cluster(request: HttpRequest, name: str) -> HttpResponse:
    user = signed_in(request)
    shown = access.get_cluster(user, name)
    (row,) = pages.shown([shown])
    content = shown.snapshot.content if row.taken_at else {}
    context = {"row": row, "nodes": pages.nodes(content), "products": row.summary.get("gpus", {})}
    if user.may_look:
        context.update(
            is_administrator=user.is_administrator,
            may_look=True,
            projects=selectors.projects_on(shown, content),
            check=getattr(shown, "check_of_permissions", None),
            permissions=permissions.to_apply(shown.service_access),
        )
    return render(request, "clusters/cluster.html", context)


@page_or_form
def new(request: HttpRequest) -> HttpResponse:
    user = signed_in(request)
    require_administrator(user)
    form = ClusterForm(request.POST if request.method == "POST" else None)
    if form.is_valid() and (made := _registered(form, user)):
        services.ask_check(made)
        return redirect("clusters:cluster", made.name)
    return render(request, "clusters/edit.html", {"form": form, "permissions": permissions.to_apply()})


def _registered(form: ClusterForm, user: User) -> Cluster | None:
    """None when somebody else took the name in this very moment; the form says so."""
    try:
        return services.register(form.save(commit=False), by=user)
    except IntegrityError:
        form.add_error("name", "Cluster with this Name already exists.")
        return None


@page_or_form
def edit(request: HttpRequest, name: str) -> HttpResponse:
    user = signed_in(request)
    changed = access.to_change(user, name)
    form = ClusterForm(request.POST if request.method == "POST" else None, instance=changed)
    if form.is_valid():
        try:
            services.change(form.save(commit=False), by=user)
        except IllegalTransition:
            messages.info(request, "The cluster had moved on meanwhile: look at it and try again.")
        else:
            messages.success(request, "The cluster is changed.")
        return redirect("clusters:cluster", name)
    return render(request, "clusters/edit.html", {"form": form, "cluster": changed})


@require_POST
def check(request: HttpRequest, name: str) -> HttpResponse:
    services.ask_check(access.to_change(signed_in(request), name))
    return redirect("clusters:cluster", name)


@require_POST
def switch(request: HttpRequest, name: str) -> HttpResponse:
    """Disables a cluster, or takes it into use again."""
    user = signed_in(request)
    switched = access.to_change(user, name)
    is_off = switched.status == Cluster.Status.DISABLED
    try:
        (services.enable if is_off else services.disable)(switched, by=user)
    except IllegalTransition:
        messages.info(request, "The cluster had moved on meanwhile: look at it and try again.")
    else:
        messages.success(request, "The cluster is in use again." if is_off else "The cluster is disabled.")
    return redirect("clusters:cluster", name)
