"""The contract of buckets on a real S3 server."""

import uuid

import pytest

from apps.integrations.objectstore.s3 import S3Bucket
from tests.integrations.test_bucket_contract import *  # noqa: F403
from tests.peers.s3 import S3

pytestmark = pytest.mark.peers


@pytest.fixture
def bucket(s3: S3) -> S3Bucket:
    name = s3.make_bucket(f"b-{uuid.uuid4().hex}")
    return S3Bucket(name, endpoint=s3.url, access_key=s3.access_key, secret_key=s3.secret_key)
