"""Resumable multipart upload of large files to S3.

The minio client sends parts in parallel, but forgets an upload that was killed. Here its building
blocks (one S3 request each, the client's version is pinned) are combined so that the next upload
resumes. Nothing is visible before the last request, which joins the parts.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import FIRST_EXCEPTION, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from intentflow.storage.progress import Progress
from intentflow.storage.uris import S3Location

if TYPE_CHECKING:
    from minio import Minio

PART_BYTES = 16 << 20
_MAX_PARTS = 10_000  # S3's limit
_AT_ONCE = 4


@dataclass(frozen=True)
class _Slice:
    """One part of a file: its number from 1, its offset and its size in bytes."""

    number: int
    start: int
    size: int

    def read(self, source: Path) -> bytes:
        """Read the part's bytes."""
        with source.open("rb") as stream:
            stream.seek(self.start)
            return stream.read(self.size)


def upload_in_parts(
    client: Minio,
    location: S3Location,
    source: Path,
    headers: Mapping[str, str],
    progress: Progress,
) -> None:
    """Upload a file, resuming an unfinished upload of the same object.

    A part is already uploaded if its ETag is the MD5 of the data to send; a server with other ETags
    gets every part again.

    Args:
        client: Client of the minio package.
        location: Destination, whose name depends on the content.
        source: A local file, not empty.
        headers: Headers of the object.
        progress: Function that gets the number of bytes of each finished part.
    """
    upload, present = _unfinished(client, location)
    if upload is None:
        upload = client._create_multipart_upload(location.bucket, location.key, dict(headers))
    slices = list(_slices(source.stat().st_size))

    def send(part: _Slice) -> tuple[int, str]:
        data = part.read(source)
        etag = present.get(part.number)
        if etag != hashlib.md5(data, usedforsecurity=False).hexdigest():
            etag = client._upload_part(
                location.bucket, location.key, data, None, str(upload), part.number
            )
        progress(part.size)
        return part.number, etag

    _complete(client, location, upload, _each(send, slices))


def _slices(size: int) -> Iterator[_Slice]:
    """The slices of a file, equal for equal sizes, so that a later run finds its parts."""
    part = PART_BYTES * max(1, math.ceil(size / (PART_BYTES * _MAX_PARTS)))
    for number, start in enumerate(range(0, size, part), start=1):
        yield _Slice(number, start, min(part, size - start))


def _each(send: Callable[[_Slice], tuple[int, str]], slices: list[_Slice]) -> dict[int, str]:
    """Send all parts, some at once; the first failure stops it, and no further part is started."""
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        futures: list[Future[tuple[int, str]]] = [pool.submit(send, part) for part in slices]
        try:
            done, _ = wait(futures, return_when=FIRST_EXCEPTION)
            return dict(future.result() for future in done)
        finally:
            pool.shutdown(wait=False, cancel_futures=True)


def _unfinished(client: Minio, location: S3Location) -> tuple[str | None, dict[int, str]]:
    """The newest unfinished upload of the object and its parts' ETags, if the key may list them."""
    from minio.error import S3Error

    try:
        found = client._list_multipart_uploads(location.bucket, prefix=location.key)
        uploads = [item for item in found.uploads if item.object_name == location.key]
        if not uploads:
            return None, {}
        newest = max(uploads, key=lambda item: str(item.initiated_time or ""))
        return str(newest.upload_id), _parts(client, location, str(newest.upload_id))
    except S3Error as error:
        if error.code in ("AccessDenied", "NotImplemented", "NoSuchUpload"):
            return None, {}
        raise


def _parts(client: Minio, location: S3Location, upload: str) -> dict[int, str]:
    found: dict[int, str] = {}
    marker: str | None = None
    while True:
        page = client._list_parts(location.bucket, location.key, upload, part_number_marker=marker)
        found |= {int(part.part_number): str(part.etag).strip('"') for part in page.parts}
        if not page.is_truncated or not page.next_part_number_marker:
            return found
        marker = str(page.next_part_number_marker)


def _complete(client: Minio, location: S3Location, upload: str, etags: Mapping[int, str]) -> None:
    from minio.datatypes import Part

    parts = [Part(number, etag) for number, etag in sorted(etags.items())]
    client._complete_multipart_upload(location.bucket, location.key, upload, parts)
