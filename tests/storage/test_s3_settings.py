"""Settings of S3 that the tools of AWS share, and a region that is wrong."""

from __future__ import annotations

from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest

from intentflow.errors import ServiceError
from intentflow.storage import read_file

REGION_NAMES = ("AWS_REGION", "AWS_DEFAULT_REGION")
ENDPOINT_NAMES = ("S3_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL")


class _OtherRegion(BaseHTTPRequestHandler):
    """A server whose bucket is in eu-central-1, and that refuses any other region."""

    regions: list[str]

    def do_GET(self) -> None:
        signature = self.headers.get("Authorization", "")
        self.regions.append(signature.partition("Credential=")[2].split("/")[2])
        body = (
            "<?xml version='1.0'?><Error><Code>AuthorizationHeaderMalformed</Code><Message>"
            f"the region '{self.regions[-1]}' is wrong; expecting 'eu-central-1'"
            "</Message><Region>eu-central-1</Region></Error>"
        ).encode()
        self.send_response(400)
        self.send_header("Content-Type", "application/xml")
        self.send_header("Content-Length", str(len(body)))
        self.send_header("x-amz-bucket-region", "eu-central-1")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    do_HEAD = do_GET  # noqa: N815 - the name that the library calls

    def log_message(self, *_: object) -> None:
        """Write nothing."""


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[str, list[str]]]:
    """The server's address, and the regions that requests were signed for."""
    for name in (*REGION_NAMES, *ENDPOINT_NAMES):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "key")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    handler = type("Handler", (_OtherRegion,), {"regions": []})
    http = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    Thread(target=http.serve_forever, args=(0.01,), daemon=True).start()
    yield f"http://127.0.0.1:{http.server_port}", handler.regions
    http.shutdown()
    http.server_close()


@pytest.mark.parametrize("endpoint", ENDPOINT_NAMES)
@pytest.mark.parametrize("region", REGION_NAMES)
def test_settings_of_other_tools_are_read(
    server: tuple[str, list[str]], monkeypatch: pytest.MonkeyPatch, endpoint: str, region: str
) -> None:
    address, regions = server
    monkeypatch.setenv(endpoint, address)
    monkeypatch.setenv(region, "us-west-2")
    with pytest.raises(ServiceError):
        read_file("s3://rows", "a.jsonl")
    assert set(regions) == {"us-west-2"}


def test_the_own_variables_go_before_those_of_other_tools(
    server: tuple[str, list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    address, regions = server
    monkeypatch.setenv("S3_ENDPOINT_URL", address)
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("AWS_REGION", "us-west-2")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-2")
    with pytest.raises(ServiceError):
        read_file("s3://rows", "a.jsonl")
    assert set(regions) == {"us-west-2"}


def test_a_wrong_region_is_named_as_such(
    server: tuple[str, list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("S3_ENDPOINT_URL", server[0])
    monkeypatch.setenv("AWS_REGION", "us-west-2")
    with pytest.raises(ServiceError, match=r"another region.*eu-central-1.*AWS_REGION"):
        read_file("s3://rows", "a.jsonl")
