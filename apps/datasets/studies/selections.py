"""Which studies a person has chosen on the page: some by name, or all that match the search in the page's address."""

from django.db.models import QuerySet
from django.http import QueryDict

from apps.archives.models import Archive, Study
from apps.archives.services import is_uid
from apps.datasets import selectors
from apps.datasets.studies.forms import StudyFilter
from apps.datasets.studies.search import Wanted, studies

MATCHING = "matching"


class SelectionRefused(Exception):
    """What was chosen cannot be taken; the message is a sentence for the person."""


def selected(archive: Archive, posted: QueryDict) -> QuerySet[Study]:
    """Studies of the archive, in the order of the page. Raises SelectionRefused when none is chosen, or one is gone.

    `posted` has `query`, the query string of the page, and either `scope=matching` or `studies`, a UID each.
    """
    query = QueryDict(posted.get("query", ""))
    form = StudyFilter(query, modalities=selectors.totals(archive).modalities, archives=[archive])
    if posted.get("scope") == MATCHING:
        # What is left out of a search makes it wider, and more would be done than the person saw.
        if form.complaints():
            raise SelectionRefused("The search cannot be read as it was. Search again, and choose anew.")
        return studies(archive, form.wanted(), form.chosen_order())
    return _named(archive, set(posted.getlist("studies")), form.chosen_order())


def _named(archive: Archive, study_instance_uids: set[str], order: str) -> QuerySet[Study]:
    if not study_instance_uids:
        raise SelectionRefused("Choose studies first, by the boxes before them.")
    named = filter(is_uid, study_instance_uids)  # what is none may hold what a database refuses
    found = studies(archive, Wanted(), order).filter(study_instance_uid__in=named)
    if found.count() != len(study_instance_uids):
        raise SelectionRefused("Some of the studies that you chose are not here any more. Choose anew.")
    return found
