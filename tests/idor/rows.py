"""The matrix itself: one row an address and method, one status a role."""

from dataclasses import dataclass, field
from typing import Any

ROLES = ("anonymous", "outsider", "viewer", "member", "owner", "approver", "support", "administrator")
Expected = tuple[int, int, int, int, int, int, int, int]


@dataclass(frozen=True)
class Row:
    name: str
    expected: Expected
    method: str = "GET"
    kwargs: dict[str, str] = field(default_factory=dict)  # of the address → of the world
    query: str = ""
    extra: dict[str, Any] = field(default_factory=dict)


def _all(status: int, anonymous: int | None = None) -> Expected:
    """The same for everybody; another answer for those who are not signed in."""
    return (status if anonymous is None else anonymous, *[status] * 7)  # type: ignore[return-value]


def _project(reader: int, *, member: int | None = None, anonymous: int = 302, viewer: int | None = None) -> Expected:
    """404 outside the project. Support and administrators have the viewer's part.

    `member` is the answer to members and owners.
    """
    inside = reader if member is None else member
    looking = reader if viewer is None else viewer
    return (anonymous, 404, looking, inside, inside, 404, looking, looking)


NAMESPACE = {"namespace": "namespace"}
RUN = {**NAMESPACE, "pk": "run"}
SERIES = {**NAMESPACE, "series_instance_uid": "series_instance_uid"}
IMAGE = {**SERIES, "sop_instance_uid": "sop_instance_uid"}
TOKEN = {"token": "token"}
REQUEST = {"pk": "registration"}
APPROVERS: Expected = (302, 404, 404, 404, 404, 200, 200, 200)
# Forms of approvers that come back with a sentence.
APPROVERS_FORM: Expected = (302, 404, 404, 404, 404, 200, 404, 200)
# Support reads what administrators read, but no forms and no private links.
LOOKERS: Expected = (302, 404, 404, 404, 404, 404, 200, 200)
ADMINISTRATORS: Expected = (302, 404, 404, 404, 404, 404, 404, 200)
ADMINISTRATORS_POST: Expected = (302, 404, 404, 404, 404, 404, 404, 302)
# Owners, and who reads the whole audit anyway.
AUDITORS: Expected = (302, 404, 403, 403, 200, 404, 200, 200)
CLUSTER = {"name": "cluster"}
CHANGES_OF_PEOPLE = ("deactivate", "activate", "sign_out", "unlock", "remove_second_factor")

CORE = [Row("core:live", _all(200)), Row("core:ready", _all(200)), Row("schema", _all(200))]

DASHBOARD = [
    Row("dashboard:home", _all(200)),
    Row("dashboard:search", _all(200, anonymous=302), query="?q=cardiac"),
    Row("dashboard_api:audit", (401, *LOOKERS[1:])),
    Row("dashboard_api:project_audit", (401, *AUDITORS[1:]), kwargs=NAMESPACE),
    Row("dashboard:styleguide", LOOKERS),
    Row("dashboard:audit", LOOKERS),
    Row("dashboard:export_audit", LOOKERS, "POST"),
    Row("dashboard:project_audit", AUDITORS, kwargs=NAMESPACE),
    Row("dashboard:project_export_audit", AUDITORS, "POST", NAMESPACE),
    Row("dashboard:outbox", ADMINISTRATORS),
    Row("dashboard:send_again", ADMINISTRATORS_POST, "POST", {"pk": "mail"}),
    Row("dashboard:project", _project(200), kwargs=NAMESPACE),
]

