"""Algorithms for tests: a package with any program, installed as the bundled ones are."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from apps.jobs import services
from apps.jobs.models import Algorithm

SEGMENTATION = "1.2.840.10008.5.1.4.1.1.66.4"


def write_package(folder: Path, code: str, *, name: str = "test-algorithm", **fields: Any) -> Path:
    """A package below `folder` whose program is `code`, with 1 GiB and 30 s unless told otherwise."""
    described = {
        "name": name,
        "title": "Test algorithm",
        "version": "1.0.0",
        "description": "Does what a test wants.",
        "modalities": ["CT"],
        "produced_sop_classes": [SEGMENTATION],
        "memory_gib": 1,
        "timeout_seconds": 30,
        "gpus": 0,
        "entry": ["python", "-m", name],
    } | fields
    package = folder / name
    package.mkdir(parents=True, exist_ok=True)
    # A TOML value of these kinds is written as in JSON.
    lines = [f"{key} = {json.dumps(value)}" for key, value in described.items()]
    (package / "algorithm.toml").write_text("\n".join(lines), encoding="utf-8")
    (package / "__main__.py").write_text(code, encoding="utf-8")
    return package


def install(settings: Any, folder: Path, code: str, **fields: Any) -> Algorithm:
    """Make a package the only one of this machine."""
    settings.SAMPLES_DIR = folder
    package = write_package(folder, code, **fields)
    services.sync_bundled()
    return Algorithm.objects.get(name=package.name, is_current=True)
