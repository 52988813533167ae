"""The queue in files: a message is there whole, or not at all."""

from pathlib import Path

import pytest
from kombu import Connection
from kombu.transport import filesystem
from kombu.utils import json

import celery_worker
from celery_worker import queue_files

pytestmark = pytest.mark.faults


def test_the_portal_uses_it() -> None:
    with celery_worker.app.connection_for_write("filesystem://") as connection:
        assert isinstance(connection.transport, queue_files.Transport)


def test_no_message_is_found_before_it_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder, found = tmp_path / "queue", []
    folder.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))

    def looked(content: object) -> str:
        found.extend(folder.glob("*.msg"))
        return str(json.dumps(content))

    for module in (queue_files, filesystem):
        monkeypatch.setattr(module, "dumps", looked)
    options = {"data_folder_in": str(folder), "data_folder_out": str(folder), "control_folder": str(tmp_path / "c")}
    assert celery_worker.app
    with Connection("filesystem://", transport_options=options) as connection:
        bells = connection.SimpleQueue("bells")
        bells.put({"number": 1})
        assert found == []
        message = bells.get(timeout=20)
        assert message.payload == {"number": 1}
        message.ack()
    assert list(folder.iterdir()) == []
