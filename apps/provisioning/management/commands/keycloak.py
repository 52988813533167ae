import json
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from apps.accounts.models import User
from apps.core.ledger import StepFailed, StepWaits
from apps.integrations.keycloak import realm
from apps.integrations.keycloak.port import KeycloakRefused, KeycloakUnreachable
from apps.integrations.keycloak.realm_file import realm_document
from apps.provisioning.people import connect_person, invite_person


class Command(BaseCommand):
    help = (
        "`keycloak realm` prints the realm to import, with its secrets; "
        "`keycloak check` says whether the portal can use it; "
        "`keycloak connect EMAIL` connects an account of this portal with the person in Keycloak."
    )

    requires_system_checks: tuple[str, ...] = ()  # the realm is made before the portal is

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("action", choices=["realm", "check", "connect"])
        parser.add_argument("email", nargs="?", default="")

    def handle(self, *args: Any, **options: Any) -> None:
        if not settings.KEYCLOAK_CLIENT_SECRET or not settings.KEYCLOAK_SERVICE_SECRET:
            raise CommandError("Set KEYCLOAK_URL, KEYCLOAK_CLIENT_SECRET and KEYCLOAK_SERVICE_SECRET first.")
        if options["action"] == "realm":
            self.stdout.write(json.dumps(realm_document(), indent=2))
        elif options["action"] == "check":
            self._check()
        else:
            self._connect(options["email"])

    def _check(self) -> None:
        try:
            realm.need_answer()
            realm.directory().people_with_email("nobody@localhost.localdomain")
        except (KeycloakUnreachable, KeycloakRefused) as error:
            raise CommandError(f"{realm.issuer()}: {error}") from error
        self.stdout.write(f"{realm.issuer()} answers, and the service account may read people.")

    def _connect(self, email: str) -> None:
        user = User.objects.filter(email=email.lower(), is_active=True).first()
        if user is None:
            raise CommandError(f"No active person has the e-mail address {email}.")
        try:
            connect_person(user)
            invite_person(user)
        except (StepFailed, StepWaits) as error:
            raise CommandError(str(error)) from error
        self.stdout.write(f"{user.email} signs in at Keycloak from now on.")
