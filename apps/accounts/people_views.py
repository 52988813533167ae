"""Doors to the accounts of others: administrators change them, support reads them."""

from collections.abc import Callable
from typing import Protocol

from django.contrib import messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST, require_safe

from apps.accounts import lockout, people, second_factor
from apps.accounts.access import get_person, person_to_change, signed_in, visible_people
from apps.accounts.forms import PeopleFilterForm, RoleForm
from apps.accounts.models import User
from apps.accounts.selectors import is_administrator_by_group, matching
from apps.core.lists import listed

ROWS_A_PAGE = 25


class Verb(Protocol):
    """Whether there was anything to change; None where there always is. Raises ChangeRefused."""

    def __call__(self, user: User, *, by: User) -> bool | None: ...


VERBS: dict[str, tuple[Verb, str]] = {
    "deactivate": (people.deactivate, "The account is deactivated: nothing opens with it any more."),
    "activate": (people.activate, "The account is active again."),
    "sign_out": (people.sign_out_everywhere, "All sessions of the person have ended."),
    "unlock": (people.unlock, "Passwords are taken again from everywhere."),
    "remove_second_factor": (
        people.remove_second_factor,
        "The second factor is removed: the password alone opens the account.",
    ),
}


@require_safe
def list_people(request: HttpRequest) -> HttpResponse:
    everybody = visible_people(signed_in(request))

    def find(asked: dict[str, str]) -> QuerySet[User]:
        return matching(everybody, words=asked["q"], role=asked["role"], state=asked["state"])

    context = listed(request, PeopleFilterForm(request.GET), find, rows_a_page=ROWS_A_PAGE)
    return render(request, "accounts/people.html", context)


@require_safe
def person(request: HttpRequest, pk: int) -> HttpResponse:
    user = signed_in(request)
    return _page(request, get_person(user, pk))


@require_POST
def give_role(request: HttpRequest, pk: int) -> HttpResponse:
    user = signed_in(request)
    changed = person_to_change(user, pk)
    form = RoleForm(request.POST)
    if not form.is_valid():
        return _page(request, changed, role_form=form)
    role = form.cleaned_data["role"]
    return _change(request, changed, lambda: people.give_role(changed, role, by=user), "The role is changed.")


@require_POST
def change(request: HttpRequest, pk: int, verb: str) -> HttpResponse:
    user = signed_in(request)
    changed = person_to_change(user, pk)
    act, done = VERBS[verb]
    return _change(request, changed, lambda: act(changed, by=user), done)


def _change(request: HttpRequest, changed: User, act: Callable[[], bool | None], done: str) -> HttpResponse:
    try:
        has_changed = act()
    except people.ChangeRefused as refused:
        messages.error(request, str(refused))
    else:
        messages.success(request, "It was so already." if has_changed is False else done)
    return redirect("people:person", pk=changed.pk)


def _page(request: HttpRequest, person: User, *, role_form: RoleForm | None = None) -> HttpResponse:
    user = signed_in(request)
    context = {
        "person": person,
        "may_change": user.is_administrator and user.pk != person.pk,
        "is_own": user.pk == person.pk,
        "is_by_group": is_administrator_by_group(person),
        "role_form": role_form or RoleForm.shown_for(person),
        "token_count": person.api_tokens.count(),
        "key_count": person.ssh_keys.count(),
        "has_second_factor": second_factor.has_one(person),
        "locks": lockout.locks_of(person),
        "identities": person.identities.order_by("pk"),
    }
    return render(request, "accounts/person.html", context)
