"""What people do with their own account."""

from tests.idor.rows.row import Row, everybody

ACCOUNTS = [
    Row("accounts:account", everybody(200, anonymous=302)),
    Row("accounts:change_profile", everybody(405, anonymous=302)),
    Row("accounts:change_profile", everybody(200, anonymous=302), "POST"),
    Row("accounts:make_token", everybody(405, anonymous=302)),
    Row("accounts:make_token", everybody(200, anonymous=302), "POST"),
    # The token is alice's, who is the owner of the project; nobody else's role helps.
    Row("accounts:revoke_token", (302, 404, 404, 404, 302, 404, 404, 404), "POST", {"pk": "api_token"}),
    Row("accounts:add_ssh_key", everybody(200, anonymous=302), "POST"),
    # The key is alice's as well.
    Row("accounts:remove_ssh_key", (302, 404, 404, 404, 302, 404, 404, 404), "POST", {"pk": "ssh_key"}),
    Row("accounts:sessions", everybody(200, anonymous=302)),
    # The session is alice's too.
    Row("accounts:end_session", (302, 404, 404, 404, 302, 404, 404, 404), "POST", {"pk": "session"}),
    Row("accounts:end_all_sessions", everybody(405, anonymous=302)),
    Row("accounts:end_all_sessions", everybody(302), "POST"),
    Row("mfa_index", everybody(200, anonymous=302)),
    # Nobody has a second factor here, or has proved just now who they are.
    Row("mfa_authenticate", everybody(302)),
    *(Row(f"mfa_{page}", everybody(302)) for page in ("reauthenticate", "activate_totp", "generate_recovery_codes")),
    *(
        Row(f"mfa_{page}", everybody(404, anonymous=302))
        for page in ("deactivate_totp", "view_recovery_codes", "download_recovery_codes")
    ),
    # People sign in with passwords of the portal in these tests.
    Row("keycloak_start", everybody(404), "POST"),
    Row("keycloak_callback", everybody(404)),
    Row("break_glass", everybody(404)),
    Row("accounts:theme", everybody(302), "POST"),
    Row("account_login", everybody(302, anonymous=200)),
    Row("account_signup", everybody(302)),
    Row("account_logout", everybody(200, anonymous=302)),
    Row("account_inactive", everybody(200)),
    Row("account_reauthenticate", everybody(200, anonymous=302)),
    Row("account_change_password", everybody(200, anonymous=302)),
    Row("account_reset_password", everybody(200)),
    Row("account_reset_password_done", everybody(200)),
    Row("account_reset_password_from_key", everybody(200), kwargs={"uidb36": "uidb36", "key": "key"}),
    Row("account_reset_password_from_key_done", everybody(200)),
    Row("accounts_api:account", everybody(200, anonymous=401)),
    Row("accounts_api:account", everybody(200, anonymous=401), "PATCH"),
    Row("accounts_api:tokens", everybody(200, anonymous=401)),
    Row("accounts_api:tokens", everybody(422, anonymous=401), "POST"),
    # The token is alice's.
    Row("accounts_api:token", (401, 404, 404, 404, 204, 404, 404, 404), "DELETE", {"pk": "api_token"}),
]
