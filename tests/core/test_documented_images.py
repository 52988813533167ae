"""The documented commands that build images name the Dockerfiles and folders from which the tests build them."""

import re
from pathlib import Path

from tests.peers.platform_images import platform_images
from tests.portal import REPOSITORY

COMMAND = re.compile(r"docker build (?:--file (\S+) )?--tag REGISTRY/maia/(\S+):(\S+) (\S+)")


def test_each_image_has_its_command() -> None:
    text = re.sub(r" \\\n\s+", " ", (REPOSITORY / "docs" / "administrators.md").read_text())
    documented = {
        name: (Path(context, "Dockerfile") if not file else Path(file), Path(context), version)
        for file, name, version, context in COMMAND.findall(text)
    }
    assert documented == {
        name: (image.dockerfile.relative_to(REPOSITORY), image.context.relative_to(REPOSITORY), image.version)
        for name, image in platform_images().items()
    }
