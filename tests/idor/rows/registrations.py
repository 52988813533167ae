"""Requests, by their private links and in the console."""

from tests.idor.rows.row import APPROVERS, APPROVERS_FORM, Row, everybody

REQUEST = {"pk": "registration"}
TOKEN = {"token": "token"}
# The private link is the right: who has it acts as the requester, whoever is signed in.
REGISTRATIONS = [
    Row("registrations:terms", everybody(200)),
    Row("registrations:register", everybody(200)),
    Row("registrations:join", everybody(200)),
    Row("registrations:sent", everybody(200)),
    Row("registrations:environment", everybody(405)),
    Row("registrations:environment", everybody(204), "POST"),
    Row("registrations:namespace", everybody(200)),
    Row("registrations:request", everybody(200), kwargs=TOKEN),
    Row("registrations:request_namespace", everybody(200), kwargs=TOKEN),
    Row("registrations:progress", everybody(200), kwargs=TOKEN),
    Row("registrations:confirm", everybody(302), "POST", TOKEN),
    Row("registrations:answer", everybody(200), "POST", TOKEN),
    Row("registrations:edit", everybody(302), kwargs=TOKEN),
    Row("registrations:withdraw", everybody(302), "POST", TOKEN),
    Row("registrations:retry", everybody(404), "POST", TOKEN),
    # Owners see who asks to join their projects.
    Row("registrations:approvals", (302, 404, 404, 404, 200, 200, 200, 200)),
    Row("registrations:decide_several", everybody(405, anonymous=302)),
    Row("registrations:decide_several", (302, 404, 404, 404, 302, 302, 404, 302), "POST"),
    Row("registrations:approval", APPROVERS, kwargs=REQUEST),
    Row("registrations:approval_progress", APPROVERS, kwargs=REQUEST),
    Row("registrations:approve", everybody(405, anonymous=302), kwargs=REQUEST),
    Row("registrations:approve", APPROVERS_FORM, "POST", REQUEST),
    Row("registrations:reject", APPROVERS_FORM, "POST", REQUEST),
    Row("registrations:ask_for_changes", APPROVERS_FORM, "POST", REQUEST),
    Row("registrations_api:registrations", everybody(200, anonymous=401)),
    Row("registrations_api:registrations", everybody(422, anonymous=401), "POST"),
    Row("registrations_api:join", everybody(422, anonymous=401), "POST"),
    # The request is of somebody without an account.
    Row("registrations_api:registration", everybody(404, anonymous=401), kwargs=REQUEST),
    Row("registrations_api:registration", everybody(404, anonymous=401), "PATCH", REQUEST),
    Row("registrations_api:withdraw", everybody(404, anonymous=401), "POST", REQUEST),
    Row("registrations_api:answer", everybody(404, anonymous=401), "POST", REQUEST),
    Row("registrations_api:approvals", (401, 404, 404, 404, 200, 200, 200, 200)),
    Row("registrations_api:approval", (401, 404, 404, 404, 404, 200, 200, 200), kwargs=REQUEST),
    Row("registrations_api:approve", (401, 404, 404, 404, 404, 200, 404, 200), "POST", REQUEST),
    Row("registrations_api:reject", (401, 404, 404, 404, 404, 422, 404, 422), "POST", REQUEST),
    Row("registrations_api:ask_for_changes", (401, 404, 404, 404, 404, 422, 404, 422), "POST", REQUEST),
    Row("registrations:approval_retry", (302, 404, 404, 404, 404, 404, 404, 404), "POST", REQUEST),
]
