"""``intentflow serve`` as a process, and those who call it."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import psutil
import pytest

from intentflow.cli.main import main
from intentflow.deployment import read_facts
from intentflow.errors import IntentflowError, UsageError
from intentflow.evaluation.run import evaluate_model
from intentflow.inference import vllm_process
from intentflow.inference.engines import MAX_NEW_TOKENS
from intentflow.inference.transformers_engine import TransformersEngine
from intentflow.inference.vllm_installation import VLLM_PYTHON, local_engine
from intentflow.inference.vllm_process import running_vllm, vllm_command
from intentflow.records import Example, write_records
from intentflow.serving.schemas.predict import AnsweredUtterance
from tests.models import damage_json, one_thread, rows
from tests.real_parts.process import free_port
from tests.serving.documented import ask_as_documented
from tests.serving.servers import served

KEY = "s3cret"


@pytest.fixture(scope="module")
def url(tiny_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with served(tiny_model, tmp_path_factory.mktemp("serve") / "log", token=KEY) as (address, _):
        yield address


@pytest.fixture
def keyed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)


@pytest.fixture(scope="module")
def engine(tiny_model: Path) -> Iterator[TransformersEngine]:
    with one_thread():
        yield TransformersEngine(tiny_model, constrained=True)


@pytest.mark.parametrize("stream", [True, False])
def test_the_documented_client_works_unchanged(
    stream: bool, url: str, tmp_path: Path, engine: TransformersEngine
) -> None:
    model, answer = ask_as_documented(url, KEY, tmp_path, stream=stream)
    messages = [{"role": "user", "content": "I want to listen to music"}]
    assert model == "intent"
    assert answer.startswith(engine.complete(messages, MAX_NEW_TOKENS).text)


@pytest.mark.usefixtures("keyed")
def test_evaluation_over_the_endpoint_gives_the_scores_of_the_folder(
    url: str, tiny_model: Path
) -> None:
    examples = rows()[:4]
    served = evaluate_model(url, examples)
    with one_thread():
        local = evaluate_model(str(tiny_model), examples)
    assert [row.prediction for row in served.rows] == [row.prediction for row in local.rows]


@pytest.mark.usefixtures("keyed")
def test_evaluate_takes_the_url(
    url: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_records(tmp_path / "test.json", [Example("put on Queen", "play_music(Queen)")])
    arguments = ["--data", str(tmp_path / "test.json"), "-o", str(tmp_path / "m.json"), "--json"]
    assert main(["evaluate", "--model", url, *arguments]) == 0
    assert json.loads(capsys.readouterr().out.splitlines()[-1])["engine"] == "openai"


@pytest.fixture(scope="module")
def service_url(tiny_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The same model without a key."""
    with served(tiny_model, tmp_path_factory.mktemp("serve") / "log") as (address, _):
        yield address


def _predicted(capsys: pytest.CaptureFixture[str], *door: str) -> dict[str, Any]:
    with one_thread():
        assert main(["predict", "put on Queen", "--json", *door]) == 0
    found: dict[str, Any] = json.loads(capsys.readouterr().out.splitlines()[-1])
    return found


