"""The door for several decisions at once: each is one of its own, and each tells what came of it."""

from dataclasses import dataclass
from functools import partial

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST

from apps.accounts.access import signed_in
from apps.accounts.models import User
from apps.registrations import decisions
from apps.registrations.access import as_seen, decides_some
from apps.registrations.console import approving, outcome
from apps.registrations.console_forms import BulkForm, as_asked
from apps.registrations.models import Registration


@dataclass(frozen=True)
class Result:
    """What came of one decision."""

    registration: Registration
    is_done: bool
    sentence: str


@require_POST
def decide(request: HttpRequest) -> HttpResponse:
    """Approves as asked, or rejects with one reason, all that was ticked. Raises Http404 for what is not to be seen."""
    user = signed_in(request)
    if not decides_some(user):
        raise Http404
    form = BulkForm(request.POST)
    if not form.is_valid():
        messages.error(request, f"Nothing was written. {form.first_error()}")
        return redirect(f"{reverse('registrations:approvals')}?{form.back()}")
    chosen = [as_seen(user, pk, version) for pk, version in form.chosen()]
    act = _approve if form.cleaned_data["action"] == "approve" else partial(_reject, form.cleaned_data["reason"])
    results = [act(registration, user) for registration in chosen]
    context = {"results": results, "done": sum(result.is_done for result in results), "back": form.back()}
    return render(request, "registrations/bulk.html", context)


def _approve(registration: Registration, user: User) -> Result:
    form = as_asked(registration)
    if not form.is_valid():
        sentence = " ".join(str(error) for errors in form.errors.values() for error in errors)
        return Result(registration, is_done=False, sentence=f"Open it and grant something else: {sentence}")
    act = approving(registration, form, by=user)
    return Result(registration, *outcome(registration, act, "Approved.", by=user))


def _reject(reason: str, registration: Registration, user: User) -> Result:
    act = partial(decisions.reject, registration, reason=reason, by=user)
    return Result(registration, *outcome(registration, act, "Rejected.", by=user))
