from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from apps.accounts.access import signed_in
from apps.dashboard.search import FEWEST_LETTERS, found

LONGEST = 200


@require_safe
def search(request: HttpRequest) -> HttpResponse:
    """A page of its own; the dialog over every page asks for the hits alone."""
    text = request.GET.get("q", "").replace("\0", "")[:LONGEST].strip()
    context = {"q": text, "groups": found(signed_in(request), text), "fewest": FEWEST_LETTERS}
    is_fragment = "HX-Request" in request.headers
    return render(request, "dashboard/_hits.html" if is_fragment else "dashboard/search.html", context)
