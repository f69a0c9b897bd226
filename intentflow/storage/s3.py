"""An S3 client with the few operations that publishing and fetching need."""

from __future__ import annotations

import io
import logging
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from intentflow.errors import ServiceError
from intentflow.io.addresses import require_address
from intentflow.storage.manifest import Entry
from intentflow.storage.multipart import PART_BYTES, upload_in_parts
from intentflow.storage.progress import Progress
from intentflow.storage.uris import S3_ENDPOINT_VARIABLES, S3_REGION_VARIABLES, S3Location

if TYPE_CHECKING:
    from minio import Minio
    from urllib3 import PoolManager

log = logging.getLogger(__name__)

_SHA256_HEADER = "x-amz-meta-sha256"
_CHUNK_BYTES = 1 << 20
_CONNECT_SECONDS = 10
_READ_SECONDS = 120
_RETRIES = 3
_AT_ONCE = 8


@dataclass(frozen=True)
class ObjectFacts:
    """Metadata of an object; ``sha256`` only if it was uploaded with it."""

    bytes: int
    etag: str
    sha256: str | None


_USE_REGION = "use region "  # in the client's message, by a header of the answer
_WRONG_REGION = (
    "AuthorizationHeaderMalformed",
    "IllegalLocationConstraintException",
    "InvalidRegion",
    "PermanentRedirect",
    "TemporaryRedirect",
)


class S3Store:
    """S3 through the minio client; every failure becomes one readable line.

    The settings are read at once, the server is contacted later.

    Args:
        environment: Source of the settings; the process's environment if None.

    Raises:
        ServiceError: There are no credentials, or the endpoint is not a URL.
    """

    def __init__(self, environment: Mapping[str, str] | None = None) -> None:
        settings = os.environ if environment is None else environment
        self._endpoint = _first(settings, S3_ENDPOINT_VARIABLES) or "https://s3.amazonaws.com"
        self._client = _client(self._endpoint, settings)

    def facts(self, location: S3Location) -> ObjectFacts | None:
        """Size, ETag and SHA-256 of an object; None if it does not exist."""
        with self._readable_errors(location):
            from minio.error import S3Error

            try:
                found = self._client.stat_object(location.bucket, location.key)
            except S3Error as error:
                if error.code == "NoSuchKey":
                    return None
                raise
            headers = {key.lower(): value for key, value in (found.metadata or {}).items()}
            return ObjectFacts(found.size or 0, found.etag or "", headers.get(_SHA256_HEADER))

    def below(self, location: S3Location) -> dict[str, str]:
        """Names, relative to a key, and ETags of all objects below it."""
        prefix = f"{location.key}/" if location.key else ""
        with self._readable_errors(location):
            found = self._client.list_objects(location.bucket, prefix=prefix, recursive=True)
            return {
                str(item.object_name).removeprefix(prefix): item.etag or ""
                for item in found
                if not item.is_dir and not str(item.object_name).endswith("/")
            }

    def has_entry(self, location: S3Location, entry: Entry) -> bool:
        """Whether the object exists with this entry's size and SHA-256."""
        facts = self.facts(location)
        return facts is not None and (facts.bytes, facts.sha256) == (entry.bytes, entry.sha256)

    def upload(self, location: S3Location, source: Path, sha256: str, progress: Progress) -> None:
        """Upload a file with its SHA-256; a large one in parts, visible when all are there."""
        log.debug("upload of %s to %s", source, location)
        headers = {_SHA256_HEADER: sha256}
        with self._readable_errors(location):
            from minio.error import S3Error

            try:
                if source.stat().st_size > PART_BYTES:
                    upload_in_parts(self._client, location, source, headers, progress)
                else:
                    self._put(location, source, headers, progress)
            except S3Error as error:
                # Another process has finished the same upload.
                if error.code != "NoSuchUpload" or self._sha256(location) != sha256:
                    raise

    def _put(
        self, location: S3Location, source: Path, headers: dict[str, str], progress: Progress
    ) -> None:
        content = source.read_bytes()
        self._client.put_object(
            location.bucket, location.key, io.BytesIO(content), len(content), metadata={**headers}
        )
        progress(len(content))

    def _sha256(self, location: S3Location) -> str | None:
        facts = self.facts(location)
        return facts.sha256 if facts else None

    def write(self, location: S3Location, content: bytes) -> None:
        """Store a small object."""
        with self._readable_errors(location):
            self._client.put_object(
                location.bucket, location.key, io.BytesIO(content), len(content)
            )

    def read(self, location: S3Location) -> bytes | None:
        """Read a small object; None if it does not exist."""
        if self.facts(location) is None:
            return None
        buffer = io.BytesIO()
        self._stream(location, buffer.write, None)
        return buffer.getvalue()

    def remove(self, location: S3Location) -> None:
        """Remove an object; one that does not exist is no error."""
        with self._readable_errors(location):
            self._client.remove_object(location.bucket, location.key)

    def download(self, location: S3Location, target: Path, progress: Progress) -> None:
        """Download an object to a file."""
        log.debug("download of %s", location)
        with target.open("wb") as stream:
            self._stream(location, stream.write, progress)

    def _stream(
        self, location: S3Location, write: Callable[[bytes], object], progress: Progress | None
    ) -> None:
        with self._readable_errors(location):
            response = self._client.get_object(location.bucket, location.key)
            try:
                for chunk in response.stream(_CHUNK_BYTES):
                    write(chunk)
                    if progress:
                        progress(len(chunk))
            finally:
                response.close()
                response.release_conn()

    @contextmanager
    def _readable_errors(self, location: S3Location) -> Iterator[None]:
        from minio.error import MinioException, S3Error
        from urllib3.exceptions import HTTPError

        try:
            yield
        except S3Error as error:
            raise ServiceError(_explain_refusal(error.code or "", location, error)) from error
        except HTTPError as error:
            raise ServiceError(_explain_connection(self._endpoint, error)) from error
        except (MinioException, ValueError) as error:
            raise ServiceError(f"{location}: {error}".splitlines()[0]) from error