ACCOUNTS = [
    Row("accounts:account", _all(200, anonymous=302)),
    Row("accounts:change_profile", _all(405, anonymous=302)),
    Row("accounts:change_profile", _all(200, anonymous=302), "POST"),
    Row("accounts:make_token", _all(405, anonymous=302)),
    Row("accounts:make_token", _all(200, anonymous=302), "POST"),
    # The token is alice's, who is the owner of the project; nobody else's role helps.
    Row("accounts:revoke_token", (302, 404, 404, 404, 302, 404, 404, 404), "POST", {"pk": "api_token"}),
    Row("accounts:add_ssh_key", _all(200, anonymous=302), "POST"),
    # The key is alice's as well.
    Row("accounts:remove_ssh_key", (302, 404, 404, 404, 302, 404, 404, 404), "POST", {"pk": "ssh_key"}),
    Row("accounts:sessions", _all(200, anonymous=302)),
    # The session is alice's too.
    Row("accounts:end_session", (302, 404, 404, 404, 302, 404, 404, 404), "POST", {"pk": "session"}),
    Row("accounts:end_all_sessions", _all(405, anonymous=302)),
    Row("accounts:end_all_sessions", _all(302), "POST"),
    Row("mfa_index", _all(200, anonymous=302)),
    # Nobody has a second factor here, or has proved just now who they are.
    Row("mfa_authenticate", _all(302)),
    *(Row(f"mfa_{page}", _all(302)) for page in ("reauthenticate", "activate_totp", "generate_recovery_codes")),
    *(
        Row(f"mfa_{page}", _all(404, anonymous=302))
        for page in ("deactivate_totp", "view_recovery_codes", "download_recovery_codes")
    ),
    # People sign in with passwords of the portal in these tests.
    Row("keycloak_start", _all(404), "POST"),
    Row("keycloak_callback", _all(404)),
    Row("break_glass", _all(404)),
    Row("accounts:theme", _all(302), "POST"),
    Row("account_login", _all(302, anonymous=200)),
    Row("account_signup", _all(302)),
    Row("account_logout", _all(200, anonymous=302)),
    Row("account_inactive", _all(200)),
    Row("account_reauthenticate", _all(200, anonymous=302)),
    Row("account_change_password", _all(200, anonymous=302)),
    Row("account_reset_password", _all(200)),
    Row("account_reset_password_done", _all(200)),
    Row("account_reset_password_from_key", _all(200), kwargs={"uidb36": "uidb36", "key": "key"}),
    Row("account_reset_password_from_key_done", _all(200)),
]

PERSON = {"pk": "person"}
PEOPLE = [
    Row("people:people", LOOKERS),
    Row("people:person", LOOKERS, kwargs=PERSON),
    Row("dashboard:projects_of_person", LOOKERS, kwargs=PERSON),
    Row("people:give_role", _all(405, anonymous=302), kwargs=PERSON),
    Row("people:give_role", ADMINISTRATORS, "POST", PERSON),
    *(Row(f"people:{verb}", _all(405, anonymous=302), kwargs=PERSON) for verb in CHANGES_OF_PEOPLE),
    *(Row(f"people:{verb}", ADMINISTRATORS_POST, "POST", PERSON) for verb in CHANGES_OF_PEOPLE),
]

# The private link is the right: who has it acts as the requester, whoever is signed in.
REGISTRATIONS = [
    Row("registrations:terms", _all(200)),
    Row("registrations:register", _all(200)),
    Row("registrations:join", _all(200)),
    Row("registrations:sent", _all(200)),
    Row("registrations:environment", _all(405)),
    Row("registrations:environment", _all(204), "POST"),
    Row("registrations:namespace", _all(200)),
    Row("registrations:request", _all(200), kwargs=TOKEN),
    Row("registrations:request_namespace", _all(200), kwargs=TOKEN),
    Row("registrations:progress", _all(200), kwargs=TOKEN),
    Row("registrations:confirm", _all(302), "POST", TOKEN),
    Row("registrations:answer", _all(200), "POST", TOKEN),
    Row("registrations:edit", _all(302), kwargs=TOKEN),
    Row("registrations:withdraw", _all(302), "POST", TOKEN),
    Row("registrations:retry", _all(404), "POST", TOKEN),
    # Owners see who asks to join their projects.
    Row("registrations:approvals", (302, 404, 404, 404, 200, 200, 200, 200)),
    Row("registrations:decide_several", _all(405, anonymous=302)),
    Row("registrations:decide_several", (302, 404, 404, 404, 302, 302, 404, 302), "POST"),
    Row("registrations:approval", APPROVERS, kwargs=REQUEST),
    Row("registrations:approval_progress", APPROVERS, kwargs=REQUEST),
    Row("registrations:approve", _all(405, anonymous=302), kwargs=REQUEST),
    Row("registrations:approve", APPROVERS_FORM, "POST", REQUEST),
    Row("registrations:reject", APPROVERS_FORM, "POST", REQUEST),
    Row("registrations:ask_for_changes", APPROVERS_FORM, "POST", REQUEST),
    Row("registrations_api:registrations", _all(200, anonymous=401)),
    Row("registrations_api:registrations", _all(422, anonymous=401), "POST"),
    Row("registrations_api:join", _all(422, anonymous=401), "POST"),
    # The request is of somebody without an account.
    Row("registrations_api:registration", _all(404, anonymous=401), kwargs=REQUEST),
    Row("registrations_api:withdraw", _all(404, anonymous=401), "POST", REQUEST),
    Row("registrations_api:answer", _all(404, anonymous=401), "POST", REQUEST),
    Row("registrations_api:approvals", (401, 404, 404, 404, 200, 200, 200, 200)),
    Row("registrations_api:approval", (401, 404, 404, 404, 404, 200, 200, 200), kwargs=REQUEST),
    Row("registrations_api:approve", (401, 404, 404, 404, 404, 200, 404, 200), "POST", REQUEST),
    Row("registrations_api:reject", (401, 404, 404, 404, 404, 422, 404, 422), "POST", REQUEST),
    Row("registrations_api:ask_for_changes", (401, 404, 404, 404, 404, 422, 404, 422), "POST", REQUEST),
    Row("registrations:approval_retry", (302, 404, 404, 404, 404, 404, 404, 404), "POST", REQUEST),
]

