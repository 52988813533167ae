from allauth.account import views as allauth
from allauth.mfa.base import views as mfa
from allauth.mfa.recovery_codes import views as recovery_codes
from django.contrib.auth.decorators import login_not_required
from django.urls import include, path, re_path
from django.views.generic import RedirectView

from apps.accounts import second_factor_views, session_views, sign_in_views, views
from apps.accounts.second_factor_views import if_readable
from apps.accounts.sign_in_views import with_password
from apps.core.forms import takes_fields

with_credentials = takes_fields("login", "password", "next")

ours = (
    [
        path("", views.account, name="account"),
        path("profile/", views.change_profile, name="change_profile"),
        path("tokens/", views.make_token, name="make_token"),
        path("tokens/<int:pk>/revoke/", views.revoke_token, name="revoke_token"),
        path("ssh-keys/", views.add_ssh_key, name="add_ssh_key"),
        path("ssh-keys/<int:pk>/remove/", views.remove_ssh_key, name="remove_ssh_key"),
        path("sessions/", session_views.sessions, name="sessions"),
        path("sessions/<int:pk>/end/", session_views.end, name="end_session"),
        path("sessions/end-all/", session_views.end_all, name="end_all_sessions"),
        path("theme/", views.theme, name="theme"),
    ],
    "accounts",
)

# Of people with a password of the portal; for others Keycloak asks.
second_factor = [
    path("", with_password(second_factor_views.Index.as_view()), name="mfa_index"),
    path("code/", takes_fields("code")(mfa.authenticate), name="mfa_authenticate"),
    path("confirm/", with_password(mfa.reauthenticate), name="mfa_reauthenticate"),
    path("app/", with_password(second_factor_views.SetUp.as_view()), name="mfa_activate_totp"),
    path("app/stop/", with_password(second_factor_views.Stop.as_view()), name="mfa_deactivate_totp"),
    path(
        "recovery-codes/",
        with_password(if_readable(recovery_codes.view_recovery_codes)),
        name="mfa_view_recovery_codes",
    ),
    path(
        "recovery-codes/new/",
        with_password(if_readable(second_factor_views.NewRecoveryCodes.as_view())),
        name="mfa_generate_recovery_codes",
    ),
    path(
        "recovery-codes/file/",
        with_password(if_readable(recovery_codes.download_recovery_codes)),
        name="mfa_download_recovery_codes",
    ),
]

# Of allauth only what the portal offers, under the names that allauth looks up: signing up is registering a project,
# and there is no change of the e-mail address, since an address here is one that a registration has proved.
urlpatterns = [
    path("", include(ours)),
    path("second-factor/", include(second_factor)),
    path("login/", with_credentials(sign_in_views.sign_in), name="account_login"),
    path("keycloak/start/", takes_fields("next", "again")(sign_in_views.Start.as_view()), name="keycloak_start"),
    path("break-glass/", with_credentials(sign_in_views.BreakGlass.as_view()), name="break_glass"),
    path(
        "signup/",
        login_not_required(RedirectView.as_view(pattern_name="registrations:register")),
        name="account_signup",
    ),
    path("logout/", takes_fields("next")(sign_in_views.sign_out), name="account_logout"),
    path("inactive/", allauth.account_inactive, name="account_inactive"),
    path("reauthenticate/", with_password(allauth.reauthenticate), name="account_reauthenticate"),
    path("password/change/", with_password(allauth.password_change), name="account_change_password"),
    path(
        "password/reset/",
        with_password(takes_fields("email")(allauth.password_reset)),
        name="account_reset_password",
    ),
    path("password/reset/done/", with_password(allauth.password_reset_done), name="account_reset_password_done"),
    re_path(
        r"^password/reset/key/(?P<uidb36>[0-9A-Za-z]+)-(?P<key>.+)/$",
        with_password(takes_fields("password1", "password2")(allauth.password_reset_from_key)),
        name="account_reset_password_from_key",
    ),
    path(
        "password/reset/key/done/",
        with_password(allauth.password_reset_from_key_done),
        name="account_reset_password_from_key_done",
    ),
]
