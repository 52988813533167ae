from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from apps.accounts.access import get_person, signed_in
from apps.dashboard import selectors


@require_safe
def projects_of_person(request: HttpRequest, pk: int) -> HttpResponse:
    """For who looks after people; the person's page shows the list."""
    person = get_person(signed_in(request), pk)
    context = {"person": person, "memberships": selectors.memberships_of(person)}
    return render(request, "dashboard/projects_of_person.html", context)
