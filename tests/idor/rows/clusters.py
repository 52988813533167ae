"""Clusters: everybody sees them; what administrators see besides is not on the others' pages."""

from tests.idor.rows.row import ADMINISTRATORS, ADMINISTRATORS_POST, Row, everybody

CLUSTER = {"name": "cluster"}
CLUSTERS = [
    Row("clusters:clusters", everybody(200, anonymous=302)),
    Row("clusters:cluster", everybody(200, anonymous=302), kwargs=CLUSTER),
    Row("clusters:new", ADMINISTRATORS),
    Row("clusters:new", ADMINISTRATORS, "POST"),
    Row("clusters:edit", ADMINISTRATORS, kwargs=CLUSTER),
    Row("clusters:edit", ADMINISTRATORS, "POST", CLUSTER),
    Row("clusters:check", everybody(405, anonymous=302), kwargs=CLUSTER),
    Row("clusters:check", ADMINISTRATORS_POST, "POST", CLUSTER),
    Row("clusters:switch", everybody(405, anonymous=302), kwargs=CLUSTER),
    Row("clusters:switch", ADMINISTRATORS_POST, "POST", CLUSTER),
]
