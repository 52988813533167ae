"""Django's settings. Values from outside come from `environment`, nowhere else."""

import os
from datetime import timedelta
from ipaddress import IPv4Network, IPv6Network
from typing import Any
from urllib.parse import urlsplit

import environ

from maia_dashboard import environment, log_format


def _origin(address: str) -> str:
    parts = urlsplit(address)
    return f"{parts.scheme}://{parts.netloc}"


ENV = environment.read()
BASE_DIR = ENV["BASE_DIR"]
VAR_DIR = ENV["VAR_DIR"]
# SQLite looks for it once, when it is loaded; on a read-only root there is no other folder for its temporary files.
os.environ.setdefault("SQLITE_TMPDIR", str(VAR_DIR / "tmp"))
os.umask(0o077)  # whatever this process writes is for nobody else, also in a folder that others may enter
SECRET_KEY = ENV["SECRET_KEY"]
CREDENTIALS_KEY = ENV["CREDENTIALS_KEY"]
DEBUG = False
VERSION = "0.1.0"

PUBLIC_URL: str = ENV["PUBLIC_URL"]
DIMSE_PORT: int = ENV["DIMSE_PORT"]
_public = urlsplit(PUBLIC_URL)
ALLOWED_HOSTS = [_public.hostname or "127.0.0.1", "127.0.0.1", "localhost", "[::1]", *ENV["ALLOWED_HOSTS"]]
WORKSPACES_URL: str = ENV["WORKSPACES_URL"]
if WORKSPACES_URL:
    ALLOWED_HOSTS.append(urlsplit(WORKSPACES_URL).hostname or "")
CSRF_TRUSTED_ORIGINS = [PUBLIC_URL]
IS_HTTPS = _public.scheme == "https"
# The proxy nearest to the portal adds the last address of X-Forwarded-For; what stands before, anyone may have sent.
ALLAUTH_TRUSTED_PROXY_COUNT = ENV["TRUSTED_PROXIES"]
if ENV["TRUSTED_PROXIES"]:
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")

INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "allauth.usersessions",
    "axes",
    "csp",
    "django_htmx",
    "rest_framework",
    "drf_spectacular",
    "maia_dashboard",
    "celery_worker",
    "apps.core",
    "apps.audit",
    "apps.accounts",
    "apps.projects",
    "apps.archives",
    "apps.clusters",
    "apps.workspaces",
    "apps.viewer",
    "apps.datasets",
    "apps.provisioning",
    "apps.jobs",
    "apps.registrations",
    "apps.dashboard",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "apps.core.middleware.RequestLog",
    "apps.audit.origin.Origin",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "apps.accounts.middleware.SignInRequired",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "axes.middleware.AxesMiddleware",
]

ROOT_URLCONF = "maia_dashboard.urls"
WSGI_APPLICATION = "maia_dashboard.wsgi.application"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "apps.dashboard.context.page",
            ],
        },
    },
]

# SQLite takes the write lock when a transaction starts (IMMEDIATE), so that two writers queue instead of failing;
# hence no ATOMIC_REQUESTS, which would make every GET a writer.
SQLITE: dict[str, Any] = {
    "ENGINE": "django.db.backends.sqlite3",
    "NAME": VAR_DIR / "db.sqlite3",
    "OPTIONS": {
        "transaction_mode": "IMMEDIATE",
        "timeout": 20,
        "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA cache_size=-32000;",
    },
    "TEST": {"NAME": VAR_DIR / "test.sqlite3"},
}
DATABASES = {"default": environ.Env.db_url_config(ENV["DATABASE_URL"]) if ENV["DATABASE_URL"] else SQLITE}
DATABASES["default"]["CONN_MAX_AGE"] = 600

CACHES: dict[str, dict[str, Any]] = {
    "default": {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": ENV["REDIS_URL"]}
    if ENV["REDIS_URL"]
    else {"BACKEND": "django.core.cache.backends.filebased.FileBasedCache", "LOCATION": VAR_DIR / "cache"}
}

# Sign-in
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
ACCOUNT_DEFAULT_HTTP_PROTOCOL = _public.scheme
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

# Cookies and headers
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = IS_HTTPS
SESSION_COOKIE_AGE = 12 * 3600
SESSION_SAVE_EVERY_REQUEST = False
SECURE_REFERRER_POLICY = "same-origin"
SECURE_HSTS_SECONDS = 31536000 if IS_HTTPS else 0
CSRF_FAILURE_VIEW = "apps.core.views.csrf_failure"
X_FRAME_OPTIONS = "DENY"
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": ["'none'"],
        "script-src": ["'self'"],
        "style-src": ["'self'"],
        "img-src": ["'self'", "data:", "blob:"],
        "font-src": ["'self'"],
        "connect-src": ["'self'"],
        "manifest-src": ["'self'"],
        # A form that leads to another address is held to this there too: signing in goes on at Keycloak.
        "form-action": ["'self'", *([_origin(KEYCLOAK_URL)] if AUTH_MODE == "keycloak" else [])],
        "frame-ancestors": ["'none'"],
        "base-uri": ["'none'"],
    }
}

