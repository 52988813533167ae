"""A program that uses the API with a token of a person."""

from functools import partialmethod
from typing import Any

from django.test import Client

from apps.accounts.models import ApiToken, User
from apps.accounts.services import make_token


class Program:
    """Sends JSON, or a text as it is; answers what Django's test client answers."""

    def __init__(self, user: User, *scopes: str) -> None:
        scopes = scopes or (ApiToken.Scope.READ, ApiToken.Scope.WRITE)
        _, secret = make_token(user, name="test", days=1, scopes=scopes)
        self.client = Client(headers={"Authorization": f"Bearer {secret}"})

    def get(self, path: str, **query: object) -> Any:
        return self.client.get(path, query)

    def send(self, method: str, path: str, content: object = None) -> Any:
        sent = {} if content is None else content
        return getattr(self.client, method)(path, sent, content_type="application/json")

    post = partialmethod(send, "post")
    put = partialmethod(send, "put")
    patch = partialmethod(send, "patch")
    delete = partialmethod(send, "delete")
