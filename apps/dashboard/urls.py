from django.urls import path

from apps.dashboard import outbox_views, people_views, views

app_name = "dashboard"
urlpatterns = [
    path("", views.home, name="home"),
    path("outbox/", outbox_views.outbox, name="outbox"),
    path("outbox/<int:pk>/send-again/", outbox_views.send_again, name="send_again"),
    path("people/<int:pk>/projects/", people_views.projects_of_person, name="projects_of_person"),
    path("projects/<slug:namespace>/", views.project, name="project"),
]
