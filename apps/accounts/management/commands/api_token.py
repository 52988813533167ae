from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from apps.accounts.forms import TokenForm
from apps.accounts.models import ApiToken, User
from apps.accounts.services import make_token


class Command(BaseCommand):
    help = "Makes an API token for a person and prints it, once."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("email")
        parser.add_argument("--name", default="command line")
        parser.add_argument("--days", default=30)
        parser.add_argument("--scope", action="append", help="may be repeated; all of them when left out")

    def handle(self, *args: Any, **options: Any) -> None:
        user = User.objects.filter(email=options["email"].lower(), is_active=True).first()
        if user is None:
            raise CommandError(f"No active person has the e-mail address {options['email']}.")
        scopes = options["scope"] or ApiToken.Scope.values
        form = TokenForm({"name": options["name"], "days": options["days"], "scopes": scopes})
        if not form.is_valid():
            raise CommandError(form.errors.as_text())
        _, secret = make_token(user, **form.cleaned_data)
        self.stdout.write(secret)