def test_predict_prints_one_form_whatever_answers(
    service_url: str, tiny_model: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    doors = [("--url", service_url), ("--service", service_url), ("--model", str(tiny_model))]
    found = [_predicted(capsys, *door) for door in doors]
    assert {tuple(one) for one in found} == {tuple(AnsweredUtterance.model_fields)}


def test_a_directory_is_asked_as_a_service_with_the_same_model(
    service_url: str, tiny_model: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    service = _predicted(capsys, "--service", service_url)
    folder = _predicted(capsys, "--model", str(tiny_model))
    assert folder["calls"] == service["calls"]
    assert folder["out_of_scope"] == service["out_of_scope"]
    assert folder["confidence"] == pytest.approx(service["confidence"], abs=1e-4)


@pytest.mark.parametrize(
    ("door", "advice"),
    [
        (["put on Queen", "--top-k", "2"], "--top-k needs --service or --model"),
        (["put on Queen", "--top-k", "0", "--model", "m"], "--top-k: 0: give an integer from 1 up"),
        (["--data", "rows.jsonl", "-o", "o.jsonl", "--top-k", "2"], "--top-k is for one utterance"),
    ],
)
def test_intents_that_cannot_be_ranked_are_one_line(
    door: list[str], advice: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["predict", *door]) == 2
    error = capsys.readouterr().err
    assert advice in error
    assert error.count("\n") == 1


def test_a_file_is_read_before_anybody_is_asked(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source, out = tmp_path / "empty.csv", tmp_path / "o.jsonl"
    source.write_text("")
    assert (
        main(["predict", "--data", str(source), "-o", str(out), "--url", "http://127.0.0.1:9"]) == 2
    )
    error = capsys.readouterr().err
    assert error.endswith("empty.csv: the file is empty\n")
    assert error.count("\n") == 1


@pytest.mark.parametrize("verb", ["predict", "evaluate"])
def test_a_wrong_key_is_one_line(
    verb: str, url: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_records(tmp_path / "test.json", [Example("put on Queen", "play_music(Queen)")])
    arguments = {
        "predict": ["x", "--url", url],
        "evaluate": ["--model", url, "--data", str(tmp_path / "test.json"), "-o", "m.json"],
    }
    assert main([verb, *arguments[verb]]) == 2
    error = capsys.readouterr().err
    assert "refused the key (HTTP 401): set OPENAI_API_KEY" in error
    assert error.count("\n") == 1


def test_a_port_in_use_is_one_line(tiny_model: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = str(other.getsockname()[1])
        assert main(["serve", "--model", str(tiny_model), "--port", port]) == 2
    error = capsys.readouterr().err
    assert f"port {port} on 127.0.0.1 cannot be used (Address already in use)" in error
    assert error.count("\n") == 1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--port", "70000"], "a port lies between 1 and 65535"),
        (["--host", "256.0.0.1"], "--host '256.0.0.1' is no address of this computer"),
        (["--host", "192.0.2.1"], "choose another --host"),
        (["--port", "8471", "--metrics-port", "8471"], "--metrics-port 8471 is that of --port"),
        (["--engine", "vllm", "--port", str(free_port())], "vllm is not installed"),
    ],
)
def test_what_cannot_be_served_is_one_line(
    arguments: list[str],
    message: str,
    tiny_model: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["serve", "--model", str(tiny_model), *arguments]) == 2
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1


def test_a_folder_that_is_no_model_is_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["serve", "--model", str(tmp_path)]) == 2
    assert capsys.readouterr().err.count("\n") == 1


@pytest.mark.slow
def test_ctrl_c_ends_the_server_cleanly(tiny_model: Path, tmp_path: Path) -> None:
    log = tmp_path / "log"
    with served(tiny_model, log) as (_, process):
        os.kill(process.pid, signal.SIGINT)
        assert process.wait(timeout=30) == 0
    printed = log.read_text()
    assert printed.splitlines()[-1] == "stopped"
    assert "Traceback" not in printed


def test_vllm_is_started_greedily_at_the_length_that_deployment_gives(tiny_model: Path) -> None:
    command = vllm_command(sys.executable, tiny_model, "127.0.0.1", 8000, "intent")
    settings = dict(zip(command[3::2], command[4::2], strict=False))
    assert settings["--override-generation-config"] == '{"temperature": 0}'
    assert settings["--served-model-name"] == "intent"
    assert int(settings["--max-model-len"]) >= 512


def _dtype(monkeypatch: pytest.MonkeyPatch, model: Path, precision: str, free: int) -> str:
    """The data type in vLLM's command on a CPU with this precision and this much free memory."""
    monkeypatch.setattr(vllm_process, "cpu_precision", lambda: precision)
    monkeypatch.setattr(psutil, "virtual_memory", lambda: SimpleNamespace(available=free))
    command = vllm_command(sys.executable, model, "127.0.0.1", 8000, "intent")
    return command[command.index("--dtype") + 1]


def test_a_cpu_with_16_bit_arithmetic_serves_the_saved_data_type(
    tiny_model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert _dtype(monkeypatch, tiny_model, "bf16", 1 << 40) == read_facts(str(tiny_model)).dtype


def test_a_cpu_that_would_emulate_16_bits_serves_32(
    tiny_model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert _dtype(monkeypatch, tiny_model, "fp32", 1 << 40) == "float32"


def test_weights_whose_copy_in_32_bits_fills_the_memory_are_served_as_saved(
    tiny_model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert _dtype(monkeypatch, tiny_model, "fp32", 1) == read_facts(str(tiny_model)).dtype


def test_vllm_takes_the_grammar_that_the_taxonomy_is_sent_in(tiny_model: Path) -> None:
    command = vllm_command(sys.executable, tiny_model, "127.0.0.1", 8000, "intent")
    settings = dict(zip(command[3::2], command[4::2], strict=False))
    assert json.loads(settings["--structured-outputs-config"]) == {"backend": "guidance"}


@pytest.mark.parametrize(("asked", "chosen"), [("auto", "vllm"), ("transformers", "transformers")])
def test_vllm_of_another_environment_serves_where_it_is_named(
    asked: str, chosen: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(VLLM_PYTHON, sys.executable)
    assert local_engine(asked) == chosen


def test_without_vllm_a_directory_is_served_here(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(VLLM_PYTHON, raising=False)
    assert local_engine("auto") == "transformers"


@pytest.fixture
def without_kernels(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A vLLM on a CPU for which it was not compiled to multiply 4-bit weights."""
    program = tmp_path / "python"
    program.write_text('#!/bin/sh\ncase "$2" in *cpu_gemm_wna16*) exit 3 ;; esac\nexit 1\n')
    program.chmod(0o755)
    monkeypatch.setenv(VLLM_PYTHON, str(program))


@pytest.fixture
def four_bit(tiny_model: Path, tmp_path: Path) -> Path:
    copy = shutil.copytree(tiny_model, tmp_path / "4-bit")
    damage_json(copy / "config.json", quantization_config={"quant_method": "compressed-tensors"})
    return copy


@pytest.mark.usefixtures("without_kernels")
def test_4_bit_weights_are_answered_by_transformers_where_vllm_has_no_kernels(
    four_bit: Path, caplog: pytest.LogCaptureFixture
) -> None:
    assert local_engine("auto", four_bit) == "transformers"
    assert "they need AVX-512): taking the engine transformers" in caplog.text


@pytest.mark.usefixtures("without_kernels")
def test_vllm_is_refused_for_4_bit_weights_that_it_has_no_kernels_for(four_bit: Path) -> None:
    with pytest.raises(UsageError, match=r"on this CPU .*: use --engine transformers, or the 16"):
        local_engine("vllm", four_bit)


@pytest.mark.usefixtures("without_kernels")
def test_16_bit_weights_need_no_such_kernels(tiny_model: Path) -> None:
    assert local_engine("vllm", tiny_model) == "vllm"


def test_a_python_that_is_not_there_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VLLM_PYTHON, "/nowhere/python")
    with pytest.raises(IntentflowError, match="is /nowhere/python, which is not a program"):
        local_engine("auto")


def test_a_vllm_that_does_not_start_says_why(tiny_model: Path, tmp_path: Path) -> None:
    """The Python of the tests has no vLLM."""
    message = "vllm did not start, it ended with exit status 1: .*No module named"
    with pytest.raises(IntentflowError, match=message), running_vllm(sys.executable, tiny_model):
        pass
