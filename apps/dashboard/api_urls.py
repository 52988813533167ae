from django.urls import path

from apps.dashboard import api

app_name = "dashboard_api"
urlpatterns = [
    path("audit/", api.Audit.as_view(), name="audit"),
    path("projects/<slug:namespace>/audit/", api.ProjectAudit.as_view(), name="project_audit"),
]
