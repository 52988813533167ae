from django.urls import path

from apps.projects import invitation_views, member_views

app_name = "members"
MEMBERS = "projects/<slug:namespace>/members/"
urlpatterns = [
    path(MEMBERS, member_views.listed, name="members"),
    path(f"{MEMBERS}<int:pk>/role/", member_views.change_role, name="change_role"),
    path(f"{MEMBERS}<int:pk>/export/", member_views.set_export, name="set_export"),
    path(f"{MEMBERS}<int:pk>/remove/", member_views.remove, name="remove"),
    path(f"{MEMBERS}<int:pk>/hand-over/", member_views.hand_over, name="hand_over"),
    path(f"{MEMBERS}leave/", member_views.leave, name="leave"),
    path(f"{MEMBERS}invite/", invitation_views.invite, name="invite"),
    path(f"{MEMBERS}invite-many/", invitation_views.invite_many, name="invite_many"),
    path(f"{MEMBERS}invitations/", invitation_views.listed, name="invitations"),
    path(f"{MEMBERS}invitations/<int:pk>/resend/", invitation_views.resend, name="resend"),
    path(f"{MEMBERS}invitations/<int:pk>/revoke/", invitation_views.revoke, name="revoke"),
    path("invitations/<str:token>/", invitation_views.answer, name="invitation"),
    path("invitations/<str:token>/accept/", invitation_views.accept, name="accept"),
    path("invitations/<str:token>/decline/", invitation_views.decline, name="decline"),
]
