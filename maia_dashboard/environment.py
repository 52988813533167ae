"""The one place that reads the environment. The same list makes the documentation (`manage.py settings_table`)."""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import Any

import environ

from maia_dashboard.first_start import BASE_DIR, var_dir


class SettingInvalid(SystemExit):
    """A setting is missing or has a value that cannot be used; the sentence names it and says what to do."""


@dataclass(frozen=True)
class Setting:
    name: str
    kind: str  # a cast of django-environ: str, int, bool, list
    default: Any
    help: str
    choices: tuple[str, ...] = ()


SETTINGS = (
    Setting("VAR_DIR", "str", "var", "Folder for the database, images, queue, mails and secrets of a single machine."),
    Setting("SECRET_KEY", "str", "", "Signs sessions and links. Empty: read from VAR_DIR/secret_key, made by `up`."),
    Setting(
        "CREDENTIALS_KEY",
        "str",
        "",
        "Encrypts stored credentials of clusters, archives and second factors. Empty: SECRET_KEY.",
    ),
    Setting("PORT", "int", 8000, "Port of the web server that `up` starts."),
    Setting("BIND", "str", "127.0.0.1", "Address on which it listens; 0.0.0.0 inside a container."),
    Setting("DIMSE_PORT", "int", 0, "Port on which `up` takes DICOM by DIMSE, from listed devices. 0: none."),
    Setting("DIMSE_BIND", "str", "127.0.0.1", "Address on which it does; 0.0.0.0 lets other machines reach it."),
    Setting("PUBLIC_URL", "str", "", "Address that people type. Empty: http://127.0.0.1:PORT."),
    Setting("ALLOWED_HOSTS", "list", [], "Further host names under which the portal answers."),
    Setting(
        "TRUSTED_PROXIES", "int", 0, "Reverse proxies before the portal whose X-Forwarded-For and -Proto are believed."
    ),
    Setting("DATABASE_URL", "str", "", "postgres://USER:PASSWORD@HOST:PORT/NAME. Empty: SQLite in VAR_DIR."),
    Setting("REDIS_URL", "str", "", "redis://HOST:PORT/0 for queue and cache. Empty: folders in VAR_DIR."),
    Setting(
        "PLATFORM",
        "str",
        "embedded",
        "Where new projects live: `embedded`, on this machine, or `kubernetes`, on a registered cluster.",
        ("embedded", "kubernetes"),
    ),
    Setting("WORKSPACES_URL", "str", "", "The proxy's second host, for desktops and Jupyter in the browser."),
    Setting("PORTAL_SOURCES", "list", [], "Whence the portal reaches pods: networks (CIDR), or `namespace:NAME`."),
    Setting("ORTHANC_IMAGE", "str", "", "Image of Orthanc. Empty: the cluster's image prefix and `orthanc`."),
    Setting("WORKSPACE_IMAGE", "str", "", "Image of workspaces. Empty: the cluster's image prefix and `workspace`."),
    Setting("EMAIL_URL", "str", "", "smtp+tls://USER:PASSWORD@HOST:587. Empty: mails are kept in VAR_DIR/outbox."),
    Setting("MAIL_FROM", "str", "MAIA <maia@localhost>", "Sender of the portal's mails."),
    Setting("ADMIN_EMAIL", "str", "admin@localhost.localdomain", "E-mail address of the first administrator."),
    Setting("AUTH_MODE", "str", "local", "`local`: passwords kept by the portal. `keycloak`: people sign in there."),
    Setting("KEYCLOAK_URL", "str", "", "https://HOST of Keycloak, as people and the portal reach it."),
    Setting("KEYCLOAK_REALM", "str", "maia", "Realm, made from deploy/keycloak/realm.json."),
    Setting("KEYCLOAK_CLIENT_ID", "str", "maia", "Client by which people sign in."),
    Setting("KEYCLOAK_CLIENT_SECRET", "str", "", "Its secret."),
    Setting("KEYCLOAK_SERVICE_CLIENT_ID", "str", "maia-service", "Client that makes people and groups."),
    Setting("KEYCLOAK_SERVICE_SECRET", "str", "", "Its secret."),
    Setting("KEYCLOAK_TIMEOUT_SECONDS", "int", 5, "How long the portal waits for an answer of Keycloak."),
    Setting("WEB_PROCESSES", "int", 2, "Processes of the web server."),
    Setting("WEB_THREADS", "int", 8, "Threads of each of these processes."),
    Setting("WORKER_THREADS", "int", 4, "Tasks that the worker does at the same time."),
    Setting("READER_PROCESSES", "int", 2, "Limited child processes that parse images, for each web or worker process."),
    Setting("READER_MEMORY_MIB", "int", 2048, "Memory limit of such a child process."),
    Setting("UPLOAD_MAX_GIB", "int", 64, "Largest upload or unpacked zip."),
    Setting("OBJECT_CACHE_GIB", "int", 2, "Disk for copies of images of remote archives, kept for an hour at most."),
    Setting(
        "EXPORT_TARGETS",
        "list",
        [],
        "Where people may export images to: `NAME=DIR` or `NAME=s3://BUCKET/PREFIX`, with commas between.",
    ),
    Setting(
        "OUTBOUND_ALLOWED_NETWORKS",
        "list",
        [],
        "Networks (CIDR) beside the internet where archives that people enter may be, like 10.20.0.0/16.",
    ),
    Setting("OUTBOUND_CA_FILE", "str", "", "CAs (PEM) that sign these archives' certificates. Empty: the public ones."),
    Setting("S3_ENDPOINT", "str", "", "Address of the S3 server for exports. Empty: Amazon's own."),
    Setting("S3_ACCESS_KEY", "str", "", "Its access key."),
    Setting("S3_SECRET_KEY", "str", "", "Its secret."),
    Setting("RUNS_AT_ONCE", "int", 1, "Algorithm runs that this machine does at the same time."),
    Setting("RUN_MEMORY_GIB", "int", 8, "Most memory that one run may ask for on this machine."),
    Setting("RUN_QUEUE_HOURS", "int", 24, "So long a run waits for room or a GPU in a cluster before it fails."),
    Setting("PORTAL_IMAGE", "str", "", "The portal's image, for runs in a cluster. Empty: its prefix/maia-dashboard."),
    Setting("ARCHIVE_AFTER_DAYS", "int", 30, "So long after its last day a suspended project is archived."),
    Setting("DELETION_GRACE_DAYS", "int", 14, "So long the deletion of a project can be undone."),
    Setting("UPLOAD_FILES_KEPT_DAYS", "int", 30, "So long an upload has the list of its files, then its totals alone."),
    Setting("SWEEP_SECONDS", "int", 60, "How often everything that waits is looked at again."),
    Setting("OBSERVE_SECONDS", "int", 2, "How often active runs are looked at."),
    Setting("CLAIM_SECONDS", "int", 60, "After this time work claimed by a worker that died is taken over."),
    Setting("SAMPLE_PROJECT", "bool", True, "`up` loads the project `sample` with images."),
    Setting("LOG_LEVEL", "str", "INFO", "DEBUG, INFO, WARNING or ERROR."),
)
YES_OR_NO = {"true", "false", "yes", "no", "on", "off", "1", "0"}
POSITIVE = {setting.name for setting in SETTINGS if setting.kind == "int" and setting.default}
HIGHEST_PORT = 65535
AUTH_MODES = ("local", "keycloak")
KEYCLOAK_NEEDS = ("KEYCLOAK_URL", "KEYCLOAK_CLIENT_SECRET", "KEYCLOAK_SERVICE_SECRET")


