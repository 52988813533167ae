from django.urls import path

from apps.registrations import api

app_name = "registrations_api"
urlpatterns = [
    path("registrations/", api.Registrations.as_view(), name="registrations"),
    path("registrations/join/", api.JoinRegistrations.as_view(), name="join"),
    path("registrations/<int:pk>/", api.RegistrationDetail.as_view(), name="registration"),
    path("registrations/<int:pk>/withdraw/", api.WithdrawRegistration.as_view(), name="withdraw"),
    path("registrations/<int:pk>/answer/", api.AnswerRegistration.as_view(), name="answer"),
    path("approvals/", api.Approvals.as_view(), name="approvals"),
    path("approvals/<int:pk>/", api.ApprovalDetail.as_view(), name="approval"),
    path("approvals/<int:pk>/approve/", api.Approve.as_view(), name="approve"),
    path("approvals/<int:pk>/reject/", api.Reject.as_view(), name="reject"),
    path("approvals/<int:pk>/changes/", api.AskForChanges.as_view(), name="ask_for_changes"),
]
