"""Home, search, the outbox and the audit."""

from tests.idor.rows.row import (
    ADMINISTRATORS,
    ADMINISTRATORS_POST,
    LOOKERS,
    NAMESPACE,
    Expected,
    Row,
    everybody,
    in_project,
)

# Owners, and who reads the whole audit anyway.
AUDITORS: Expected = (302, 404, 403, 403, 200, 404, 200, 200)
DASHBOARD = [
    Row("dashboard:home", everybody(200)),
    Row("dashboard:search", everybody(200, anonymous=302), query="?q=cardiac"),
    Row("dashboard_api:audit", (401, *LOOKERS[1:])),
    Row("dashboard_api:project_audit", (401, *AUDITORS[1:]), kwargs=NAMESPACE),
    Row("dashboard:styleguide", LOOKERS),
    Row("dashboard:audit", LOOKERS),
    Row("dashboard:export_audit", LOOKERS, "POST"),
    Row("dashboard:project_audit", AUDITORS, kwargs=NAMESPACE),
    Row("dashboard:project_export_audit", AUDITORS, "POST", NAMESPACE),
    Row("dashboard:outbox", ADMINISTRATORS),
    Row("dashboard:send_all_again", ADMINISTRATORS_POST, "POST"),
    Row("dashboard:send_again", ADMINISTRATORS_POST, "POST", {"pk": "mail"}),
    Row("dashboard:project", in_project(200), kwargs=NAMESPACE),
]
