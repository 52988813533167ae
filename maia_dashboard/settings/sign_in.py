from datetime import timedelta
from urllib.parse import urlsplit

from maia_dashboard.settings.base import ENV, PUBLIC_URL

AUTH_USER_MODEL = "accounts.User"
AUTH_MODE: str = ENV["AUTH_MODE"]
KEYCLOAK_URL: str = ENV["KEYCLOAK_URL"]
KEYCLOAK_REALM: str = ENV["KEYCLOAK_REALM"]
KEYCLOAK_CLIENT_ID: str = ENV["KEYCLOAK_CLIENT_ID"]
KEYCLOAK_CLIENT_SECRET: str = ENV["KEYCLOAK_CLIENT_SECRET"]
KEYCLOAK_SERVICE_CLIENT_ID: str = ENV["KEYCLOAK_SERVICE_CLIENT_ID"]
KEYCLOAK_SERVICE_SECRET: str = ENV["KEYCLOAK_SERVICE_SECRET"]
KEYCLOAK_TIMEOUT_SECONDS: int = ENV["KEYCLOAK_TIMEOUT_SECONDS"]
AUTHENTICATION_BACKENDS = [
    "axes.backends.AxesStandaloneBackend",
    *(["apps.accounts.keycloak.KeycloakBackend"] if AUTH_MODE == "keycloak" else []),
    "allauth.account.auth_backends.AuthenticationBackend",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 12}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "/"
ACCOUNT_ADAPTER = "apps.accounts.adapter.LocalAccounts"
ACCOUNT_FORMS = {
    "login": "apps.accounts.sign_in_forms.SignInForm",
    "change_password": "apps.accounts.sign_in_forms.ChangedPasswordForm",
    "reauthenticate": "apps.accounts.sign_in_forms.ConfirmingPasswordForm",
    "reset_password": "apps.accounts.sign_in_forms.ForgottenPasswordForm",
    "reset_password_from_key": "apps.accounts.sign_in_forms.NewPasswordForm",
}
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*", "password2*"]
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_EMAIL_VERIFICATION = "none"  # an account is made only for an address that its registration has proved
ACCOUNT_EMAIL_NOTIFICATIONS = True
ACCOUNT_PREVENT_ENUMERATION = True
ACCOUNT_SESSION_REMEMBER = False
ACCOUNT_LOGOUT_REDIRECT_URL = "/"
ACCOUNT_DEFAULT_HTTP_PROTOCOL = urlsplit(PUBLIC_URL).scheme
ACCOUNT_EMAIL_SUBJECT_PREFIX = ""
# Wrong passwords are counted for an e-mail address together with the IP address, so that nobody locks another out.
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]
AXES_FAILURE_LIMIT = 5
AXES_COOLOFF_TIME = timedelta(minutes=15)
AXES_RESET_COOL_OFF_ON_FAILURE_DURING_LOCKOUT = False
AXES_RESET_ON_SUCCESS = True
AXES_DISABLE_ACCESS_LOG = True  # sign-ins are in the audit
AXES_VERBOSE = False
AXES_USERNAME_CALLABLE = "apps.accounts.lockout.name_tried"
AXES_WHITELIST_CALLABLE = "apps.accounts.lockout.is_without_password"
AXES_CLIENT_IP_CALLABLE = "apps.accounts.lockout.address_tried_from"
AXES_LOCKOUT_CALLABLE = "apps.accounts.lockout.answer"
# By whom a mail is asked for is not known: an address gets a few, and all their links work.
ACCOUNT_RATE_LIMITS = {"reset_password": "20/m/ip,5/h/key"}
MFA_ADAPTER = "apps.accounts.second_factor.SecondFactor"
MFA_FORMS = {
    "authenticate": "apps.accounts.sign_in_forms.CodeForm",
    "reauthenticate": "apps.accounts.sign_in_forms.ConfirmingCodeForm",
    "activate_totp": "apps.accounts.sign_in_forms.FirstCodeForm",
}
PASSWORD_RESET_TIMEOUT = 3 * 24 * 3600
