from django.urls import include, path

from apps.datasets import views

app_name = "datasets"
pages = [
    path("", views.studies, name="studies"),
    path("upload/", views.upload, name="upload"),
    path("uploads/<int:pk>/", views.upload_result, name="upload_result"),
    path("studies/<str:study_instance_uid>/", views.study, name="study"),
    path("series/<str:series_instance_uid>/", views.series, name="series"),
    path(
        "series/<str:series_instance_uid>/overlay/<str:sop_instance_uid>.png",
        views.overlay,
        name="overlay",
    ),
    path("series/<str:series_instance_uid>/tags/<str:sop_instance_uid>/", views.attributes, name="attributes"),
]
urlpatterns = [path("projects/<slug:namespace>/data/", include(pages))]
