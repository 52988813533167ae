from django.urls import path

from apps.workspaces import views

app_name = "workspaces"
urlpatterns = [
    path("projects/<slug:namespace>/live/", views.live, name="live"),
    path("projects/<slug:namespace>/workspaces/<int:pk>/open/<slug:app>/", views.open_app, name="open"),
    path("projects/<slug:namespace>/orthanc/", views.orthanc, name="orthanc"),
    path("auth/enter", views.enter_workspace, name="enter"),
    path("auth/verify", views.verify, name="verify"),
]