def read(source: Mapping[str, str] | None = None) -> dict[str, Any]:
    """All settings by name.

    Raises SettingInvalid for a value of the wrong kind and for a missing secret.
    """
    environment = environ.Env()
    environment.ENVIRON = dict(os.environ if source is None else source)
    values = {setting.name: _read_one(environment, setting) for setting in SETTINGS}
    values["VAR_DIR"] = var_dir()
    values["BASE_DIR"] = BASE_DIR
    values["SECRET_KEY"] = values["SECRET_KEY"] or _secret_of(values["VAR_DIR"])
    values["CREDENTIALS_KEY"] = values["CREDENTIALS_KEY"] or values["SECRET_KEY"]
    values["WORKSPACES_URL"] = values["WORKSPACES_URL"].rstrip("/")
    values["PUBLIC_URL"] = (values["PUBLIC_URL"] or f"http://127.0.0.1:{values['PORT']}").rstrip("/")
    values["KEYCLOAK_URL"] = values["KEYCLOAK_URL"].rstrip("/")
    values["EXPORT_TARGETS"] = _export_targets(values["EXPORT_TARGETS"])
    values["OUTBOUND_ALLOWED_NETWORKS"] = _networks(values["OUTBOUND_ALLOWED_NETWORKS"])
    if values["OUTBOUND_CA_FILE"] and not Path(values["OUTBOUND_CA_FILE"]).is_file():
        raise SettingInvalid("OUTBOUND_CA_FILE must be a file of certificates that is there.")
    _need_keycloak(values)
    return values


