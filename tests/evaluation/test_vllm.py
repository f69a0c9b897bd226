"""vLLM's CPU build as the engine that serves and is scored."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from intentflow.artifacts.metrics import Metrics
from intentflow.calls import OutputFormat
from intentflow.deployment.serving_engine import serving_engine
from intentflow.errors import ServiceError
from intentflow.evaluation.run import evaluate_model
from intentflow.gating.same_engine import same_engine_rule
from intentflow.inference.openai_engine import EndpointOptions, OpenAIEngine
from intentflow.inference.structured_outputs import StructuredOutputs
from intentflow.inference.vllm_engine import vllm_engine
from intentflow.inference.vllm_installation import local_engine
from intentflow.inference.vllm_process import running_vllm, vllm_environment
from intentflow.quantization import quantize
from intentflow.storage import digest_of
from tests.models import TAXONOMY, damage_json, one_thread, rows

EXAMPLES = rows()[:12]
HAS_4_BIT_KERNELS = " avx512f " in Path("/proc/cpuinfo").read_text(encoding="utf-8")

pytestmark = pytest.mark.real


@pytest.fixture(scope="module")
def url(vllm_program: Path, wide_model: Path) -> Iterator[str]:
    with running_vllm(str(vllm_program), wide_model) as server:
        yield server.url


def _score(url: str, output_format: OutputFormat, constrained: bool) -> Metrics:
    evaluation = evaluate_model(
        url, EXAMPLES, constrained=constrained, taxonomy=TAXONOMY, output_format=output_format
    )
    return evaluation.metrics


@pytest.mark.parametrize("output_format", ["call", "json"])
def test_a_model_of_random_weights_stays_inside_the_taxonomy(
    output_format: OutputFormat, url: str
) -> None:
    metrics = _score(url, output_format, constrained=True)
    assert (metrics.malformed_rate, metrics.off_taxonomy_rate) == (0.0, 0.0)


def test_without_the_constraint_it_leaves_it(url: str) -> None:
    assert _score(url, "call", constrained=False).malformed_rate > 0.5


def test_probabilities_are_those_of_what_the_grammar_leaves(url: str) -> None:
    """Of two intents a model without knowledge takes each half of the time, not one in 400."""
    structure = StructuredOutputs(TAXONOMY, "json")
    bound = OpenAIEngine(url, structure=structure, output_format="json").answer(["play Queen"])[0]
    free = OpenAIEngine(url).answer(["play Queen"])[0]
    assert bound.confidence is not None and free.confidence is not None
    assert bound.confidence > 1e-3 > 1e-9 > free.confidence


def test_answers_do_not_depend_on_what_is_asked_with_them(url: str) -> None:
    structure = StructuredOutputs(TAXONOMY, "json")
    texts = [example.instruction for example in EXAMPLES]
    answers = [
        OpenAIEngine(url, EndpointOptions(concurrency=n), structure=structure).answer(texts)
        for n in (1, 8)
    ]
    assert [a.text for a in answers[0]] == [a.text for a in answers[1]]


def test_a_4_bit_copy_is_scored_by_vllm_if_the_cpu_can_and_else_by_transformers(
    wide_model: Path, vllm_python: Path, tmp_path: Path
) -> None:
    copy = tmp_path / "4-bit"
    with one_thread():
        quantize(wide_model, copy, method="gptq", calibration=rows()[:8])
    engine = "vllm" if HAS_4_BIT_KERNELS else "transformers"
    metrics = evaluate_model(str(copy), EXAMPLES).metrics
    assert (metrics.engine, metrics.served_by, metrics.n) == (engine, engine, 12)
    assert metrics.model_digest == digest_of(str(copy))
    assert metrics.quantization == "compressed-tensors"
    assert (metrics.malformed_rate, metrics.off_taxonomy_rate) == (0.0, 0.0)


def test_a_server_that_ends_while_it_answers_is_reported_at_once(
    wide_model: Path, vllm_python: Path
) -> None:
    options = EndpointOptions(retries=100, allow_failures=True)
    with vllm_engine(wide_model, None, "call", options) as engine:
        assert engine.server is not None
        os.killpg(engine.server.process.pid, signal.SIGKILL)
        began = time.monotonic()
        with pytest.raises(ServiceError, match=r"vllm ended with signal SIGKILL \(Killed\): "):
            engine.answer(["play Queen"])
    assert time.monotonic() - began < 10


def test_kernels_of_4_bits_are_there_if_the_cpu_has_their_instructions(
    wide_model: Path, vllm_python: Path, tmp_path: Path
) -> None:
    copy = shutil.copytree(wide_model, tmp_path / "4-bit")
    damage_json(copy / "config.json", quantization_config={"quant_method": "compressed-tensors"})
    assert local_engine("auto", copy) == ("vllm" if HAS_4_BIT_KERNELS else "transformers")


def test_a_model_of_16_bits_needs_no_kernels_of_4_bits(wide_model: Path, vllm_python: Path) -> None:
    assert local_engine("vllm", wide_model) == "vllm"


def test_scores_state_the_vllm_that_the_manifests_serve(
    wide_model: Path, vllm_python: Path
) -> None:
    metrics = evaluate_model(str(wide_model), EXAMPLES).metrics
    rule = same_engine_rule(metrics, serving_engine(None, []))
    assert (rule.passed, metrics.quantization) == (True, None), rule.message


def _alive(process: int) -> bool:
    try:
        return bool(psutil.Process(process).status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_evaluation_that_is_ended_takes_its_server_with_it(
    number: signal.Signals, wide_model: Path, vllm_python: Path, tmp_path: Path
) -> None:
    data = tmp_path / "data.jsonl"
    data.write_text('{"instruction": "play Queen", "output": "play_music(Queen)"}\n')
    command = [sys.executable, "-m", "intentflow.cli.main", "evaluate", "--engine", "vllm"]
    arguments = ["--model", str(wide_model), "--data", str(data), "-o", str(tmp_path / "m.json")]
    with (tmp_path / "log").open("w") as log:
        process = subprocess.Popen([*command, *arguments], stderr=log, env=vllm_environment())
    while "vllm: starting" not in (tmp_path / "log").read_text():
        assert process.poll() is None
        time.sleep(0.1)
    (server,) = _started(process.pid)
    process.send_signal(number)
    process.wait(timeout=60)
    deadline = time.monotonic() + 30
    while _alive(server) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert not _alive(server)


def _started(process: int) -> list[int]:
    """The processes that a process started, as soon as there are some."""
    deadline = time.monotonic() + 30
    while not (found := psutil.Process(process).children()) and time.monotonic() < deadline:
        time.sleep(0.1)
    return [child.pid for child in found]
