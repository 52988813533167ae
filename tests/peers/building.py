"""Builds and fetches all that the real servers are made of, once: `python -m tests.peers.building`."""

from concurrent.futures import ThreadPoolExecutor

from tests.peers import keycloak, kubernetes, registry, s3, traefik
from tests.peers.platform_images import build_images


def main() -> None:
    """What is compiled beside what is mostly fetched."""
    with ThreadPoolExecutor() as rows:
        for row in [rows.submit(_compile), rows.submit(_fetch)]:
            row.result()


def _compile() -> None:
    kubernetes.built_commands()
    registry.built_command()
    traefik.built_command()
    s3.built_command()


def _fetch() -> None:
    keycloak.fetched_keycloak()
    build_images()


if __name__ == "__main__":
    main()
