"""The table of the studies of one archive: what is asked for, the page of it, and what can be done with them."""

from typing import Any

from django.core.paginator import Page, Paginator
from django.db.models import QuerySet
from django.http import QueryDict
from django.template.loader import render_to_string
from django.utils.safestring import SafeString

from apps.archives.models import Archive, Study
from apps.archives.overview import archives_of, seen_of
from apps.archives.selectors import Outage, outage_of
from apps.core.badges import Badge
from apps.datasets import selectors
from apps.datasets.studies import actions, listing
from apps.datasets.studies.forms import StudyFilter
from apps.datasets.studies.search import studies
from apps.datasets.studies.states import state_of
from apps.projects.access import Entry

PAGE_LENGTH = 50


def studies_context(entry: Entry, archive: Archive, query: QueryDict) -> dict[str, Any]:
    """What the page shows; `query` has what StudyFilter takes, and `page`."""
    totals = selectors.totals(archive)
    form = StudyFilter(query, modalities=totals.modalities, archives=list(archives_of(entry.project)))
    wanted, order = form.wanted(), form.chosen_order()
    page = _page(studies(archive, wanted, order), query.get("page"), is_slow=bool(wanted.text))
    outage = outage_of(archive)
    return {
        "project": entry.project,
        "archive": archive,
        "totals": totals,
        "filter": form,
        "is_filtered": not wanted.is_all,
        "actions": actions.offered(entry, archive),
        "columns": listing.columns(order, query),
        "querystring": listing.without_page(query),
        "page": page,
        "rows": _rows(page, outage),
        "may_upload": entry.may_work and archive.is_default,
        "may_export": entry.may_export,
        "outage": outage,
        "as_of": seen_of(archive).last_seen_at if archive.is_remote else None,
    }


def _page(found: QuerySet[Study], number: str | None, *, is_slow: bool) -> Page[Study]:
    """A page of studies. They are sorted by primary key alone, which narrow indexes do without the large rows.

    What is slow to find is found once, and not once more to be counted.
    """
    keys = found.values_list("pk", flat=True)
    page: Page[Any] = Paginator(list(keys) if is_slow else keys, PAGE_LENGTH).get_page(number)
    studies_by_key = found.model.objects.select_related("patient").defer("attributes").in_bulk(list(page))
    page.object_list = [studies_by_key[key] for key in page if key in studies_by_key]
    return page


def _rows(page: Page[Study], outage: Outage | None) -> list[tuple[Study, SafeString]]:
    """Each study with its state, drawn; most states are alike."""
    drawn: dict[Badge, SafeString] = {}
    badges = [state_of(study, outage) for study in page]
    for badge in dict.fromkeys(badges):
        drawn[badge] = render_to_string("core/_state.html", badge._asdict())
    return [(study, drawn[badge]) for study, badge in zip(page, badges, strict=True)]
