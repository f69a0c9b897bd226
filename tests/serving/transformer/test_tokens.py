"""Which routes of the running transformer are open, and to whom."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from intentflow.errors import IntentflowError
from intentflow.serving.tokens import Keys
from intentflow.serving.transformer.settings import read_settings
from tests.serving.transformer.conftest import TOKEN, Running

pytestmark = pytest.mark.real

HEALTH = ["/healthz/live", "/healthz/ready", "/v2/health/live", "/v2/health/ready"]
CLOSED = [
    ("GET", "/"),
    ("GET", "/v1/models"),
    ("GET", "/v1/models/intent"),
    ("POST", "/v1/models/intent:predict"),
    ("POST", "/v1/models/intent:explain"),
    ("GET", "/v2"),
    ("GET", "/v2/models/intent"),
    ("GET", "/v2/models/intent/ready"),
    ("POST", "/v2/models/intent/infer"),
    ("POST", "/v2/repository/models/intent/unload"),
    ("GET", "/openai/v1/models"),
    ("POST", "/openai/v1/chat/completions"),
    ("POST", "/feedback"),
    ("GET", "/docs"),
    ("GET", "/openapi.json"),
    ("GET", "/nowhere"),
]


@pytest.mark.parametrize("path", HEALTH)
def test_health_needs_no_token(service: Running, path: str) -> None:
    assert service.client(None).get(path).status_code == 200


@pytest.mark.parametrize(("method", "path"), CLOSED)
@pytest.mark.parametrize("token", [None, "stale-token", ""])
def test_no_other_route_answers_a_stranger(
    service: Running, method: str, path: str, token: str | None
) -> None:
    assert service.client(token).request(method, path).status_code == 401


def test_metrics_are_not_on_the_clients_port(service: Running) -> None:
    assert service.client().get("/metrics").status_code == 404


def test_a_new_token_is_good_without_a_restart_and_the_old_one_until_it_goes(
    tmp_path: Path,
) -> None:
    file = tmp_path / "token"
    file.write_text("old\n")
    keys = Keys(file, None)
    file.write_text("old\nnew\n")
    time.sleep(1.1)
    both = keys.accepts("Bearer new"), keys.accepts("Bearer old")
    file.write_text("new\n")
    time.sleep(1.1)
    assert (*both, keys.accepts("Bearer new"), keys.accepts("Bearer old")) == (
        True,
        True,
        True,
        False,
    )


def test_a_token_file_that_is_gone_for_a_moment_changes_nothing(tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text(TOKEN)
    keys = Keys(file, None)
    file.unlink()
    time.sleep(1.1)
    assert keys.accepts(f"Bearer {TOKEN}")


def test_a_token_file_without_a_token_is_refused(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("\n")
    with pytest.raises(IntentflowError, match="no token"):
        Keys(tmp_path / "token", None)


@pytest.mark.parametrize(
    "content", [b"two words", b"\xef\xbb\xbftoken", b"# a comment", "schlüssel".encode(), b"a\x00b"]
)
def test_a_token_file_with_something_else_in_it_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "token").write_bytes(b"good\n" + content)
    with pytest.raises(IntentflowError, match="line 2: not a token"):
        Keys(tmp_path / "token", None)


def test_a_token_file_that_is_lost_is_logged_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    file = tmp_path / "token"
    file.write_text(TOKEN)
    keys = Keys(file, None)
    file.unlink()
    for _ in range(2):
        time.sleep(1.1)
        assert keys.accepts(f"Bearer {TOKEN}")
    assert [record.getMessage() for record in caplog.records] == [
        f"{file}: the tokens cannot be read (No such file or directory): "
        "the former tokens stay valid"
    ]


def test_a_service_that_would_demand_no_token_has_to_be_asked_for() -> None:
    arguments = ["--model_uri=m", "--predictor_host=h"]
    with pytest.raises(IntentflowError, match="--without_token"):
        read_settings(arguments, {})
    assert read_settings([*arguments, "--without_token"], {}).key is None


def test_another_scheme_is_no_token(tmp_path: Path) -> None:
    (tmp_path / "token").write_text(TOKEN)
    assert not Keys(tmp_path / "token", None).accepts(f"Basic {TOKEN}")
