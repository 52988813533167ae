from django.urls import path

from apps.dashboard import audit_views, outbox_views, people_views, search_views, views

app_name = "dashboard"
urlpatterns = [
    path("", views.home, name="home"),
    path("audit/", audit_views.audit, name="audit"),
    path("audit/export/", audit_views.export, name="export_audit"),
    path("outbox/", outbox_views.outbox, name="outbox"),
    path("outbox/send-again/", outbox_views.send_all_again, name="send_all_again"),
    path("outbox/<int:pk>/send-again/", outbox_views.send_again, name="send_again"),
    path("styleguide/", views.styleguide, name="styleguide"),
    path("search/", search_views.search, name="search"),
    path("people/<int:pk>/projects/", people_views.projects_of_person, name="projects_of_person"),
    path("projects/<slug:namespace>/", views.project, name="project"),
    path("projects/<slug:namespace>/audit/", audit_views.project_audit, name="project_audit"),
    path("projects/<slug:namespace>/audit/export/", audit_views.export_project, name="project_export_audit"),
]