# Files
STATIC_URL = "/static/"
STATIC_ROOT = VAR_DIR / "static"
STATICFILES_DIRS = [BASE_DIR / "static"]
# Not what lies in a folder `static` of a package: that may be code, as in apps.archives.static.
STATICFILES_FINDERS = ["django.contrib.staticfiles.finders.FileSystemFinder"]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"},
}
ARCHIVES_DIR = VAR_DIR / "archives"
OBJECT_CACHE_DIR = VAR_DIR / "object-cache"
OBJECT_CACHE_BYTES = ENV["OBJECT_CACHE_GIB"] * 1024**3
OUTBOUND_ALLOWED_NETWORKS: list[IPv4Network | IPv6Network] = ENV["OUTBOUND_ALLOWED_NETWORKS"]
OUTBOUND_CA_FILE: str = ENV["OUTBOUND_CA_FILE"]
EXPORT_TARGETS: dict[str, str] = ENV["EXPORT_TARGETS"]
S3_ENDPOINT: str = ENV["S3_ENDPOINT"]
S3_ACCESS_KEY: str = ENV["S3_ACCESS_KEY"]
S3_SECRET_KEY: str = ENV["S3_SECRET_KEY"]
PLATFORM = ENV["PLATFORM"]
PORTAL_SOURCES = ENV["PORTAL_SOURCES"]
ORTHANC_IMAGE = ENV["ORTHANC_IMAGE"]
WORKSPACE_IMAGE = ENV["WORKSPACE_IMAGE"]
RUNS_DIR = VAR_DIR / "runs"
VIEWER_DIR = BASE_DIR / "ohif"
SAMPLES_DIR = BASE_DIR / "deploy" / "samples"
FILE_UPLOAD_TEMP_DIR = VAR_DIR / "tmp"
FILE_UPLOAD_HANDLERS = ["django.core.files.uploadhandler.TemporaryFileUploadHandler"]  # images never in memory
DATA_UPLOAD_MAX_MEMORY_SIZE = 1024**2
DATA_UPLOAD_MAX_NUMBER_FILES = 5000
UPLOAD_MAX_BYTES = ENV["UPLOAD_MAX_GIB"] * 1024**3
READER_PROCESSES = ENV["READER_PROCESSES"]
READER_MEMORY_BYTES = ENV["READER_MEMORY_MIB"] * 1024**2

# Mail
OUTBOX_DIR = None if ENV["EMAIL_URL"] else VAR_DIR / "outbox"
DEFAULT_FROM_EMAIL = ENV["MAIL_FROM"]
if ENV["EMAIL_URL"]:
    vars().update(environ.Env.email_url_config(ENV["EMAIL_URL"]))
    EMAIL_BACKEND = "apps.core.smtp.BoundedBackend"
    EMAIL_TIMEOUT = 20
else:
    EMAIL_BACKEND = "apps.core.outbox.OutboxBackend"

# Queue
CELERY_BROKER_URL = ENV["REDIS_URL"] or "filesystem://localhost"
CELERY_BROKER_TRANSPORT_OPTIONS: dict[str, Any] = (
    {"socket_timeout": 5, "socket_connect_timeout": 5}
    if ENV["REDIS_URL"]
    else {
        # One folder for both directions makes the queue visible to all processes; the default poll takes seconds.
        "data_folder_in": str(VAR_DIR / "queue"),
        "data_folder_out": str(VAR_DIR / "queue"),
        "control_folder": str(VAR_DIR / "queue" / "control"),
        "polling_interval": 0.2,
    }
)
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_TASK_PUBLISH_RETRY = False
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_SERIALIZER = "json"
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_WORKER_ENABLE_REMOTE_CONTROL = False
CELERY_WORKER_SEND_TASK_EVENTS = False
CELERY_TIMEZONE = "UTC"
ARCHIVE_AFTER_DAYS = ENV["ARCHIVE_AFTER_DAYS"]
DELETION_GRACE_DAYS = ENV["DELETION_GRACE_DAYS"]
SWEEP_SECONDS = ENV["SWEEP_SECONDS"]
OBSERVE_SECONDS = ENV["OBSERVE_SECONDS"]
CLAIM_SECONDS = ENV["CLAIM_SECONDS"]
RUNS_AT_ONCE = ENV["RUNS_AT_ONCE"]
RUN_QUEUE_HOURS = ENV["RUN_QUEUE_HOURS"]
PORTAL_IMAGE = ENV["PORTAL_IMAGE"]
RUN_MEMORY_BYTES = ENV["RUN_MEMORY_GIB"] * 1024**3

# Language, time, logs
LANGUAGE_CODE = "en-gb"
USE_TZ = True
TIME_ZONE = "UTC"
LOGGING_CONFIG = None
log_format.configure(ENV["LOG_LEVEL"])

# API
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "apps.accounts.authentication.BearerToken",
        "apps.accounts.authentication.PersonalSession",
    ],
    "DEFAULT_PERMISSION_CLASSES": [
        "rest_framework.permissions.IsAuthenticated",
        "apps.accounts.permissions.TokenScope",
    ],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["apps.core.parsers.Json"],
    "ALLOWED_VERSIONS": ["1"],
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "DEFAULT_PAGINATION_CLASS": "apps.core.api.Pages",
    "DEFAULT_FILTER_BACKENDS": ["apps.core.api_filters.ByForm"],
    "PAGE_SIZE": 100,
    "EXCEPTION_HANDLER": "apps.core.api.error_response",
}
SPECTACULAR_SETTINGS = {
    "TITLE": "MAIA Dashboard",
    "VERSION": "1",
    "SERVE_INCLUDE_SCHEMA": False,
    "SCHEMA_PATH_PREFIX": "/api/v1/",
    "ENUM_NAME_OVERRIDES": {
        "RunState": "apps.jobs.models.Run.Status",
        "RegistrationState": "apps.registrations.models.Registration.Status",
        "JoiningRole": "apps.registrations.models.Registration.WANTED_ROLES",
        "MembershipRole": "apps.projects.models.Membership.Role",
        "InvitationState": "apps.projects.models.Invitation.Status",
        "ProjectState": "apps.projects.models.Project.Status",
    },
    "POSTPROCESSING_HOOKS": [
        "drf_spectacular.hooks.postprocess_schema_enums",
        "maia_dashboard.api_schema.document_refusals",
    ],
}
