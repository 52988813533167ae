"""The table of the studies of one archive: what is asked for, the page of it, and what can be done with them."""

from typing import Any

from django.core.paginator import Paginator
from django.http import QueryDict

from apps.archives.models import Archive
from apps.archives.overview import archives_of
from apps.archives.selectors import outage_of
from apps.datasets import listing, selectors, study_actions
from apps.datasets.forms import StudyFilter
from apps.datasets.study_search import studies
from apps.datasets.study_states import state_of
from apps.projects.access import Entry

PAGE_LENGTH = 50


def studies_context(entry: Entry, archive: Archive, query: QueryDict) -> dict[str, Any]:
    """What the page shows; `query` has what StudyFilter takes, and `page`."""
    form = StudyFilter(query, modalities=selectors.modalities(archive), archives=list(archives_of(entry.project)))
    wanted, order = form.wanted(), form.chosen_order()
    page = Paginator(studies(archive, wanted, order), PAGE_LENGTH).get_page(query.get("page"))
    outage = outage_of(archive)
    return {
        "project": entry.project,
        "archive": archive,
        "totals": selectors.totals(archive),
        "filter": form,
        "is_filtered": not wanted.is_all,
        "actions": study_actions.offered(entry, archive),
        "columns": listing.columns(order, query),
        "querystring": listing.without_page(query),
        "page": page,
        "rows": [(study, state_of(study, outage)) for study in page],
        "may_upload": entry.may_work and archive.is_default,
        "may_export": entry.may_export,
        "outage": outage,
    }
