from django.urls import path

from apps.projects import api

app_name = "projects_api"
urlpatterns = [path("projects/", api.Projects.as_view(), name="projects")]
