"""Whether the portal lives, and the document of its API."""

from tests.idor.rows.row import Row, everybody

CORE = [Row("core:live", everybody(200)), Row("core:ready", everybody(200)), Row("schema", everybody(200))]
