from django.urls import path

from apps.projects import member_api as api

app_name = "members_api"
PROJECT = "projects/<slug:namespace>/"
urlpatterns = [
    path(f"{PROJECT}members/", api.Members.as_view(), name="members"),
    path(f"{PROJECT}members/<int:pk>/", api.MemberDetail.as_view(), name="member"),
    path(f"{PROJECT}members/<int:pk>/hand-over/", api.HandOver.as_view(), name="hand_over"),
    path(f"{PROJECT}invitations/", api.Invitations.as_view(), name="invitations"),
    path(f"{PROJECT}invitations/<int:pk>/", api.InvitationDetail.as_view(), name="invitation"),
    path(f"{PROJECT}invitations/<int:pk>/resend/", api.Resend.as_view(), name="resend"),
]