def _client(endpoint: str, settings: Mapping[str, str]) -> Minio:
    from minio import Minio

    from intentflow.storage.credentials import s3_credentials

    keys = "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"
    parts = urlsplit(require_address(endpoint, "S3_ENDPOINT_URL", keys))
    if parts.path or parts.query or parts.fragment:
        raise ServiceError(f"S3_ENDPOINT_URL {endpoint}: expected http(s)://host[:port] alone")
    ca_bundle = settings.get("AWS_CA_BUNDLE")
    credentials = s3_credentials(endpoint, settings, partial(_token_connections, ca_bundle))
    return Minio(
        parts.netloc,
        credentials=credentials,
        secure=parts.scheme == "https",
        region=_first(settings, S3_REGION_VARIABLES),
        http_client=_connections(ca_bundle, _CONNECT_SECONDS, _READ_SECONDS, _RETRIES),
    )


def _first(settings: Mapping[str, str], names: Sequence[str]) -> str | None:
    return next((settings[name] for name in names if settings.get(name)), None)


def _token_connections(ca_bundle: str | None, seconds: float) -> PoolManager:
    return _connections(ca_bundle, seconds, seconds, 0)


def _connections(
    ca_bundle: str | None, connect_seconds: float, read_seconds: float, retries: int
) -> PoolManager:
    """Connections that verify certificates and time out within seconds rather than minutes."""
    import certifi
    import urllib3

    if ca_bundle and not Path(ca_bundle).is_file():
        raise ServiceError(f"AWS_CA_BUNDLE={ca_bundle}: No such file or directory")
    return urllib3.PoolManager(
        maxsize=_AT_ONCE,
        timeout=urllib3.Timeout(connect=connect_seconds, read=read_seconds),
        cert_reqs="CERT_REQUIRED",
        ca_certs=ca_bundle or os.environ.get("SSL_CERT_FILE") or certifi.where(),
        retries=urllib3.Retry(
            total=retries, backoff_factor=0.2, status_forcelist=[500, 502, 503, 504]
        ),
    )


def _explain_refusal(code: str, location: S3Location, error: Exception) -> str:
    if code == "NoSuchBucket":
        return f"s3://{location.bucket}: no such bucket; create it, or check the name"
    if code == "NoSuchKey":
        return f"{location}: no such object"
    if code in ("InvalidAccessKeyId", "SignatureDoesNotMatch", "InvalidTokenId", "ExpiredToken"):
        return (
            f"{location}: the S3 server does not accept the key ({code}); "
            "check AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"
        )
    if code in _WRONG_REGION or _USE_REGION in _message(error):
        return (
            f"{location}: the bucket is in another region ({_message(error)}); set AWS_REGION to it"
        )
    if code == "AccessDenied":
        return (
            f"{location}: access denied; check AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY "
            "and the permissions of the key, or of the pod's role, for this bucket"
        )
    if code in ("XMinioStorageFull", "QuotaExceeded", "InsufficientStorage"):
        return f"{location}: the S3 server has no space left ({code})"
    return f"{location}: the S3 server refused: {code}: {_message(error)}".splitlines()[0]


def _message(error: Exception) -> str:
    return str(getattr(error, "message", None) or error).partition("\n")[0]


def _explain_connection(endpoint: str, error: Exception) -> str:
    text = str(error)
    if "CERTIFICATE_VERIFY_FAILED" in text:
        return (
            f"S3 endpoint {endpoint}: its certificate is not trusted; "
            "name the authority's file in AWS_CA_BUNDLE"
        )
    cause = getattr(error, "reason", None) or error
    kind = type(cause).__name__
    return (
        f"S3 endpoint {endpoint}: cannot be reached ({kind}); check S3_ENDPOINT_URL and the server"
    )
