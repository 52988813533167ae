from django.urls import path

from apps.jobs import views

app_name = "jobs"
RUNS = "projects/<slug:namespace>/runs/"
urlpatterns = [
    path("algorithms/", views.algorithms, name="algorithms"),
    path(RUNS, views.runs, name="runs"),
    path(f"{RUNS}new/", views.new, name="new"),
    path(f"{RUNS}of/<uid:series_instance_uid>/", views.runs_of_series, name="runs_of_series"),
    path(f"{RUNS}<int:pk>/", views.run, name="run"),
    path(f"{RUNS}<int:pk>/status/", views.status, name="status"),
    path(f"{RUNS}<int:pk>/log/", views.log, name="log"),
    path(f"{RUNS}<int:pk>/log.txt", views.log_file, name="log_file"),
    path(f"{RUNS}<int:pk>/cancel/", views.cancel, name="cancel"),
]
