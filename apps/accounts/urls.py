from allauth.account import views as allauth
from django.contrib.auth.decorators import login_not_required
from django.urls import include, path, re_path
from django.views.generic import RedirectView

from apps.accounts import sign_in_views, views
from apps.accounts.sign_in_views import with_password

ours = (
    [
        path("", views.account, name="account"),
        path("tokens/", views.make_token, name="make_token"),
        path("tokens/<int:pk>/revoke/", views.revoke_token, name="revoke_token"),
        path("ssh-keys/", views.add_ssh_key, name="add_ssh_key"),
        path("ssh-keys/<int:pk>/remove/", views.remove_ssh_key, name="remove_ssh_key"),
        path("theme/", views.theme, name="theme"),
    ],
    "accounts",
)

# Of allauth only what the portal offers, under the names that allauth looks up: signing up is registering a project,
# and there is no change of the e-mail address, since an address here is one that a registration has proved.
urlpatterns = [
    path("", include(ours)),
    path("login/", sign_in_views.sign_in, name="account_login"),
    path("keycloak/start/", sign_in_views.Start.as_view(), name="keycloak_start"),
    path("break-glass/", sign_in_views.BreakGlass.as_view(), name="break_glass"),
    path(
        "signup/",
        login_not_required(RedirectView.as_view(pattern_name="registrations:register")),
        name="account_signup",
    ),
    path("logout/", sign_in_views.sign_out, name="account_logout"),
    path("inactive/", allauth.account_inactive, name="account_inactive"),
    path("reauthenticate/", with_password(allauth.reauthenticate), name="account_reauthenticate"),
    path("password/change/", with_password(allauth.password_change), name="account_change_password"),
    path("password/reset/", with_password(allauth.password_reset), name="account_reset_password"),
    path("password/reset/done/", with_password(allauth.password_reset_done), name="account_reset_password_done"),
    re_path(
        r"^password/reset/key/(?P<uidb36>[0-9A-Za-z]+)-(?P<key>.+)/$",
        with_password(allauth.password_reset_from_key),
        name="account_reset_password_from_key",
    ),
    path(
        "password/reset/key/done/",
        with_password(allauth.password_reset_from_key_done),
        name="account_reset_password_from_key_done",
    ),
]
