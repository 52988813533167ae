import pytest
from django.test import Client

from apps.accounts.models import User
from apps.archives.models import Archive
from tests.conftest import ClientOf


@pytest.fixture
def bobs(archive: Archive, bob: User, client_of: ClientOf) -> Client:
    return client_of(bob)