def _networks(texts: list[str]) -> list[IPv4Network | IPv6Network]:
    try:
        return [ip_network(text.strip()) for text in texts]
    except ValueError as error:
        raise SettingInvalid(f"OUTBOUND_ALLOWED_NETWORKS must be networks like 10.20.0.0/16: {error}.") from error


def _export_targets(pairs: list[str]) -> dict[str, str]:
    """Places by name."""
    named = [pair.partition("=") for pair in pairs]
    if not all(re.fullmatch(r"[A-Za-z0-9._-]{1,40}", name) and place for name, _, place in named):
        raise SettingInvalid("EXPORT_TARGETS must be NAME=DIR or NAME=s3://BUCKET/PREFIX, with commas between.")
    return {name: place for name, _, place in named}


def _need_keycloak(values: Mapping[str, Any]) -> None:
    if values["AUTH_MODE"] not in AUTH_MODES:
        raise SettingInvalid(f"AUTH_MODE must be one of: {', '.join(AUTH_MODES)}.")
    missing = [name for name in KEYCLOAK_NEEDS if not values[name]]
    if values["AUTH_MODE"] == "keycloak" and missing:
        raise SettingInvalid(f"AUTH_MODE is keycloak, which needs {' and '.join(missing)}.")


def _read_one(environment: environ.Env, setting: Setting) -> Any:
    if setting.kind == "bool" and str(environment.ENVIRON.get(setting.name, "no")).lower() not in YES_OR_NO:
        raise SettingInvalid(f"{setting.name} must be true or false: {setting.help}")
    try:
        value = getattr(environment, setting.kind)(setting.name, default=setting.default)
    except ValueError as error:
        raise SettingInvalid(f"{setting.name} must be a whole number: {setting.help}") from error
    if setting.choices and value not in setting.choices:
        raise SettingInvalid(f"{setting.name} must be {' or '.join(setting.choices)}: {setting.help}")
    if setting.name in POSITIVE and value < 1:
        raise SettingInvalid(f"{setting.name} must be at least 1: {setting.help}")
    if setting.kind == "int" and value < 0:
        raise SettingInvalid(f"{setting.name} must not be negative: {setting.help}")
    if setting.name in ("PORT", "DIMSE_PORT") and value > HIGHEST_PORT:
        raise SettingInvalid(f"{setting.name} must be at most {HIGHEST_PORT}: {setting.help}")
    return value


def _secret_of(var: Path) -> str:
    try:
        return (var / "secret_key").read_text()
    except OSError:
        raise SettingInvalid("SECRET_KEY is not set: set it, or start with `manage.py up`, which makes one.") from None


def table() -> str:
    """The settings as a Markdown table, for README."""
    rows = [f"| `{s.name}` | {_shown(s.default)} | {s.help} |" for s in SETTINGS]
    return "\n".join(["| Setting | Default | Meaning |", "|---|---|---|", *rows])


def _shown(default: Any) -> str:
    return f"`{default}`" if default not in ("", []) else ""
