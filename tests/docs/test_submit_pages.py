"""What pages show of Kubeflow Pipelines, run with the API server for tests."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from tests.docs.left_blocks import Command, commands_left_to
from tests.docs.pages import ROOT
from tests.real_parts.kfp import KfpServer, kfp_server

HERE = "tests/docs/test_submit_pages.py"
TOKEN = "a-token"


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[KfpServer]:
    """A server for the users of ``team-a``; a configuration for it is in the present folder."""
    monkeypatch.chdir(tmp_path)
    for name in ("KFP_COOKIE", "KF_PIPELINES_SA_TOKEN_PATH"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("KFP_TOKEN", TOKEN)
    document = {
        "data": {"sources": ["s3://data/labels/"], "test": "s3://data/test.jsonl"},
        "recipe": "qwen1.5-1.8b-chat/lora",
        "policy": str(ROOT / "examples/snips/gate.yaml"),
        "publish": "s3://models/intent",
        "registry": "s3://models/registry",
        "retrain": {"feedback": ["s3://logs/banking"]},
        "deploy": {"name": "banking"},
    }
    for file in (tmp_path / "run.yaml", tmp_path / "my-intents/run.yaml"):
        file.parent.mkdir(exist_ok=True)
        file.write_text(yaml.safe_dump(document), encoding="utf-8")
    with kfp_server(multi_user=True, users={TOKEN: {"team-a"}}) as found:
        yield found


def _run(command: Command, server: KfpServer) -> int:
    """Run a command; one whose page leaves the namespace to its reader gets one."""
    places = {"…": TOKEN}
    places |= dict.fromkeys(
        ("https://kubeflow.example", "http://ml-pipeline-ui.kubeflow"), server.url
    )
    if "--namespace" not in command.arguments:
        command.arguments.extend(["--namespace", "team-a"])
    return command.run(places)


@pytest.mark.parametrize("page", ["README.md", "docs/how-to/kubeflow-and-istio.md"])
def test_a_run_is_started(page: str, server: KfpServer) -> None:
    (command,) = commands_left_to(HERE, page)
    assert _run(command, server) == 0
    assert [run["namespace"] for run in server.runs] == ["team-a"]


def test_a_schedule_is_made_listed_and_ended(
    server: KfpServer, capsys: pytest.CaptureFixture[str]
) -> None:
    run, schedule, listing, end = commands_left_to(HERE, "docs/how-to/your-cluster.md")
    assert [_run(it, server) for it in (run, schedule)] == [0, 0]
    assert (len(server.runs), len(server.schedules)) == (1, 1)
    capsys.readouterr()
    assert _run(listing, server) == 0
    assert "0 0 3 * * 1" in capsys.readouterr().out
    assert _run(end, server) == 0
    assert server.schedules == []


def test_a_retraining_is_scheduled(server: KfpServer) -> None:
    retrain = commands_left_to(HERE, "docs/how-to/retrain-every-week.md")
    (submit,) = (it for it in retrain if it.arguments[0] == "submit")
    assert _run(submit, server) == 0
    (schedule,) = server.schedules
    assert schedule["trigger"]["cron_schedule"]["cron"] == "0 0 3 * * 1"