JOBS = [
    Row("jobs:algorithms", _all(200, anonymous=302)),
    Row("jobs:runs", _project(200), kwargs=NAMESPACE),
    Row("jobs:new", _project(403, member=302), kwargs=NAMESPACE),
    Row("jobs:new", _project(403, member=302), "POST", NAMESPACE),
    Row("jobs:runs_of_series", _project(200), kwargs=SERIES),
    Row("jobs:run", _project(200), kwargs=RUN),
    Row("jobs:status", _project(200), kwargs=RUN),
    Row("jobs:log", _project(200), kwargs=RUN),
    Row("jobs:log_file", _project(200), kwargs=RUN),
    Row("jobs:cancel", _project(403, member=302), "POST", RUN),
    Row("accounts_api:account", _all(200, anonymous=401)),
    Row("accounts_api:account", _all(200, anonymous=401), "PATCH"),
    Row("accounts_api:tokens", _all(200, anonymous=401)),
    Row("accounts_api:tokens", _all(422, anonymous=401), "POST"),
    # The token is alice's.
    Row("accounts_api:token", (401, 404, 404, 404, 204, 404, 404, 404), "DELETE", {"pk": "api_token"}),
    Row("projects_api:projects", _all(200, anonymous=401)),
    Row("jobs_api:algorithms", _all(200, anonymous=401)),
    Row("jobs_api:runs", _project(200, anonymous=401), kwargs=NAMESPACE),
    Row("jobs_api:runs", _project(403, member=422, anonymous=401), "POST", NAMESPACE),
    Row("jobs_api:run", _project(200, anonymous=401), kwargs=RUN),
    Row("jobs_api:cancel", _project(403, member=200, anonymous=401), "POST", RUN),
]

DATASETS = [
    Row("datasets:studies", _project(200), kwargs=NAMESPACE),
    Row("datasets:upload", _project(403, member=302), "POST", NAMESPACE),
    Row("datasets:upload_result", _project(200), kwargs={**NAMESPACE, "pk": "upload"}),
    Row("datasets:study", _project(200), kwargs={**NAMESPACE, "study_instance_uid": "study_instance_uid"}),
    Row("datasets:series", _project(200), kwargs=SERIES),
    Row("datasets:overlay", _project(406), kwargs=IMAGE),
    Row("datasets:attributes", _project(200), kwargs=IMAGE),
]

