"""The settings of a project, its life and more time."""

from tests.idor.rows.row import (
    APPROVERS,
    APPROVERS_FORM,
    LOOKERS,
    MANAGERS,
    MANAGERS_POST,
    NAMESPACE,
    Expected,
    Row,
    everybody,
    in_project,
)

# Who may look everywhere sees the settings; only owners and administrators change something there.
SETTINGS: Expected = (302, 404, 403, 403, 200, 404, 200, 200)
OWNERS_POST: Expected = (302, 404, 403, 403, 302, 404, 403, 403)
ADMINISTRATORS_TURN: Expected = (302, 404, 403, 403, 403, 404, 403, 302)
ADMINISTRATORS_TURN_FORM: Expected = (302, 404, 403, 403, 403, 404, 403, 200)
PROJECT_CHANGE = {**NAMESPACE, "pk": "project_change"}
EXTENSION = {"pk": "extension"}
OWN_EXTENSION = {**NAMESPACE, **EXTENSION}
PROJECTS = [
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
    Row("projects_api:projects", everybody(200, anonymous=401)),
    Row("projects_api:project", in_project(200, anonymous=401), kwargs=NAMESPACE),
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
    Row("projects_api:withdraw_extension", (401, 404, 403, 403, 200, 404, 403, 403), "POST", OWN_EXTENSION),
    Row("projects_api:extensions", (401, 404, 404, 404, 404, 200, 200, 200)),
    Row("projects_api:grant_extension", (401, 404, 404, 404, 404, 422, 404, 422), "POST", EXTENSION),
    Row("projects_api:refuse_extension", (401, 404, 404, 404, 404, 422, 404, 422), "POST", EXTENSION),
]
