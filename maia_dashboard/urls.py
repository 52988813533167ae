"""Every address of the portal (DESIGN §8)."""

from django.urls import include, path

from apps.accounts.sign_in_views import Callback
from apps.projects.groups import follow
from maia_dashboard.api_schema import schema

urlpatterns = [
    # First, since no other addresses are asked for so often: frame by frame.
    path("", include("apps.archives.urls")),
    path("", include("apps.core.urls")),
    path("", include("apps.dashboard.urls")),
    path("", include("apps.projects.urls")),
    path("", include("apps.registrations.urls")),
    path("", include("apps.jobs.urls")),
    path("", include("apps.datasets.urls")),
    path("", include("apps.viewer.urls")),
    path("", include("apps.clusters.urls")),
    path("", include("apps.workspaces.urls")),
    path("", include("apps.projects.member_urls")),
    path("", include("apps.provisioning.urls")),
    path("account/", include("apps.accounts.urls")),
    path("people/", include("apps.accounts.people_urls")),
    path("account/keycloak/callback/", Callback.as_view(then=follow), name="keycloak_callback"),
    path("api/v1/", include("apps.accounts.api_urls")),
    path("api/v1/", include("apps.projects.api_urls")),
    path("api/v1/", include("apps.projects.member_api_urls")),
    path("api/v1/", include("apps.jobs.api_urls")),
    path("api/v1/", include("apps.registrations.api_urls")),
    path("api/v1/", include("apps.dashboard.api_urls")),
    path("api/v1/schema/", schema, name="schema"),
]

handler400 = "apps.core.views.bad_request"
handler403 = "apps.core.views.forbidden"
handler404 = "apps.core.views.not_found"
handler500 = "apps.core.views.server_error"
