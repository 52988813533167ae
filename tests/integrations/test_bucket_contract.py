"""One suite for every side of the port of buckets; tests/peers/s3 holds a real server to it."""

from io import BytesIO

import pytest

from apps.integrations.objectstore.port import BucketApi
from tests.integrations.memory_bucket import MemoryBucket

pytestmark = pytest.mark.contract


@pytest.fixture
def bucket() -> BucketApi:
    """Empty."""
    return MemoryBucket()


def test_what_is_put_is_read_back_and_put_again_over(bucket: BucketApi) -> None:
    assert bucket.get("a/b") is None
    for content in (b"first", b"", b"x" * (17 * 1024**2)):
        bucket.put("a/b", BytesIO(content), content_type="application/dicom+json", content_encoding="gzip")
        assert bucket.get("a/b") == content


def test_keys_are_listed_by_their_beginning(bucket: BucketApi) -> None:
    for key in ("one/1.2", "one/1.3.json.gz", "one/deep/er", "oneness", "two/x"):
        bucket.put(key, BytesIO(b"content"), content_type="text/plain")
    assert set(bucket.keys("one/")) == {"one/1.2", "one/1.3.json.gz", "one/deep/er"}
    assert list(bucket.keys("three/")) == []


def test_more_than_a_page_is_listed_and_deleted(bucket: BucketApi) -> None:
    keys = {f"many/{number}" for number in range(1050)}
    for key in keys:
        bucket.put(key, BytesIO(b"."), content_type="text/plain")
    assert set(bucket.keys("many/")) == keys
    bucket.delete(bucket.keys("many/"))
    assert list(bucket.keys("many/")) == []


def test_deleting_what_is_gone_is_success(bucket: BucketApi) -> None:
    bucket.put("a", BytesIO(b"content"), content_type="text/plain")
    for _ in range(2):
        bucket.delete(["a", "never there"])
    bucket.delete([])
    assert bucket.get("a") is None