STUDY = {**NAMESPACE, "study_instance_uid": "study_instance_uid"}
STUDY_SERIES = {**STUDY, "series_instance_uid": "series_instance_uid"}
INSTANCE = {**STUDY_SERIES, "sop_instance_uid": "sop_instance_uid"}
READ = _project(200, anonymous=401)
# Whole objects leave the platform: for those who may export, which alice alone may.
EXPORT: Expected = (401, 404, 403, 403, 200, 404, 403, 403)
ARCHIVE_READS = {
    "studies": NAMESPACE,
    "all_series": NAMESPACE,
    "all_instances": NAMESPACE,
    "study_metadata": STUDY,
    "study_rendered": STUDY,
    "study_thumbnail": STUDY,
    "study_series": STUDY,
    "study_instances": STUDY,
    "series_metadata": STUDY_SERIES,
    "series_rendered": STUDY_SERIES,
    "series_thumbnail": STUDY_SERIES,
    "series_instances": STUDY_SERIES,
    "instance_metadata": INSTANCE,
    "instance_rendered": INSTANCE,
    "instance_thumbnail": INSTANCE,
    "frames": {**INSTANCE, "numbers": "frames"},
    "frame_rendered": {**INSTANCE, "frame": "frame"},
    "frame_thumbnail": {**INSTANCE, "frame": "frame"},
    "bulk_data": {**INSTANCE, "path": "bulk"},
}
ARCHIVE_EXPORTS = {"study": STUDY, "series": STUDY_SERIES, "instance": INSTANCE}
ARCHIVE_STORES = {"studies": NAMESPACE, "study": STUDY}


def _archive_rows(in_archive: dict[str, str]) -> list[Row]:
    """The DICOMweb addresses of the default archive, or of one that is named."""
    return [
        *(Row(f"archives:{name}", READ, kwargs={**kwargs, **in_archive}) for name, kwargs in ARCHIVE_READS.items()),
        *(Row(f"archives:{name}", EXPORT, kwargs={**kwargs, **in_archive}) for name, kwargs in ARCHIVE_EXPORTS.items()),
        *(
            Row(f"archives:{name}", _project(403, member=415, anonymous=401), "POST", {**kwargs, **in_archive})
            for name, kwargs in ARCHIVE_STORES.items()
        ),
    ]


ARCHIVES = [*_archive_rows({}), *_archive_rows({"archive_name": "archive"})]

# Everybody sees the clusters; what administrators see besides is not on the others' pages.
CLUSTERS = [
    Row("clusters:clusters", _all(200, anonymous=302)),
    Row("clusters:cluster", _all(200, anonymous=302), kwargs=CLUSTER),
    Row("clusters:new", ADMINISTRATORS),
    Row("clusters:new", ADMINISTRATORS, "POST"),
    Row("clusters:edit", ADMINISTRATORS, kwargs=CLUSTER),
    Row("clusters:edit", ADMINISTRATORS, "POST", CLUSTER),
    Row("clusters:check", _all(405, anonymous=302), kwargs=CLUSTER),
    Row("clusters:check", ADMINISTRATORS_POST, "POST", CLUSTER),
    Row("clusters:switch", _all(405, anonymous=302), kwargs=CLUSTER),
    Row("clusters:switch", ADMINISTRATORS_POST, "POST", CLUSTER),
]

WORKSPACE = {**NAMESPACE, "pk": "workspace", "app": "app"}
WORKSPACES = [
    Row("workspaces:live", _project(200), kwargs=NAMESPACE),
    # Whoever has the password can take all images away: owners who may export.
    Row("workspaces:orthanc", (302, 404, 403, 403, 200, 404, 403, 403), kwargs=NAMESPACE),
    Row("workspaces:orthanc", (302, 404, 403, 403, 200, 404, 403, 403), "POST", NAMESPACE),
    # The workspace is alice's, who is the owner; nobody else may open it.
    Row("workspaces:open", (302, 404, 404, 404, 302, 404, 404, 404), kwargs=WORKSPACE),
    # The proxy asks these; without a ticket or a cookie the answer is no, whoever is signed in.
    Row("workspaces:enter", _all(302)),
    Row("workspaces:enter", _all(302), query="?to=/cardiac-mr/1/jupyter/"),
    # The browser that the other host has marked: still nobody's but the owner's.
    Row("workspaces:open", (302, 404, 404, 404, 302, 404, 404, 404), kwargs=WORKSPACE, query="?browser=x"),
    Row("workspaces:verify", _all(403)),
    Row("workspaces:verify", _all(401), extra={"headers": {"X-Original-URI": "/cardiac-mr/1/jupyter/"}}),
]

