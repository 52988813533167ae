"""The file app-config.js, from which OHIF learns where images are (https://docs.ohif.org/configuration/)."""

import json
from collections.abc import Sequence
from typing import Any

from django.urls import reverse

from apps.archives.models import Archive

# A search or metadata after the session has ended lead to the sign-in page (of images OHIF tells no errors), and the
# logo to the portal.
_BEHAVIOUR = """
window.config.httpErrorHandler = error => {
  if (error.status === 401) window.location.reload();
};
window.config.whiteLabeling = {
  createLogoComponentFn: React => React.createElement("a", { href: "/", className: "text-foreground" }, "MAIA"),
};
"""


def source_name(archive: Archive) -> str:
    """By which OHIF knows an archive that is loaded with its project; it stands in the addresses of OHIF's pages."""
    namespace = archive.project.namespace
    return namespace if archive.is_default else f"{namespace}~{archive.name}"


def app_config(archives: Sequence[Archive]) -> str:
    """JavaScript that offers OHIF these archives, the first one unless its page says another.

    OHIF sends the browser's session with each request to the portal, so nothing secret is in it.
    """
    configuration = {
        "extensions": [],
        "modes": [],
        "showStudyList": True,
        "showWarningMessageForCrossOrigin": False,
        # A segmentation that somebody opens is shown, not asked about.
        "disableConfirmationPrompts": True,
        "maxNumberOfWebWorkers": 3,
        "defaultDataSourceName": source_name(archives[0]) if archives else None,
        "dataSources": [_source(archive) for archive in archives],
    }
    return f"window.config = {json.dumps(configuration)};{_BEHAVIOUR}"


def _source(archive: Archive) -> dict[str, Any]:
    project = archive.project
    place = [project.namespace] if archive.is_default else [project.namespace, archive.name]
    root = reverse("archives:studies", args=place).removesuffix("/studies")
    return {
        "namespace": "@ohif/extension-default.dataSourcesModule.dicomweb",
        "sourceName": source_name(archive),
        "configuration": {
            "friendlyName": project.name if archive.is_default else f"{project.name}, {archive.name}",
            "name": source_name(archive),
            "qidoRoot": root,
            "wadoRoot": root,
            "wadoUriRoot": root,
            "qidoSupportsIncludeField": True,
            "supportsFuzzyMatching": False,
            "supportsWildcard": True,
            "enableStudyLazyLoad": True,
            "imageRendering": "wadors",
            "thumbnailRendering": "thumbnail",
            "thumbnailRequestStrategy": "fetch",
            # Otherwise OHIF takes a segmentation as a whole object, which only those get who may export.
            "loadMultiframeAsPart10": False,
            "bulkDataURI": {"enabled": True},
        },
    }
