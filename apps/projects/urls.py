from django.urls import path

from apps.projects import extension_views, views

app_name = "projects"
urlpatterns = [
    path("projects/", views.projects, name="projects"),
    path("projects/<slug:namespace>/settings/", views.settings, name="settings"),
    path("projects/<slug:namespace>/settings/description/", views.describe, name="describe"),
    path("projects/<slug:namespace>/settings/extension/", views.ask_extension, name="ask_extension"),
    path("projects/<slug:namespace>/settings/extension/withdraw/", views.withdraw_extension, name="withdraw_extension"),
    path("projects/<slug:namespace>/settings/resources/", views.grant, name="grant"),
    path("projects/<slug:namespace>/settings/suspend/", views.suspend, name="suspend"),
    path("projects/<slug:namespace>/settings/resume/", views.resume, name="resume"),
    path("projects/<slug:namespace>/settings/archive/", views.archive, name="archive"),
    path("projects/<slug:namespace>/settings/restore/", views.restore, name="restore"),
    path("projects/<slug:namespace>/settings/delete/", views.schedule_deletion, name="schedule_deletion"),
    path("projects/<slug:namespace>/settings/undo/", views.undo_deletion, name="undo_deletion"),
    path("extensions/", extension_views.extensions, name="extensions"),
    path("extensions/<int:pk>/", extension_views.extension, name="extension"),
    path("extensions/<int:pk>/grant/", extension_views.grant, name="grant_extension"),
    path("extensions/<int:pk>/refuse/", extension_views.refuse, name="refuse_extension"),
]
