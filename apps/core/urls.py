from django.urls import path

from apps.core import views

app_name = "core"
urlpatterns = [
    path("healthz/live", views.live, name="live"),
    path("healthz/ready", views.ready, name="ready"),
]
