import sys
from pathlib import Path
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser

from apps.clusters import collecting, kubeconfig, permissions, services
from apps.clusters.models import Cluster
from apps.integrations.kubernetes.port import Credentials

# What a script may say of a cluster besides its credentials.
OPTIONS = (
    *("domain", "ssh_host", "ssh_port_first", "ssh_port_last", "storage_class", "ingress_class"),
    *("image_prefix", "service_access", "passed_on_from"),
)


BY_ITSELF = {field.name for field in Cluster._meta.fields} - set(services.SET_BY_HAND)


class Command(BaseCommand):
    help = (
        "`cluster permissions` prints what to apply on a cluster first; "
        "`cluster register --name NAME --kubeconfig FILE` registers one; `cluster change NAME` changes it; "
        "`cluster check NAME` looks at it now and says what is missing; `cluster list` shows all."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        actions = parser.add_subparsers(dest="action", required=True)
        printing = actions.add_parser("permissions")
        printing.add_argument(
            "--service-access", default=Cluster.ServiceAccess.DIRECT, choices=Cluster.ServiceAccess.values
        )
        actions.add_parser("list")
        actions.add_parser("check").add_argument("name")
        registering = actions.add_parser("register")
        registering.add_argument("--name", required=True)
        registering.add_argument("--kubeconfig", metavar="FILE", help="- reads it from standard input")
        registering.add_argument("--server", default="", help="the API server's address, unless a kubeconfig has it")
        registering.add_argument("--ca", metavar="FILE", help="the API server's CA")
        registering.add_argument("--token", metavar="FILE", help="a service account's token; - reads standard input")
        changing = actions.add_parser("change")
        changing.add_argument("name")
        for name in OPTIONS:
            for parser_of_action in (registering, changing):
                parser_of_action.add_argument(f"--{name.replace('_', '-')}", dest=name)

    def handle(self, *args: Any, **options: Any) -> None:
        getattr(self, f"_{options['action']}")(options)

    def _permissions(self, options: dict[str, Any]) -> None:
        self.stdout.write(permissions.to_apply(options["service_access"]), ending="")

    def _list(self, _: dict[str, Any]) -> None:
        for cluster in Cluster.objects.all():
            self.stdout.write(f"{cluster.name}: {Cluster.Status(cluster.status).label}. {cluster.trouble}".rstrip())

    def _register(self, options: dict[str, Any]) -> None:
        cluster = Cluster(name=options["name"], status=Cluster.Status.NEVER_SEEN)
        try:
            kubeconfig.hold(cluster, _credentials(cluster, options))
        except kubeconfig.CredentialsUnusable as unusable:
            raise CommandError(str(unusable)) from unusable
        _take(cluster, options)
        services.register(cluster, by=None)
        self.stdout.write(f"Cluster {cluster.name} is registered.")

    def _change(self, options: dict[str, Any]) -> None:
        cluster = _named(options["name"])
        _take(cluster, options)
        services.change(cluster, by=None)
        self.stdout.write(f"Cluster {cluster.name} is changed.")

    def _check(self, options: dict[str, Any]) -> None:
        cluster = _named(options["name"])
        services.ask_check(cluster)
        collecting.look(cluster)
        collecting.check(cluster)
        cluster.refresh_from_db()
        if cluster.trouble:
            raise CommandError(f"{Cluster.Status(cluster.status).label}: {cluster.trouble}")
        found = cluster.check_of_permissions
        for one in found.missing:
            self.stderr.write(f"missing: {one}")
        if found.missing or found.trouble:
            raise CommandError(found.trouble or _to_apply(cluster))
        self.stdout.write(f"{Cluster.Status(cluster.status).label}. Nothing is missing.")


def _named(name: str) -> Cluster:
    cluster = Cluster.objects.filter(name=name).first()
    if cluster is None:
        raise CommandError(f"There is no cluster with the name {name}.")
    return cluster


def _take(cluster: Cluster, options: dict[str, Any]) -> None:
    """Puts the options that are given into the row, which is not saved."""
    for name in OPTIONS:
        if options[name] is not None:
            setattr(cluster, name, options[name])
    try:
        cluster.full_clean(exclude=BY_ITSELF)
    except ValidationError as error:
        raise CommandError(" ".join(f"{name}: {' '.join(said)}" for name, said in _faults(error))) from error


def _to_apply(cluster: Cluster) -> str:
    command = f"cluster permissions --service-access {cluster.service_access}"
    return f"Apply what `{command}` prints, then check again."


def _credentials(cluster: Cluster, options: dict[str, Any]) -> Credentials:
    if options["kubeconfig"]:
        return kubeconfig.from_kubeconfig(_text(options["kubeconfig"]))
    ca_pem, token = (_text(options[name]) if options[name] else "" for name in ("ca", "token"))
    return kubeconfig.given(cluster, server=options["server"], ca_pem=ca_pem, token=token.strip())


def _text(path: str) -> str:
    try:
        return sys.stdin.read() if path == "-" else Path(path).read_text()
    except OSError as error:
        raise CommandError(f"{path} cannot be read: {error.strerror}.") from error


def _faults(error: ValidationError) -> list[tuple[str, list[str]]]:
    return sorted(error.message_dict.items())
