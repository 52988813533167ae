from django.urls import path

from apps.viewer import views

app_name = "viewer"
urlpatterns = [
    path("viewer/", views.page, name="start"),
    path("viewer/app-config.js", views.configuration, name="configuration"),
    path("viewer/<path:path>", views.page, name="page"),
]
