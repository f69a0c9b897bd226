"""Small objects on S3: changed by conditional put where the server has it, else under a lease."""

from __future__ import annotations

import uuid
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

from tenacity import RetryCallState, Retrying, retry_if_result, stop_after_delay, wait_random

from intentflow.errors import ServiceError
from intentflow.storage.lease import Lease
from intentflow.storage.s3 import S3Store
from intentflow.storage.small_objects import LOCK_SECONDS, Change
from intentflow.storage.uris import S3Location

# Another process was faster, or the server does not know the condition.
_NOT_WRITTEN = frozenset(
    {
        *("PreconditionFailed", "ConditionalRequestConflict", "NoSuchKey"),
        *("NotImplemented", "InvalidArgument", "InvalidRequest"),
    }
)
_AT_ONCE = 4
_PAUSE_SECONDS = 0.05


@dataclass(frozen=True)
class _Version:
    """The content of an object and the ETag that names this version of it."""

    content: bytes
    etag: str


class VersionedStore(S3Store):
    """S3 with conditional put, and what leases need."""

    def read_version(self, location: S3Location) -> _Version | None:
        """Content and ETag of an object, by one request; None if it does not exist."""
        from minio.error import S3Error

        with self._readable_errors(location):
            try:
                response = self._client.get_object(location.bucket, location.key)
            except S3Error as error:
                if error.code == "NoSuchKey":
                    return None
                raise
            try:
                return _Version(response.read(), response.headers["etag"])
            finally:
                response.close()
                response.release_conn()

    def write_if(self, location: S3Location, content: bytes, etag: str | None) -> bool:
        """Store an object if it still has an ETag, or, with None, if it does not exist.

        ``put_object`` of the client has no argument for the condition; the request below it has
        headers, and its version is pinned.

        Returns:
            Whether it was written.
        """
        from minio.error import S3Error

        headers: dict[str, str | list[str] | tuple[str]]
        headers = {"If-None-Match": "*"} if etag is None else {"If-Match": etag}
        with self._readable_errors(location):
            try:
                self._client._put_object(location.bucket, location.key, content, headers)
            except S3Error as error:
                if error.code in _NOT_WRITTEN:
                    return False
                raise
        return True

    def times_below(self, location: S3Location) -> dict[str, datetime]:
        """Names below a key, without it, and when the server stored the objects."""
        prefix = f"{location.key}/" if location.key else ""
        with self._readable_errors(location):
            found = self._client.list_objects(location.bucket, prefix=prefix, recursive=True)
            return {
                str(item.object_name).removeprefix(prefix): item.last_modified
                for item in found
                if item.last_modified is not None and not item.is_dir
            }


class S3Objects:
    """Objects below a key; see :class:`intentflow.storage.small_objects.SmallObjects`.

    Args:
        root: Bucket and key.
        store: The server; the one that the environment names if None.
    """

    def __init__(self, root: S3Location, store: VersionedStore | None = None) -> None:
        self._root = root
        self._store = store or VersionedStore()

    def address(self, name: str) -> str:
        """The ``s3://`` address of an object."""
        return str(self._root / name)

    def read(self, name: str) -> bytes | None:
        """The content of an object; None if it does not exist."""
        found = self._store.read_version(self._root / name)
        return found.content if found else None

    def write(self, name: str, content: bytes) -> None:
        """Store an object."""
        self._store.write(self._root / name, content)

    def names(self, folder: str) -> list[str]:
        """Names of the objects directly below a folder, in order."""
        return sorted(name for name in self._store.below(self._root / folder) if "/" not in name)

    def change(self, name: str, change: Change) -> None:
        """Change an object as if no other process did at the same time."""
        if self.has_conditional_put:
            self._swap(self._root / name, change)
            return
        location, claims = self._root / name, self._root / "leases" / name
        with Lease(self._store, claims, wait_seconds=LOCK_SECONDS) as lease:
            found = self._store.read_version(location)
            content = change(found.content if found else None)
            if found is None or content != found.content:
                lease.require_held()
                self._store.write(location, content)

    @cached_property
    def has_conditional_put(self) -> bool:
        """Whether the server proves that it has one, by a probe that several requests compete for.

        A server that ignores the condition, or checks it without a lock, writes more than once.
        """
        probe = self._root / f"probes/{uuid.uuid4().hex}"
        try:
            with ThreadPoolExecutor(_AT_ONCE) as pool:
                created = list(pool.map(lambda _: self._creates(probe), range(_AT_ONCE)))
            found = self._store.read_version(probe)
            if created.count(True) != 1 or found is None:
                return False
            swapped = [self._store.write_if(probe, b"later", found.etag) for _ in range(2)]
            return swapped == [True, False]
        finally:
            self._store.remove(probe)

    def _creates(self, probe: S3Location) -> bool:
        return self._store.write_if(probe, b"first", None)

    def _swap(self, location: S3Location, change: Change) -> None:
        def no_longer(_: RetryCallState) -> None:
            raise ServiceError(
                f"{location}: other processes changed it first for {LOCK_SECONDS:.0f} s; run again"
            )

        Retrying(
            retry=retry_if_result(lambda was_first: not was_first),
            stop=stop_after_delay(LOCK_SECONDS),
            wait=wait_random(0, _PAUSE_SECONDS),
            retry_error_callback=no_longer,
        )(self._swapped, location, change)

    def _swapped(self, location: S3Location, change: Change) -> bool:
        """Change an object, unless another process is faster; returns whether it is changed."""
        found = self._store.read_version(location)
        content = change(found.content if found else None)
        if found is not None and content == found.content:
            return True
        return self._store.write_if(location, content, found.etag if found else None)
