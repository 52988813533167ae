"""A bucket by boto3."""

import os
from collections.abc import Callable, Iterable, Iterator
from functools import wraps
from itertools import islice
from typing import IO, Any, ParamSpec, TypeVar

import boto3
from boto3.exceptions import Boto3Error
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from apps.integrations.objectstore.port import BucketFailed

P = ParamSpec("P")
R = TypeVar("R")

_DELETED_AT_ONCE = 1000
_CONNECTIONS = 16
_PUT_AT_ONCE_BYTES = 16 * 1024**2


def _failing(call: Callable[P, R]) -> Callable[P, R]:
    @wraps(call)
    def guarded(*arguments: P.args, **named: P.kwargs) -> R:
        try:
            return call(*arguments, **named)
        except (Boto3Error, BotoCoreError, ClientError) as error:
            raise BucketFailed(f"The bucket does not do what it is asked: {error}.") from error

    return guarded


class S3Bucket:
    """See `port.BucketApi`. `endpoint` is empty for Amazon's own; elsewhere the bucket's name is part of the path."""

    def __init__(self, name: str, *, endpoint: str, access_key: str, secret_key: str) -> None:
        self._name = name
        self._client: Any = boto3.client(
            "s3",
            endpoint_url=endpoint or None,
            aws_access_key_id=access_key,
            aws_secret_access_key=secret_key,
            config=Config(
                connect_timeout=5,
                read_timeout=60,
                max_pool_connections=_CONNECTIONS,
                # Others than Amazon know no checksums after the body.
                request_checksum_calculation="when_required",
                response_checksum_validation="when_required",
                retries={"max_attempts": 3, "mode": "standard"},
                s3={"addressing_style": "path" if endpoint else "auto"},
            ),
        )

    @_failing
    def put(self, key: str, body: IO[bytes], *, content_type: str, content_encoding: str = "") -> None:
        kind = {"ContentType": content_type, **({"ContentEncoding": content_encoding} if content_encoding else {})}
        size_bytes = body.seek(0, os.SEEK_END)
        body.seek(0)
        if size_bytes <= _PUT_AT_ONCE_BYTES:
            self._client.put_object(Bucket=self._name, Key=key, Body=body, **kind)
        else:
            self._client.upload_fileobj(body, self._name, key, ExtraArgs=kind)

    @_failing
    def get(self, key: str) -> bytes | None:
        try:
            answer: bytes = self._client.get_object(Bucket=self._name, Key=key)["Body"].read()
        except self._client.exceptions.NoSuchKey:
            return None
        return answer

    def keys(self, prefix: str) -> Iterator[str]:
        pages = iter(self._client.get_paginator("list_objects_v2").paginate(Bucket=self._name, Prefix=prefix))
        while page := self._next(pages):
            yield from (one["Key"] for one in page.get("Contents", []))

    @_failing
    def delete(self, keys: Iterable[str]) -> None:
        waiting = iter(keys)
        while some := list(islice(waiting, _DELETED_AT_ONCE)):
            wished = {"Objects": [{"Key": key} for key in some], "Quiet": True}
            answer = self._client.delete_objects(Bucket=self._name, Delete=wished)
            if answer.get("Errors"):
                raise BucketFailed(f"The bucket keeps what is to be deleted: {answer['Errors'][0]['Code']}.")

    @_failing
    def _next(self, pages: Iterator[dict[str, Any]]) -> dict[str, Any] | None:
        return next(pages, None)
