"""OHIF itself is for everybody who is signed in; what it shows, it asks for at the addresses of the archives."""

from tests.idor.rows.row import Row, everybody

VIEWER = [
    Row("viewer:start", everybody(200, anonymous=302)),
    Row("viewer:configuration", everybody(200, anonymous=302)),
    Row("viewer:page", everybody(200, anonymous=302), kwargs={"path": "viewer_path"}),
]
