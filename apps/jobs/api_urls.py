from django.urls import path

from apps.jobs import api

app_name = "jobs_api"
RUNS = "projects/<slug:namespace>/runs/"
urlpatterns = [
    path("algorithms/", api.Algorithms.as_view(), name="algorithms"),
    path(RUNS, api.Runs.as_view(), name="runs"),
    path(f"{RUNS}<int:pk>/", api.RunDetail.as_view(), name="run"),
    path(f"{RUNS}<int:pk>/cancel/", api.CancelRun.as_view(), name="cancel"),
]
