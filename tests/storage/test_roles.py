"""S3 without static keys: the roles that AWS gives pods and nodes."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from intentflow.errors import ServiceError
from intentflow.storage import read_file
from tests.real_parts.admission import self_signed
from tests.storage.aws import CONTENT, Aws, aws

ROLE = "arn:aws:iam::1:role/banking"
AWS_VARIABLES = (
    *("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_REGION"),
    *("AWS_DEFAULT_REGION", "AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL"),
    *("AWS_ROLE_ARN", "AWS_WEB_IDENTITY_TOKEN_FILE", "AWS_ENDPOINT_URL_STS"),
    *("AWS_CONTAINER_CREDENTIALS_FULL_URI", "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"),
    *("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", "AWS_CONTAINER_AUTHORIZATION_TOKEN"),
    *("AWS_EC2_METADATA_SERVICE_ENDPOINT", "AWS_EC2_METADATA_DISABLED"),
)


@pytest.fixture
def cloud(monkeypatch: pytest.MonkeyPatch) -> Iterator[Aws]:
    """AWS on loopback, whose S3 is asked; no keys are set."""
    for name in AWS_VARIABLES:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("intentflow.storage.credentials._PAUSE_SECONDS", 0.01)
    with aws() as running:
        monkeypatch.setenv("S3_ENDPOINT_URL", running.url)
        yield running


@pytest.fixture
def identity(cloud: Aws, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """What EKS puts into the pods of a ServiceAccount with a role."""
    file = tmp_path / "token"
    file.write_text("first-identity")
    monkeypatch.setenv("AWS_ROLE_ARN", ROLE)
    monkeypatch.setenv("AWS_WEB_IDENTITY_TOKEN_FILE", str(file))
    monkeypatch.setenv("AWS_ENDPOINT_URL_STS", cloud.url)
    return file


def _read() -> bytes | None:
    return read_file("s3://rows", "probe.jsonl")


def test_a_pods_identity_becomes_its_roles_credentials(cloud: Aws, identity: Path) -> None:
    assert _read() == CONTENT
    assert cloud.identities == [(ROLE, "first-identity")]
    assert set(cloud.signed_by) == {("ASIA1", "session-1")}


def test_credentials_are_renewed_before_they_expire_with_the_present_identity(
    cloud: Aws, identity: Path
) -> None:
    from intentflow.storage.s3 import S3Store
    from intentflow.storage.uris import S3Location

    cloud.lifetime = timedelta(seconds=1)
    store, location = S3Store(), S3Location("rows", "probe.jsonl")
    store.read(location)
    identity.write_text("second-identity")
    store.read(location)
    assert cloud.identities[-1] == (ROLE, "second-identity")
    assert cloud.signed_by[-1][0] == f"ASIA{cloud.handed_out}"


def test_static_keys_come_before_a_role(
    cloud: Aws, identity: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIA")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "static")
    _read()
    assert cloud.identities == []
    assert set(cloud.signed_by) == {("AKIA", None)}


def test_pod_identity_is_asked_with_the_pods_token(
    cloud: Aws, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "pod-token").write_text("pod-token")
    monkeypatch.setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", f"{cloud.url}/v1/credentials")
    monkeypatch.setenv("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", str(tmp_path / "pod-token"))
    assert _read() == CONTENT
    assert cloud.tokens == ["pod-token"]


def test_a_node_has_the_role_of_its_instance_profile(
    cloud: Aws, monkeypatch: pytest.MonkeyPatch
) -> None:
    from intentflow.storage.s3 import S3Store

    monkeypatch.setenv("AWS_EC2_METADATA_SERVICE_ENDPOINT", cloud.url)
    monkeypatch.setenv("S3_ENDPOINT_URL", "https://s3.eu-west-1.amazonaws.com")
    store = S3Store()
    assert store._client._provider.retrieve().access_key == "ASIA1"


def test_a_server_that_is_not_aws_needs_keys(cloud: Aws, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_EC2_METADATA_SERVICE_ENDPOINT", cloud.url)
    with pytest.raises(ServiceError, match="no S3 credentials: set AWS_ACCESS_KEY_ID"):
        _read()


def test_a_token_service_that_is_busy_is_asked_again(cloud: Aws, identity: Path) -> None:
    cloud.fails = [503, 503]
    assert _read() == CONTENT


def test_a_role_that_is_refused_is_named_without_the_identity(cloud: Aws, identity: Path) -> None:
    cloud.fails = [403]
    with pytest.raises(
        ServiceError, match=f"role {ROLE} gave none .*HTTP status code 403"
    ) as failed:
        _read()
    assert "first-identity" not in str(failed.value)
    assert len(str(failed.value).splitlines()) == 1


@pytest.mark.parametrize("missing", ["AWS_ROLE_ARN", "file"])
def test_half_an_identity_is_named(
    identity: Path, missing: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if missing == "file":
        identity.unlink()
    else:
        monkeypatch.delenv(missing)
    with pytest.raises(ServiceError, match=r"no S3 credentials: .*(AWS_ROLE_ARN|token)"):
        _read()


@pytest.mark.parametrize("present", ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"])
def test_half_a_key_is_not_replaced_by_a_role(
    cloud: Aws, identity: Path, present: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(present, "x")
    with pytest.raises(ServiceError, match="set AWS_ACCESS_KEY_ID and AWS_SECRET"):
        _read()


def test_a_laptop_without_keys_learns_of_them_within_seconds(
    cloud: Aws, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("S3_ENDPOINT_URL")
    monkeypatch.setenv("AWS_EC2_METADATA_SERVICE_ENDPOINT", "http://127.0.0.1:9")
    with pytest.raises(ServiceError, match=r"instance profile gave none .*set AWS_ACCESS_KEY_ID"):
        _read()


@pytest.mark.parametrize("variable", ["SSL_CERT_FILE", "AWS_CA_BUNDLE"])
def test_storage_and_token_service_of_a_private_authority_are_trusted(
    identity: Path, variable: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    certificate, key = self_signed(tmp_path)
    with aws((certificate, key)) as private:
        monkeypatch.setenv("S3_ENDPOINT_URL", private.url)
        monkeypatch.setenv("AWS_ENDPOINT_URL_STS", private.url)
        for other in ("SSL_CERT_FILE", "AWS_CA_BUNDLE"):  # the computer's own settings
            monkeypatch.delenv(other, raising=False)
        monkeypatch.setenv(variable, str(certificate))
        assert _read() == CONTENT
        assert len(private.identities) == 1
