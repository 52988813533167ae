"""Algorithms and runs."""

from tests.idor.rows.row import NAMESPACE, SERIES, Row, everybody, in_project

RUN = {**NAMESPACE, "pk": "run"}
JOBS = [
    Row("jobs:algorithms", everybody(200, anonymous=302)),
    Row("jobs:runs", in_project(200), kwargs=NAMESPACE),
    Row("jobs:new", in_project(403, member=302), kwargs=NAMESPACE),
    Row("jobs:new", in_project(403, member=302), "POST", NAMESPACE),
    Row("jobs:runs_of_series", in_project(200), kwargs=SERIES),
    Row("jobs:run", in_project(200), kwargs=RUN),
    Row("jobs:status", in_project(200), kwargs=RUN),
    Row("jobs:log", in_project(200), kwargs=RUN),
    Row("jobs:log_file", in_project(200), kwargs=RUN),
    Row("jobs:cancel", in_project(403, member=302), "POST", RUN),
    Row("jobs_api:algorithms", everybody(200, anonymous=401)),
    Row("jobs_api:runs", in_project(200, anonymous=401), kwargs=NAMESPACE),
    Row("jobs_api:runs", in_project(403, member=422, anonymous=401), "POST", NAMESPACE),
    Row("jobs_api:run", in_project(200, anonymous=401), kwargs=RUN),
    Row("jobs_api:cancel", in_project(403, member=200, anonymous=401), "POST", RUN),
]
