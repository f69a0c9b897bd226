"""``curate --balance synthesize`` as a newcomer meets it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from intentflow.cli.main import main
from intentflow.records import Example, read_records, write_records
from tests.synthesis.teacher_server import TeacherServer

Run = Callable[..., tuple[int, str]]


@pytest.fixture
def run(
    server: TeacherServer, rows: list[Example], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> Run:
    """Runs the command; returns its exit status and what it wrote, summary last."""
    write_records(tmp_path / "train.jsonl", rows)

    def command(*options: str, config: str = "") -> tuple[int, str]:
        path = tmp_path / "teacher.yaml"
        needed = {"base_url": server.url, "model": "m"}
        lines = [f"{key}: {value}\n" for key, value in needed.items() if f"{key}:" not in config]
        path.write_text("".join(lines) + config, encoding="utf-8")
        data, out = str(tmp_path / "train.jsonl"), str(tmp_path / "out.jsonl")
        fixed = ["curate", data, "-o", out, "--balance", "synthesize", "--json"]
        code = main([*fixed, "--teacher", str(path), *options])
        captured = capsys.readouterr()
        return code, captured.err + captured.out

    return command


def test_new_rows_follow_the_real_ones(run: Run, rows: list[Example], tmp_path: Path) -> None:
    code, text = run()
    written = read_records(tmp_path / "out.jsonl")
    assert (code, written[: len(rows)]) == (0, rows)
    assert [row.synthetic for row in written[len(rows) :]] == [True] * 8
    assert json.loads(text.splitlines()[-1])["synthesis"] == {
        "made": 8,
        "requests": 4,
        "tokens": 400,
        "rejected": {},
        "missing": {},
        "unasked": [],
        "budget_exhausted": False,
    }


def test_progress_is_reported_on_the_way(run: Run) -> None:
    assert "synthesis: 8 of 8 rows generated; 4 requests, 400 tokens" in run()[1]


def test_an_ended_budget_writes_what_there_is_and_says_what_lacks(
    run: Run, rows: list[Example], tmp_path: Path
) -> None:
    code, text = run(config="budget: {max_requests: 2}\n")
    assert code == 0
    assert len(read_records(tmp_path / "out.jsonl")) == len(rows) + 5
    assert (
        "warning: synthesis: the budget ended; raise it and run the same command to continue"
        in text
    )
    assert "warning: synthesis: 3 rows still missing: buy 3" in text


def test_a_teacher_that_fails_leaves_no_output(
    run: Run, server: TeacherServer, tmp_path: Path
) -> None:
    server.faults = [(401, {}, b"{}")]
    code, text = run()
    assert code == 2
    assert f"intentflow curate: error: teacher {server.url}: it refused the key" in text
    assert not (tmp_path / "out.jsonl").exists()


def test_a_taxonomy_names_the_parameters(run: Run, server: TeacherServer, tmp_path: Path) -> None:
    taxonomy = tmp_path / "taxonomy.yaml"
    intents = "{buy: {parameters: [thing]}, play: {parameters: [song]}, find: {parameters: [what]}}"
    taxonomy.write_text(f"intents: {intents}\n")
    assert run("--taxonomy", str(taxonomy))[0] == 0
    assert server.asked[0]["intents"][0]["parameters"] == ["thing"]


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ("api_key: sk-1\n", "unknown key api_key; did you mean api_key_env?"),
        ("api_key_env: sk-abc-def\n", "is the name of an environment variable, not the key"),
        ("base_url: http://u:secret@host/v1\n", "expected no user, password or ?query"),
        ("base_url: localhost:8000\n", "expected an address such as https://api.openai.com/v1"),
        ("base_url: 'http://[x'\n", "base_url: Invalid IPv6 URL"),
        ("model: ''\n", "model: "),
        ("budget: {max_tokens: 0}\n", "budget.max_tokens: "),
        ("budget: {tokens: 1}\n", "unknown key budget.tokens; did you mean max_tokens?"),
        ("retries: [\n", "not YAML"),
    ],
)
def test_a_wrong_configuration_is_one_line(config: str, message: str, run: Run) -> None:
    code, text = run(config=config)
    assert code == 2
    errors = [line for line in text.splitlines() if not line.startswith("{")]
    assert len(errors) == 1 and message in errors[0]
    assert "secret" not in text and "sk-abc-def" not in text


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--balance", "synthesize"], "--balance synthesize needs --teacher F.yaml"),
        (["--balance", "cap", "--teacher", "t.yaml"], "--teacher needs --balance synth"),
        (["--taxonomy", "t.yaml"], "--taxonomy needs --balance synthesize"),
        (["--balance", "synthesize", "--teacher", "none.yaml"], "none.yaml: No such file"),
    ],
)
def test_options_that_lack_their_other_half(
    options: list[str], message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = tmp_path / "d.jsonl"
    write_records(data, [Example("play", "play()")])
    assert main(["curate", str(data), "-o", str(tmp_path / "o.jsonl"), *options]) == 2
    assert message in capsys.readouterr().err


def test_an_address_without_a_path_gets_the_usual_one(run: Run, server: TeacherServer) -> None:
    assert run(config=f"base_url: {server.url.removesuffix('/v1')}\n")[0] == 0


def test_the_schema_lists_the_keys(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["schema", "teacher"]) == 0
    assert {"base_url", "model", "budget"} <= set(json.loads(capsys.readouterr().out)["properties"])
