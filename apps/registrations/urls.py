from django.urls import path

from apps.registrations import console, views

app_name = "registrations"
urlpatterns = [
    path("terms/", views.terms, name="terms"),
    path("register/", views.register, name="register"),
    path("register/sent/", views.sent, name="sent"),
    path("register/namespace/", views.namespace, name="namespace"),
    path("requests/<str:token>/", views.request_page, name="request"),
    path("requests/<str:token>/namespace/", views.namespace, name="request_namespace"),
    path("requests/<str:token>/confirm/", views.confirm, name="confirm"),
    path("requests/<str:token>/edit/", views.edit, name="edit"),
    path("requests/<str:token>/withdraw/", views.withdraw, name="withdraw"),
    path("requests/<str:token>/progress/", views.progress, name="progress"),
    path("requests/<str:token>/retry/", views.retry, name="retry"),
    path("approvals/", console.approvals, name="approvals"),
    path("approvals/<int:pk>/", console.approval, name="approval"),
    path("approvals/<int:pk>/approve/", console.approve, name="approve"),
    path("approvals/<int:pk>/reject/", console.reject, name="reject"),
    path("approvals/<int:pk>/changes/", console.ask_for_changes, name="ask_for_changes"),
    path("approvals/<int:pk>/progress/", console.progress, name="approval_progress"),
    path("approvals/<int:pk>/retry/", console.retry, name="approval_retry"),
]
