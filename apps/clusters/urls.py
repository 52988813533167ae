from django.urls import path

from apps.clusters import views

app_name = "clusters"
urlpatterns = [
    path("clusters/", views.clusters, name="clusters"),
    path("clusters/new/", views.new, name="new"),
    path("clusters/<slug:name>/", views.cluster, name="cluster"),
    path("clusters/<slug:name>/edit/", views.edit, name="edit"),
    path("clusters/<slug:name>/check/", views.check, name="check"),
    path("clusters/<slug:name>/switch/", views.switch, name="switch"),
]
