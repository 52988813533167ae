from django.urls import path

from apps.dashboard import views

app_name = "dashboard"
urlpatterns = [
    path("", views.home, name="home"),
    path("outbox/", views.show_outbox, name="outbox"),
    path("projects/<slug:namespace>/", views.project, name="project"),
]
