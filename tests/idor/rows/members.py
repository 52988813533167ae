"""Members, invitations and the changes that set them up."""

from tests.idor.rows.row import MANAGERS, MANAGERS_POST, NAMESPACE, Expected, Row, everybody, in_project

MEMBER = {**NAMESPACE, "pk": "membership"}
INVITATION = {**NAMESPACE, "pk": "invitation"}
LINK = {"token": "invitation_token"}
MEMBER_CHANGE = {**NAMESPACE, "pk": "member_change"}
# The change is that of the member; besides, owners see it, and who may look everywhere.
CHANGED: Expected = (302, 404, 404, 200, 200, 404, 200, 200)
MEMBERS = [
    Row("members:members", in_project(200), kwargs=NAMESPACE),
    Row("members:change_role", MANAGERS_POST, "POST", MEMBER),
    Row("members:set_export", MANAGERS_POST, "POST", MEMBER),
    Row("members:remove", MANAGERS, kwargs=MEMBER),
    Row("members:remove", MANAGERS_POST, "POST", MEMBER),
    # Administrators who are not owners have nothing to hand over.
    Row("members:hand_over", (302, 404, 403, 403, 200, 404, 403, 403), kwargs=MEMBER),
    Row("members:hand_over", (302, 404, 403, 403, 302, 404, 403, 403), "POST", MEMBER),
    Row("members:leave", (302, 404, 200, 200, 200, 404, 302, 302), kwargs=NAMESPACE),
    Row("members:leave", in_project(302), "POST", NAMESPACE),
    Row("members:invite", MANAGERS, kwargs=NAMESPACE),
    Row("members:invite", MANAGERS, "POST", NAMESPACE),
    Row("members:invite_many", MANAGERS, kwargs=NAMESPACE),
    Row("members:invite_many", MANAGERS, "POST", NAMESPACE),
    Row("members:invitations", MANAGERS, kwargs=NAMESPACE),
    Row("members:resend", MANAGERS_POST, "POST", INVITATION),
    Row("members:revoke", MANAGERS_POST, "POST", INVITATION),
    # The private link is shown to whoever has it; who is signed in as somebody else accepts nothing.
    Row("members:invitation", everybody(200), kwargs=LINK),
    Row("members:accept", everybody(405), kwargs=LINK),
    Row("members:accept", everybody(200), "POST", LINK),
    Row("members:decline", everybody(200, anonymous=302), "POST", LINK),
    Row("members_api:members", in_project(200, anonymous=401), kwargs=NAMESPACE),
    Row("members_api:member", in_project(200, anonymous=401), kwargs=MEMBER),
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
