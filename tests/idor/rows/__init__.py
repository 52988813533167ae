"""The matrix itself: one row an address and method, one status a role."""

from tests.idor.rows.accounts import ACCOUNTS
from tests.idor.rows.archives import ARCHIVES
from tests.idor.rows.clusters import CLUSTERS
from tests.idor.rows.core import CORE
from tests.idor.rows.dashboard import DASHBOARD
from tests.idor.rows.datasets import DATASETS
from tests.idor.rows.jobs import JOBS
from tests.idor.rows.members import MEMBERS
from tests.idor.rows.people import PEOPLE
from tests.idor.rows.projects import PROJECTS
from tests.idor.rows.registrations import REGISTRATIONS
from tests.idor.rows.row import ROLES, Row
from tests.idor.rows.viewer import VIEWER
from tests.idor.rows.workspaces import WORKSPACES

__all__ = ["ROLES", "ROWS", "Row"]

ROWS = [
    *CORE,
    *DASHBOARD,
    *ACCOUNTS,
    *PEOPLE,
    *REGISTRATIONS,
    *JOBS,
    *DATASETS,
    *ARCHIVES,
    *VIEWER,
    *CLUSTERS,
    *WORKSPACES,
    *MEMBERS,
    *PROJECTS,
]
