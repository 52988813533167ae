from django.urls import path

from apps.registrations import bulk, console, private, views

app_name = "registrations"
urlpatterns = [
    path("terms/", views.terms, name="terms"),
    path("register/", views.register, name="register"),
    path("register/join/", views.join, name="join"),
    path("register/sent/", views.sent, name="sent"),
    path("register/namespace/", views.namespace, name="namespace"),
    path("register/environment/", views.environment, name="environment"),
    path("requests/<str:token>/", private.page, name="request"),
    path("requests/<str:token>/namespace/", private.namespace, name="request_namespace"),
    path("requests/<str:token>/confirm/", private.confirm, name="confirm"),
    path("requests/<str:token>/answer/", private.answer, name="answer"),
    path("requests/<str:token>/edit/", private.edit, name="edit"),
    path("requests/<str:token>/withdraw/", private.withdraw, name="withdraw"),
    path("requests/<str:token>/progress/", private.progress, name="progress"),
    path("requests/<str:token>/retry/", private.retry, name="retry"),
    path("approvals/", console.approvals, name="approvals"),
    path("approvals/several/", bulk.decide, name="decide_several"),
    path("approvals/<int:pk>/", console.approval, name="approval"),
    path("approvals/<int:pk>/approve/", console.approve, name="approve"),
    path("approvals/<int:pk>/reject/", console.reject, name="reject"),
    path("approvals/<int:pk>/changes/", console.ask_for_changes, name="ask_for_changes"),
    path("approvals/<int:pk>/progress/", console.progress, name="approval_progress"),
    path("approvals/<int:pk>/retry/", console.retry, name="approval_retry"),
]
