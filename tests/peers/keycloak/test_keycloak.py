import pytest
import requests

from tests.peers.keycloak import Keycloak, running_keycloak
from tests.peers.starting import accepts, throwaway_folder

# Fetched the first time.
pytestmark = [pytest.mark.peers, pytest.mark.timeout(400)]


def _token(keycloak: Keycloak, password: str) -> requests.Response:
    form = {"grant_type": "password", "client_id": "admin-cli", "username": keycloak.administrator}
    address = f"{keycloak.issuer('master')}/protocol/openid-connect/token"
    return requests.post(address, data={**form, "password": password}, timeout=20)


def test_its_discovery_names_the_issuer_and_signs_by_rs256(keycloak: Keycloak) -> None:
    discovery = f"{keycloak.issuer('master')}/.well-known/openid-configuration"
    document = requests.get(discovery, timeout=10).json()
    assert document["issuer"] == keycloak.issuer("master")
    assert "S256" in document["code_challenge_methods_supported"]
    keys = requests.get(document["jwks_uri"], timeout=10).json()["keys"]
    assert "RS256" in {key["alg"] for key in keys}


def test_its_administrator_reads_the_version(keycloak: Keycloak) -> None:
    bearer = {"Authorization": f"Bearer {_token(keycloak, keycloak.password).json()['access_token']}"}
    served = requests.get(f"{keycloak.url}/admin/serverinfo", headers=bearer, timeout=20).json()
    assert served["systemInfo"]["version"].startswith("26.")


def test_a_wrong_password_gets_no_token(keycloak: Keycloak) -> None:
    assert _token(keycloak, "wrong").status_code == 401


def test_it_leaves_nothing_behind() -> None:
    with throwaway_folder() as folder:
        with running_keycloak(folder) as address:
            assert accepts(address.port)
        assert not accepts(address.port)
    assert not folder.exists()
