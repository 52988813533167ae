"""Builds and fetches all that the real servers are made of, once: `python -m tests.peers.building`."""

from tests.peers import keycloak, kubernetes, registry, s3, traefik
from tests.peers.platform_images import build_images

if __name__ == "__main__":
    kubernetes.built_commands()
    registry.built_command()
    traefik.built_command()
    keycloak.fetched_keycloak()
    s3.built_command()
    build_images()