MEMBER = {**NAMESPACE, "pk": "membership"}
INVITATION = {**NAMESPACE, "pk": "invitation"}
LINK = {"token": "invitation_token"}
MEMBER_CHANGE = {**NAMESPACE, "pk": "member_change"}
# Administrators as well: they help a project whose owners are gone. Support sees the members and changes none.
MANAGERS: Expected = (302, 404, 403, 403, 200, 404, 403, 200)
MANAGERS_POST: Expected = (302, 404, 403, 403, 302, 404, 403, 302)
# The change is that of the member; besides, owners see it, and who may look everywhere.
CHANGED: Expected = (302, 404, 404, 200, 200, 404, 200, 200)
MEMBERS = [
    Row("members:members", _project(200), kwargs=NAMESPACE),
    Row("members:change_role", MANAGERS_POST, "POST", MEMBER),
    Row("members:set_export", MANAGERS_POST, "POST", MEMBER),
    Row("members:remove", MANAGERS, kwargs=MEMBER),
    Row("members:remove", MANAGERS_POST, "POST", MEMBER),
    # Administrators who are not owners have nothing to hand over.
    Row("members:hand_over", (302, 404, 403, 403, 200, 404, 403, 403), kwargs=MEMBER),
    Row("members:hand_over", (302, 404, 403, 403, 302, 404, 403, 403), "POST", MEMBER),
    Row("members:leave", (302, 404, 200, 200, 200, 404, 302, 302), kwargs=NAMESPACE),
    Row("members:leave", _project(302), "POST", NAMESPACE),
    Row("members:invite", MANAGERS, kwargs=NAMESPACE),
    Row("members:invite", MANAGERS, "POST", NAMESPACE),
    Row("members:invite_many", MANAGERS, kwargs=NAMESPACE),
    Row("members:invite_many", MANAGERS, "POST", NAMESPACE),
    Row("members:invitations", MANAGERS, kwargs=NAMESPACE),
    Row("members:resend", MANAGERS_POST, "POST", INVITATION),
    Row("members:revoke", MANAGERS_POST, "POST", INVITATION),
    # The private link is shown to whoever has it; who is signed in as somebody else accepts nothing.
    Row("members:invitation", _all(200), kwargs=LINK),
    Row("members:accept", _all(405), kwargs=LINK),
    Row("members:accept", _all(200), "POST", LINK),
    Row("members:decline", _all(200, anonymous=302), "POST", LINK),
    Row("members_api:members", _project(200, anonymous=401), kwargs=NAMESPACE),
    Row("members_api:member", _project(200, anonymous=401), kwargs=MEMBER),
    # The membership is vera's, the viewer: she may end it herself.
    Row("members_api:member", (401, 404, 204, 403, 204, 404, 403, 204), "DELETE", MEMBER),
    Row("members_api:member", (401, 404, 403, 403, 422, 404, 403, 422), "PATCH", MEMBER),
    Row("members_api:hand_over", (401, 404, 403, 403, 200, 404, 403, 403), "POST", MEMBER),
    Row("members_api:invitations", (401, 404, 403, 403, 200, 404, 403, 200), kwargs=NAMESPACE),
    Row("members_api:invitations", (401, 404, 403, 403, 422, 404, 403, 422), "POST", NAMESPACE),
    Row("members_api:invitation", (401, 404, 403, 403, 200, 404, 403, 200), kwargs=INVITATION),
    Row("members_api:invitation", (401, 404, 403, 403, 204, 404, 403, 204), "DELETE", INVITATION),
    Row("members_api:resend", (401, 404, 403, 403, 200, 404, 403, 200), "POST", INVITATION),
    Row("provisioning:member_change", CHANGED, kwargs=MEMBER_CHANGE),
    Row("provisioning:member_progress", CHANGED, kwargs=MEMBER_CHANGE),
    Row("provisioning:retry_member_change", (302, 404, 404, 404, 302, 404, 404, 302), "POST", MEMBER_CHANGE),
]

