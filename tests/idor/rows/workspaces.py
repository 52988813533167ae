"""Desktops, Orthanc, and what the proxy asks."""

from tests.idor.rows.row import NAMESPACE, Row, everybody, in_project

WORKSPACE = {**NAMESPACE, "pk": "workspace", "app": "app"}
WORKSPACES = [
    Row("workspaces:live", in_project(200), kwargs=NAMESPACE),
    # Whoever has the password can take all images away: owners who may export.
    Row("workspaces:orthanc", (302, 404, 403, 403, 200, 404, 403, 403), kwargs=NAMESPACE),
    Row("workspaces:orthanc", (302, 404, 403, 403, 200, 404, 403, 403), "POST", NAMESPACE),
    # The workspace is alice's, who is the owner; nobody else may open it.
    Row("workspaces:open", (302, 404, 404, 404, 302, 404, 404, 404), kwargs=WORKSPACE),
    # The proxy asks these; without a ticket or a cookie the answer is no, whoever is signed in.
    Row("workspaces:enter", everybody(302)),
    Row("workspaces:enter", everybody(302), query="?to=/cardiac-mr/1/jupyter/"),
    # The browser that the other host has marked: still nobody's but the owner's.
    Row("workspaces:open", (302, 404, 404, 404, 302, 404, 404, 404), kwargs=WORKSPACE, query="?browser=x"),
    Row("workspaces:verify", everybody(403)),
    Row("workspaces:verify", everybody(401), extra={"headers": {"X-Original-URI": "/cardiac-mr/1/jupyter/"}}),
]
