from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from apps.jobs.selectors import algorithms
from apps.jobs.services import ImageInvalid, set_image


class Command(BaseCommand):
    help = "Lists the algorithms, and names the images by which clusters run them."

    def add_arguments(self, parser: CommandParser) -> None:
        actions = parser.add_subparsers(dest="action", required=True)
        actions.add_parser("list", help="name, version and image of each")
        image = actions.add_parser("image", help="from now on, clusters run the algorithm by this image")
        image.add_argument("name")
        image.add_argument("reference", help="by digest: REGISTRY/NAME@sha256:…")
        image.add_argument("--gpus", type=int, help="that a run gets there, if not as many as the algorithm needs")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["action"] == "list":
            for algorithm in algorithms():
                self.stdout.write(f"{algorithm.name} {algorithm.version} {algorithm.image or 'without an image'}")
            return
        try:
            algorithm = set_image(options["name"], options["reference"], gpus=options["gpus"])
        except ImageInvalid as invalid:
            raise CommandError(str(invalid)) from invalid
        self.stdout.write(f"{algorithm.name} {algorithm.version} runs in clusters as {algorithm.image}")
