"""The page of all attributes of one object, and the way to its neighbours in the series."""

from itertools import islice
from typing import Any

from django.http import QueryDict

from apps.archives.models import Instance, Series
from apps.archives.selectors import instances_of, long_values, metadata_of
from apps.datasets.addresses import page
from apps.datasets.series import tags

LONGEST_SEARCH = 100


def tags_context(series: Series, instance: Instance, query: QueryDict) -> dict[str, Any]:
    """What the page shows; `query` may have `q`, which the attributes shall mention."""
    text = query.get("q", "").strip()[:LONGEST_SEARCH]
    found = tags.rows_of(metadata_of(instance), long_values(instance))
    rows = list(islice(tags.mentioning(found, text) if text else found, tags.MAX_ROWS + 1))
    return {
        "text": text,
        "rows": rows[: tags.MAX_ROWS],
        "is_cut": len(rows) > tags.MAX_ROWS,
        **_neighbours(series, instance, text),
    }


def _neighbours(series: Series, instance: Instance, text: str) -> dict[str, Any]:
    uids = list(instances_of(series).values_list("sop_instance_uid", flat=True))
    at = uids.index(instance.sop_instance_uid)
    return {
        "number": at + 1,
        "count": len(uids),
        "previous_url": _address(series, uids[at - 1], text) if at else "",
        "next_url": _address(series, uids[at + 1], text) if at + 1 < len(uids) else "",
    }


def _address(series: Series, sop_instance_uid: str, text: str) -> str:
    searched = {"q": text} if text else {}
    return page("attributes", series.archive, series.series_instance_uid, sop_instance_uid, **searched)
