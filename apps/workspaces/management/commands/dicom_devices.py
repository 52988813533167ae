from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser

from apps.archives.devices import Device
from apps.archives.selectors import ae_title_of
from apps.projects.models import Project
from apps.workspaces.selectors import dimse_of, placement_of
from apps.workspaces.services import list_devices


class Command(BaseCommand):
    help = (
        "`dicom_devices PROJECT` shows which devices may reach the project by DIMSE; "
        "`--allow AE_TITLE=ADDRESS`, as often as there are devices, lets exactly those send; "
        "`--retrieve AE_TITLE=ADDRESS` lets one search and fetch images as well; `--close` lets nobody in."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("project", help="the project's namespace")
        parser.add_argument("--allow", action="append", default=[], metavar="AE_TITLE=ADDRESS")
        parser.add_argument("--retrieve", action="append", default=[], metavar="AE_TITLE=ADDRESS")
        parser.add_argument("--close", action="store_true")

    def handle(self, *args: Any, **options: Any) -> None:
        project = Project.objects.filter(namespace=options["project"], application_entity__isnull=False).first()
        if project is None:
            raise CommandError(f"No project with the namespace {options['project']} is set up.")
        devices = [*_devices(options["allow"]), *_devices(options["retrieve"], may_retrieve=True)]
        if devices and options["close"]:
            raise CommandError("Either list devices or --close.")
        if devices or options["close"]:
            self._list(project, devices)
        self._show(project)

    def _list(self, project: Project, devices: list[Device]) -> None:
        try:
            list_devices(project, devices, by=None)
        except ValidationError as error:
            raise CommandError(" ".join(error.messages)) from error

    def _show(self, project: Project) -> None:
        devices = list(project.dicom_devices.all())
        if not devices:
            self.stdout.write("DIMSE is closed: no device is listed.")
            return
        for device in devices:
            self.stdout.write(f"{device} may send{' and retrieve' if device.may_retrieve else ''}.")
        self.stdout.write(f"They call {ae_title_of(project)} at {_where(project)}.")


def _where(project: Project) -> str:
    dimse = dimse_of(project)
    if dimse is None:
        is_placed = placement_of(project) is not None
        return "a port that is given out within a minute" if is_placed else "no port: DIMSE_PORT is not set"
    return f"{dimse.host or 'a node of the cluster'}, port {dimse.port}"


def _devices(texts: list[str], *, may_retrieve: bool = False) -> list[Device]:
    return [Device(*one.partition("=")[::2], may_retrieve=may_retrieve) for one in texts]
