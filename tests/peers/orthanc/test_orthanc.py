import pytest
import requests

from tests.peers.orthanc import Orthanc, running_orthanc
from tests.peers.starting import accepts, throwaway_folder

pytestmark = pytest.mark.peers


def test_it_is_orthanc_and_speaks_dicomweb(orthanc: Orthanc) -> None:
    system = requests.get(f"{orthanc.url}/system", auth=orthanc.credentials, timeout=5).json()
    assert system["Version"].startswith("1.")
    assert system["DicomAet"] == orthanc.ae_title
    studies = requests.get(f"{orthanc.dicomweb_url}/studies", auth=orthanc.credentials, timeout=5)
    assert studies.headers["Content-Type"].startswith("application/dicom+json")
    assert studies.json() == []


@pytest.mark.parametrize("path", ["/system", "/studies", "/dicom-web/studies"])
@pytest.mark.parametrize("credentials", [None, ("maia", "wrong"), ("orthanc", "orthanc")])
def test_strangers_are_refused(orthanc: Orthanc, path: str, credentials: tuple[str, str] | None) -> None:
    assert requests.get(orthanc.url + path, auth=credentials, timeout=5).status_code == 401


def test_its_dimse_port_is_open(orthanc: Orthanc) -> None:
    assert accepts(orthanc.dicom_port)


def test_it_leaves_nothing_behind() -> None:
    with throwaway_folder() as folder:
        with running_orthanc(folder) as address:
            assert accepts(address.port)
        assert not accepts(address.port)
    assert not folder.exists()
