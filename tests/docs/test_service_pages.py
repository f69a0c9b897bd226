"""What pages show of a deployed service, run with a transformer before a vLLM that is played."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from intentflow.artifacts.metrics import Metrics
from intentflow.persons import PERSON_KEY_VARIABLE, PersonKey
from intentflow.records import Example, write_records
from tests.docs.left_blocks import Command, commands_left_to, left_to
from tests.real_parts.process import free_port
from tests.serving.transformer.conftest import (
    TAXONOMY,
    TOKEN,
    Running,
    played_vllm,
    transformer,
    write_model,
)
from tests.test_persons import KEY

HERE = "tests/docs/test_service_pages.py"
DIGEST = "b" * 64
ROW = Example("weather in Hangzhou", "weather_search(Hangzhou)")


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """A service that answers every utterance alike, and keeps a log."""
    folder = tmp_path_factory.mktemp("service")
    model = write_model(folder / f"sha256-{DIGEST}")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(PERSON_KEY_VARIABLE, KEY)
        with (
            played_vllm(folder, free_port()) as predictor,
            transformer(folder, predictor, model=model) as found,
        ):
            yield found


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of the commands, with the files that they name."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("OPENAI_API_KEY", TOKEN)
    write_records(tmp_path / "test.jsonl", [ROW] * 2)
    TAXONOMY.write(tmp_path / "taxonomy.yaml")
    return tmp_path


def _places(service: Running) -> dict[str, str]:
    return {
        "…": TOKEN,
        "DIGEST": DIGEST,
        "large": "intent",
        "https://api.example/v1": f"{service.url}/openai/v1",
        "https://banking.example": service.url,
        "https://intent.example": service.url,
        "s3://data/probe.jsonl": "test.jsonl",
    }


def _run(page: str, verb: str, service: Running) -> None:
    """Run a page's commands of one verb."""
    commands = [it for it in commands_left_to(HERE, page) if it.arguments[0] == verb]
    assert [it.run(_places(service)) for it in commands] == [0] * len(commands) != []


def _run_python(page: str, service: Running) -> None:
    (left,) = (it for it in left_to(HERE, page) if it.block.language == "python")
    code = left.block.code
    for word, place in _places(service).items():
        code = code.replace(f'"{word}"', repr(place))
    exec(compile(code, page, "exec"), {})


def _corrections(service: Running) -> list[dict[str, str]]:
    files = (service.kept / "feedback").rglob("*.jsonl")
    return [json.loads(line) for file in files for line in file.read_text().splitlines()]


def test_a_client_prints_the_calls(service: Running, capsys: pytest.CaptureFixture[str]) -> None:
    _run_python("docs/how-to/use-from-python.md", service)
    assert "intent='weather_search'" in capsys.readouterr().out


def test_a_client_prints_an_argument_by_its_name(
    service: Running, capsys: pytest.CaptureFixture[str]
) -> None:
    _run_python("docs/how-to/your-cluster.md", service)
    assert capsys.readouterr().out.startswith("Hangzhou 0.")


def test_a_correction_is_kept_with_its_annotator(service: Running) -> None:
    _run_python("docs/how-to/corrections.md", service)
    kept = [row for row in _corrections(service) if row.get("annotator") == "agent-7"]
    assert [row["output"] for row in kept] == ["play_music(Adele)"]


def test_a_correction_is_kept_with_the_hash_of_its_person(service: Running) -> None:
    _run_python("docs/how-to/erase-a-person.md", service)
    person = PersonKey(KEY.encode()).hashed("c-1042")
    assert person in [row.get("person") for row in _corrections(service)]


def test_the_command_prints_the_calls(service: Running, capsys: pytest.CaptureFixture[str]) -> None:
    _run("docs/how-to/your-cluster.md", "predict", service)
    assert "weather_search" in capsys.readouterr().out


def test_a_service_and_another_endpoint_are_scored(service: Running, folder: Path) -> None:
    _run("docs/how-to/compare-models.md", "evaluate", service)
    scored = [Metrics.read(folder / name).n for name in ("metrics.json", "api.json")]
    assert (scored, (folder / "api.html").is_file()) == ([2, 2], True)


def test_a_service_is_verified(service: Running, capsys: pytest.CaptureFixture[str]) -> None:
    _run("docs/how-to/gitops.md", "verify", service)
    assert DIGEST in capsys.readouterr().out


def test_a_command_is_read_with_its_variables() -> None:
    command = Command.read('TOKEN=… intentflow predict "play it"  # a comment')
    assert command == Command(["predict", "play it"], {"TOKEN": "…"})
