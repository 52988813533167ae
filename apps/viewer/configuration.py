"""The file app-config.js, from which OHIF learns where images are (https://docs.ohif.org/configuration/)."""

import json
from collections.abc import Sequence
from typing import Any

from django.urls import reverse

from apps.projects.models import Project

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


def app_config(projects: Sequence[Project]) -> str:
    """JavaScript that offers OHIF the default archives of these projects, the first one unless its page says another.

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
        "defaultDataSourceName": projects[0].namespace if projects else None,
        "dataSources": [_source(project) for project in projects],
    }
    return f"window.config = {json.dumps(configuration)};{_BEHAVIOUR}"


def _source(project: Project) -> dict[str, Any]:
    root = reverse("archives:studies", args=[project.namespace]).removesuffix("/studies")
    return {
        "namespace": "@ohif/extension-default.dataSourcesModule.dicomweb",
        "sourceName": project.namespace,
        "configuration": {
            "friendlyName": project.name,
            "name": project.namespace,
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
