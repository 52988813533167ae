"""docker-compose.yml names what is there: settings, the nginx template's variables, files and services."""

import re
from typing import Any

import yaml

from maia_dashboard.environment import SETTINGS
from tests.portal import REPOSITORY

TEMPLATE = REPOSITORY / "deploy" / "nginx" / "maia.conf.template"
COMPOSE: dict[str, Any] = yaml.safe_load((REPOSITORY / "docker-compose.yml").read_text())
SERVICES = COMPOSE["services"]


def test_the_portal_gets_settings_that_it_knows() -> None:
    assert set(SERVICES["portal"]["environment"]) <= {setting.name for setting in SETTINGS}


def test_every_variable_of_the_nginx_template_is_set() -> None:
    assert set(SERVICES["front"]["environment"]) == set(re.findall(r"\$\{([A-Z_]+)\}", TEMPLATE.read_text()))


def test_what_is_built_and_mounted_is_there() -> None:
    build = SERVICES["portal"]["build"]
    assert (REPOSITORY / build["context"] / build["dockerfile"]).is_file()
    sources = [mount.split(":")[0] for service in SERVICES.values() for mount in service.get("volumes", [])]
    assert all((REPOSITORY / source).exists() for source in sources if source.startswith("."))
    assert {source for source in sources if not source.startswith(".")} == set(COMPOSE["volumes"])


def test_services_are_reached_by_their_names() -> None:
    portal, front = SERVICES["portal"]["environment"], SERVICES["front"]["environment"]
    hosts = re.findall(r"(?://|@)([a-z]+):\d", " ".join((portal["DATABASE_URL"], portal["REDIS_URL"])))
    assert {*hosts, front["PORTAL"].split(":")[0]} == {"database", "queue", "portal"}
