from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser

from apps.projects.models import Project
from apps.workspaces.manifests import ae_title_of
from apps.workspaces.models import NodePort
from apps.workspaces.services import list_devices


class Command(BaseCommand):
    help = (
        "`dicom_devices PROJECT` shows which devices may send to the project's Orthanc by DIMSE; "
        "`--allow AE_TITLE=ADDRESS`, as often as there are devices, opens the port to exactly those; "
        "`--close` closes it."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("project", help="the project's namespace")
        parser.add_argument("--allow", action="append", default=[], metavar="AE_TITLE=ADDRESS")
        parser.add_argument("--close", action="store_true")

    def handle(self, *args: Any, **options: Any) -> None:
        project = Project.objects.filter(namespace=options["project"], placement__isnull=False).first()
        if project is None:
            raise CommandError(f"No project with the namespace {options['project']} is on a cluster.")
        if options["allow"] or options["close"]:
            self._list(project, options["allow"], is_closed=options["close"])
        self._show(project)

    def _list(self, project: Project, allowed: list[str], *, is_closed: bool) -> None:
        if allowed and is_closed:
            raise CommandError("Either --allow devices or --close the port.")
        devices = dict(one.partition("=")[::2] for one in allowed)
        try:
            list_devices(project, devices, by=None)
        except ValidationError as error:
            raise CommandError(" ".join(error.messages)) from error

    def _show(self, project: Project) -> None:
        devices, port = list(project.dicom_devices.all()), NodePort.objects.filter(dicom_of=project).first()
        if not devices:
            self.stdout.write("DIMSE is closed: no device is listed.")
            return
        for device in devices:
            self.stdout.write(f"{device.ae_title} at {device.address} may send.")
        where = f"port {port.number}" if port else "a port that is given out within a minute"
        self.stdout.write(f"They call {ae_title_of(project.namespace)} at {where} of the cluster's nodes.")
