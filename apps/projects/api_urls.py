from django.urls import path

from apps.projects import api, life_api

app_name = "projects_api"
PROJECT = "projects/<slug:namespace>/"
urlpatterns = [
    path("projects/", api.Projects.as_view(), name="projects"),
    path(PROJECT, life_api.ProjectDetail.as_view(), name="project"),
    path(f"{PROJECT}changes/", life_api.Changes.as_view(), name="changes"),
    path(f"{PROJECT}suspend/", life_api.Suspend.as_view(), name="suspend"),
    path(f"{PROJECT}resume/", life_api.Resume.as_view(), name="resume"),
    path(f"{PROJECT}archive/", life_api.ArchiveProject.as_view(), name="archive"),
    path(f"{PROJECT}restore/", life_api.Restore.as_view(), name="restore"),
    path(f"{PROJECT}delete/", life_api.ScheduleDeletion.as_view(), name="schedule_deletion"),
    path(f"{PROJECT}undo/", life_api.UndoDeletion.as_view(), name="undo_deletion"),
    path(f"{PROJECT}resources/", life_api.ProjectResources.as_view(), name="resources"),
    path(f"{PROJECT}extensions/", life_api.ProjectExtensions.as_view(), name="project_extensions"),
    path(
        f"{PROJECT}extensions/<int:pk>/withdraw/",
        life_api.WithdrawExtension.as_view(),
        name="withdraw_extension",
    ),
    path("extensions/", life_api.Extensions.as_view(), name="extensions"),
    path("extensions/<int:pk>/grant/", life_api.GrantExtension.as_view(), name="grant_extension"),
    path("extensions/<int:pk>/refuse/", life_api.RefuseExtension.as_view(), name="refuse_extension"),
]
