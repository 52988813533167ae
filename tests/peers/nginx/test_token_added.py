"""A program that sends no token, behind the nginx of docs/administrators.md that adds one: the real dicomweb-client."""

from pathlib import Path

import pydicom
import pytest
from dicomweb_client.api import DICOMwebClient

from tests.dicom import ct_series
from tests.documented import adapted, pasted
from tests.peers.nginx import running_site
from tests.peers.starting import throwaway_folder
from tests.portal import ADMINISTRATOR, free_port, running_portal

pytestmark = pytest.mark.peers


def test_it_lists_opens_and_stores(tmp_path: Path) -> None:
    (documented,) = pasted(__file__)
    with running_portal(tmp_path / "var", SAMPLE_PROJECT="true") as portal, throwaway_folder() as folder:
        port = free_port()
        here = {
            "127.0.0.1:8086": f"127.0.0.1:{port}",
            "https://maia.hospital.example/projects/cardiac-mr": f"{portal.url}/projects/sample",
            "maia_...": portal.manage("api_token", ADMINISTRATOR).strip(),
        }
        (folder / "maia.conf").write_text(adapted(documented, here))
        with running_site(folder, port) as url:
            client = DICOMwebClient(url)
            found = client.search_for_series(search_filters={"Modality": "CT"})[0]
            uids = (found["0020000D"]["Value"][0], found["0020000E"]["Value"][0])
            assert len(client.retrieve_series(*uids)) == found["00201209"]["Value"][0]
            new = ct_series(tmp_path / "new", slices=2)
            client.store_instances([pydicom.dcmread(path) for path in new.paths])
            assert len(client.search_for_instances(new.study_instance_uid)) == 2
