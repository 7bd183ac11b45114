"""A region's object store: S3 by boto3. Its errors become Tenancy's: what to try again, and whom to ask.

S3 makes a bucket and its tags by two requests. A process that dies between them leaves a bucket that carries no proof.
So a claim is written before: an object in the marker bucket, with the bucket's name and the proof.

boto3 is imported at the top, so that `tenantctl activity list` says when it is missing. The price is 0.4 s of processor
time for each process of Airflow that loads the activity.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any
from uuid import uuid4

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from tenancy.saga.causes import Cause
from tenancy.saga.connections import Connection
from tenancy.saga.errors import PermanentError, PlatformError, TransientError

_PROOF = "tenancy-proof"
"""The tag that has the ownership proof."""
_IDENTITY = "tenancy-identity"
"""The object of the marker bucket that has the store's identity."""
_ABSENT = {"NoSuchBucket", "NoSuchKey", "NoSuchTagSet", "404"}
_FORBIDDEN = {"AccessDenied", "403", "InvalidAccessKeyId", "SignatureDoesNotMatch", "AllAccessDisabled"}
_BUSY = {
    "SlowDown",
    "OperationAborted",
    "ConditionalRequestConflict",
    "InternalError",
    "ServiceUnavailable",
    "RequestTimeout",
    "503",
    "500",
}


class ObjectStore:
    """The buckets of one S3 account and region. The connection: login and password are the access key."""

    def __init__(self, connection: Connection) -> None:
        self.label = f"the object store of the connection {connection.id}"
        self._region = str(connection.extra.get("region_name", "us-east-1"))
        self._marker_bucket = str(connection.extra.get("marker_bucket", ""))
        self._s3 = boto3.client(
            "s3",
            endpoint_url=connection.extra.get("endpoint_url"),
            region_name=self._region,
            aws_access_key_id=connection.login,
            aws_secret_access_key=connection.password,
            config=Config(
                connect_timeout=5, read_timeout=10, retries={"total_max_attempts": 1}
            ),  # the engine tries again
        )

    def identity(self, *, make: bool = False) -> str:
        """The identity that the marker bucket states. `make`: write one if it has none.

        Tenants begin side by side, and the first identity stays: S3 itself refuses to write a second one
        (`If-None-Match`, https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html).
        """
        if not self._marker_bucket:
            raise PlatformError(
                f"{self.label}: its extra lacks marker_bucket. Make one that Tenancy may write to, and name it there.",
                cause=Cause.PLATFORM_CONNECTION,
            )
        found = self._read(_IDENTITY)
        if make and not found:
            with suppress(_AlreadyThere), self._answers():
                identity = f"s3:{uuid4()}".encode()
                self._s3.put_object(Bucket=self._marker_bucket, Key=_IDENTITY, Body=identity, IfNoneMatch="*")
            found = self._read(_IDENTITY)
        return found

    def owner_of(self, bucket: str) -> str | None:
        """The proof of the bucket, empty when it has none; None when there is no such bucket."""
        tags = self.tags(bucket)
        return None if tags is None else tags.get(_PROOF) or self._claim(bucket)

    def is_tagged(self, bucket: str) -> bool:
        """Does the bucket itself carry a proof?"""
        return _PROOF in (self.tags(bucket) or {})

    def tags(self, bucket: str) -> dict[str, str] | None:
        """The bucket's tags; None when there is no such bucket."""
        try:
            with self._answers():
                found = self._s3.get_bucket_tagging(Bucket=bucket)["TagSet"]
        except _Absent as absent:
            return {} if absent.code == "NoSuchTagSet" else None
        return {tag["Key"]: tag["Value"] for tag in found}

    def create(self, bucket: str, proof: str) -> None:
        """Claim, make and tag the bucket."""
        where = {} if self._region == "us-east-1" else {"LocationConstraint": self._region}
        with self._answers():
            self._s3.put_object(Bucket=self._marker_bucket, Key=_key(bucket), Body=proof.encode())
            self._s3.create_bucket(Bucket=bucket, **({"CreateBucketConfiguration": where} if where else {}))
        self.tag(bucket, proof)

    def tag(self, bucket: str, proof: str) -> None:
        """Write the proof to the bucket itself."""
        with self._answers():
            self._s3.put_bucket_tagging(Bucket=bucket, Tagging={"TagSet": [{"Key": _PROOF, "Value": proof}]})

    def delete(self, bucket: str) -> None:
        """Remove the bucket with all its objects, then its claim. What is not there is no error."""
        with suppress(_Absent), self._answers():
            for page in self._s3.get_paginator("list_object_versions").paginate(Bucket=bucket):
                self._delete_objects(bucket, page)
            self._s3.delete_bucket(Bucket=bucket)
        with self._answers():
            self._s3.delete_object(Bucket=self._marker_bucket, Key=_key(bucket))

    def with_proof(self, prefix: str) -> Iterator[tuple[str, str]]:
        """Name and proof of each bucket whose proof begins with this."""
        with self._answers():
            names = [bucket["Name"] for bucket in self._s3.list_buckets()["Buckets"]]
        for name in names:
            proof = self.owner_of(name)
            if proof and proof.startswith(prefix):
                yield name, proof

    def has_claim(self, bucket: str) -> bool:
        """Was the bucket's creation begun, and not undone?"""
        return bool(self._claim(bucket))

    def _claim(self, bucket: str) -> str:
        return self._read(_key(bucket))

    def _read(self, key: str) -> str:
        """An object of the marker bucket; empty when there is none."""
        try:
            with self._answers():
                return str(self._s3.get_object(Bucket=self._marker_bucket, Key=key)["Body"].read().decode())
        except _Absent as absent:
            if absent.code != "NoSuchBucket":
                return ""
            raise PlatformError(
                f"{self.label}: there is no bucket {self._marker_bucket}, its extra's marker_bucket. Make it.",
                cause=Cause.PLATFORM_CONNECTION,
            ) from absent

    def _delete_objects(self, bucket: str, page: Mapping[str, Any]) -> None:
        found = [*page.get("Versions", ()), *page.get("DeleteMarkers", ())]
        keys = [{"Key": each["Key"], "VersionId": each["VersionId"]} for each in found]
        if keys:
            self._s3.delete_objects(Bucket=bucket, Delete={"Objects": keys, "Quiet": True})

    @contextmanager
    def _answers(self) -> Iterator[None]:
        try:
            yield
        except ClientError as error:
            raise self._judged(error) from error
        except BotoCoreError as error:
            raise TransientError(f"{self.label} does not respond: {error}") from error

    def _judged(self, error: ClientError) -> Exception:
        code = str(error.response["Error"].get("Code", ""))
        message = f"{self.label}: {error}"
        if code in _ABSENT:
            return _Absent(code)
        if code == "PreconditionFailed":
            return _AlreadyThere()
        if code in _FORBIDDEN:
            return PlatformError(message, cause=Cause.PLATFORM_RIGHTS)
        return TransientError(message) if code in _BUSY else PermanentError(message)


def _key(bucket: str) -> str:
    return f"claims/{bucket}"


class _Absent(Exception):  # noqa: N818 - an answer, not an error
    """S3 says that the bucket, or its tags, are not there."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class _AlreadyThere(Exception):  # noqa: N818 - an answer, not an error
    """S3 did not write the object, because there is one."""
