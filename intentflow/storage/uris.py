"""Locations: local paths and ``s3://bucket/key``."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import PurePosixPath

from intentflow.errors import InputError

_DIGEST_NAME = re.compile(r"sha256-([0-9a-f]{64})")

S3_ENDPOINT_VARIABLES = ("S3_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL")
"""Variables with the URL of the object storage; the first that is set counts."""

S3_REGION_VARIABLES = ("AWS_REGION", "AWS_DEFAULT_REGION")
"""Variables with the region of the bucket; the first that is set counts."""


@dataclass(frozen=True)
class S3Location:
    """A bucket and a key; the key may be empty and has no slash at either end."""

    bucket: str
    key: str

    def __str__(self) -> str:
        return f"s3://{self.bucket}/{self.key}".rstrip("/")

    def __truediv__(self, name: str) -> S3Location:
        return S3Location(self.bucket, f"{self.key}/{name}".lstrip("/"))

    @property
    def name(self) -> str:
        """The last part of the key."""
        return self.key.rpartition("/")[2]

    @property
    def parent(self) -> S3Location:
        """The location one level up."""
        return S3Location(self.bucket, self.key.rpartition("/")[0])


def is_remote(uri: str) -> bool:
    """Whether a location has a scheme (``s3://…``) and is therefore not a local path."""
    return "://" in uri


def parse_s3(uri: str) -> S3Location:
    """Split an ``s3://bucket/key`` address.

    Raises:
        InputError: The address has another scheme, or no bucket.

    Example:
        >>> parse_s3("s3://models/sms").key
        'sms'
    """
    scheme, _, rest = uri.partition("://")
    bucket, _, key = rest.partition("/")
    if scheme != "s3":
        raise InputError(f"{uri}: {scheme}:// is not supported; use a path or s3://bucket/key")
    if not bucket:
        raise InputError(f"{uri}: the bucket is missing; expected s3://bucket/key")
    return S3Location(bucket, key.strip("/"))


def digest_in_name(uri: str) -> str | None:
    """The digest in a published directory's name (``…/sha256-<digest>``), or None."""
    match = _DIGEST_NAME.fullmatch(PurePosixPath(uri).name)
    return match[1] if match else None