# Who may look everywhere sees the settings; only owners and administrators change something there.
SETTINGS: Expected = (302, 404, 403, 403, 200, 404, 200, 200)
OWNERS_POST: Expected = (302, 404, 403, 403, 302, 404, 403, 403)
ADMINISTRATORS_TURN: Expected = (302, 404, 403, 403, 403, 404, 403, 302)
ADMINISTRATORS_TURN_FORM: Expected = (302, 404, 403, 403, 403, 404, 403, 200)
PROJECT_CHANGE = {**NAMESPACE, "pk": "project_change"}
EXTENSION = {"pk": "extension"}
LIFE = [
    Row("projects:projects", LOOKERS),
    Row("projects:settings", SETTINGS, kwargs=NAMESPACE),
    Row("projects:describe", OWNERS_POST, "POST", NAMESPACE),
    Row("projects:ask_extension", (302, 404, 403, 403, 200, 404, 403, 403), "POST", NAMESPACE),
    Row("projects:withdraw_extension", OWNERS_POST, "POST", NAMESPACE),
    Row("projects:grant", ADMINISTRATORS_TURN_FORM, "POST", NAMESPACE),
    Row("projects:suspend", ADMINISTRATORS_TURN_FORM, "POST", NAMESPACE),
    Row("projects:resume", ADMINISTRATORS_TURN, "POST", NAMESPACE),
    Row("projects:archive", MANAGERS, "POST", NAMESPACE),
    Row("projects:restore", ADMINISTRATORS_TURN, "POST", NAMESPACE),
    Row("projects:schedule_deletion", MANAGERS, "POST", NAMESPACE),
    Row("projects:undo_deletion", MANAGERS_POST, "POST", NAMESPACE),
    Row("projects:extensions", APPROVERS),
    Row("projects:extension", APPROVERS, kwargs=EXTENSION),
    Row("projects:grant_extension", APPROVERS_FORM, "POST", EXTENSION),
    Row("projects:refuse_extension", APPROVERS_FORM, "POST", EXTENSION),
    Row("provisioning:project_change", SETTINGS, kwargs=PROJECT_CHANGE),
    Row("provisioning:project_steps", SETTINGS, kwargs=PROJECT_CHANGE),
    Row("provisioning:retry_project", MANAGERS_POST, "POST", PROJECT_CHANGE),
    Row("projects_api:project", _project(200, anonymous=401), kwargs=NAMESPACE),
    Row("projects_api:project", (401, 404, 403, 403, 422, 404, 403, 403), "PATCH", NAMESPACE),
    Row("projects_api:changes", (401, 404, 403, 403, 200, 404, 200, 200), kwargs=NAMESPACE),
    Row("projects_api:suspend", (401, 404, 403, 403, 403, 404, 403, 422), "POST", NAMESPACE),
    Row("projects_api:resume", (401, 404, 403, 403, 403, 404, 403, 409), "POST", NAMESPACE),
    Row("projects_api:archive", (401, 404, 403, 403, 422, 404, 403, 422), "POST", NAMESPACE),
    Row("projects_api:restore", (401, 404, 403, 403, 403, 404, 403, 409), "POST", NAMESPACE),
    Row("projects_api:schedule_deletion", (401, 404, 403, 403, 422, 404, 403, 422), "POST", NAMESPACE),
    Row("projects_api:undo_deletion", (401, 404, 403, 403, 409, 404, 403, 409), "POST", NAMESPACE),
    Row("projects_api:resources", (401, 404, 403, 403, 403, 404, 403, 422), "PUT", NAMESPACE),
    Row("projects_api:project_extensions", (401, 404, 403, 403, 200, 404, 200, 200), kwargs=NAMESPACE),
    Row("projects_api:project_extensions", (401, 404, 403, 403, 422, 404, 403, 403), "POST", NAMESPACE),
    Row("projects_api:extensions", (401, 404, 404, 404, 404, 200, 200, 200)),
    Row("projects_api:grant_extension", (401, 404, 404, 404, 404, 422, 404, 422), "POST", EXTENSION),
    Row("projects_api:refuse_extension", (401, 404, 404, 404, 404, 422, 404, 422), "POST", EXTENSION),
]

ROWS = [
    *LIFE,
    *MEMBERS,
    *PEOPLE,
    *WORKSPACES,
    *CLUSTERS,
    *ARCHIVES,
    *CORE,
    *DASHBOARD,
    *ACCOUNTS,
    *REGISTRATIONS,
    *JOBS,
    *DATASETS,
]
