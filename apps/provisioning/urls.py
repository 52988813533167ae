from django.urls import path

from apps.provisioning import turn_views, views

app_name = "provisioning"
CHANGE = "projects/<slug:namespace>/members/changes/<int:pk>/"
TURN = "projects/<slug:namespace>/settings/changes/<int:pk>/"
urlpatterns = [
    path(CHANGE, views.show_member_change, name="member_change"),
    path(f"{CHANGE}progress/", views.member_progress, name="member_progress"),
    path(f"{CHANGE}retry/", views.retry_member_change, name="retry_member_change"),
    path(TURN, turn_views.project_change, name="project_change"),
    path(f"{TURN}steps/", turn_views.project_steps, name="project_steps"),
    path(f"{TURN}retry/", turn_views.retry_project, name="retry_project"),
]
