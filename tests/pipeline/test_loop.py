"""The loop: a model in service, its traffic, labels of a review, a better model in service.

What is learned is asked of real trainings, minutes long, where seeds are given:

    INTENTFLOW_LOOP_SEEDS="0 1 2" pytest -s -m slow tests/pipeline/test_loop.py -k learns
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from intentflow.artifacts.retraining import WatchReport
from intentflow.cli.main import main
from intentflow.conversion import convert
from intentflow.environment import resource
from intentflow.io.safe_yaml import load_yaml_text
from intentflow.models.precision import cpu_precision
from intentflow.records import Example, read_records
from intentflow.registry import Registry
from intentflow.taxonomy import Taxonomy
from tests.pipeline.loop import Loop, Rows, intent_of, running_loop
from tests.real_parts.kube import KubeApi
from tests.simulators.running_node import played_vllm, real_vllm

OLD = ("GetWeather", "PlayMusic")
NEW = ("RateBook", "BookRestaurant")
SEEDS_VARIABLE = "INTENTFLOW_LOOP_SEEDS"
SEEDS = [int(seed) for seed in os.environ.get(SEEDS_VARIABLE, "").split()]
WATCH = {
    "min_requests": 30,
    "max_hours": 0.3,
    "interval_seconds": 2,
    "slow_seconds": 10.0,
    "max_error_increase": 0.8,
    "max_slow_increase": 0.8,
    "max_out_of_scope_increase": 0.8,
}


def _rows(folder: Path, trained: int, tested: int) -> Rows:
    """Rows of four intents of the bundled example."""
    example = resource("examples") / "snips"
    convert([str(example / "labels.manifest")], folder / "example.jsonl")
    taxonomy = Taxonomy.from_yaml(example / "taxonomy.yaml")
    intents = {name: taxonomy.intents[name] for name in (*OLD, *NEW)}
    labelled, test = read_records(folder / "example.jsonl"), read_records(example / "test.jsonl")
    return Rows(
        _first(labelled, OLD, trained),
        _first(labelled, NEW, trained),
        _first(test, (*OLD, *NEW), tested),
        Taxonomy(intents=intents),
    )


def _first(rows: Sequence[Example], intents: Sequence[str], number: int) -> list[Example]:
    """The first rows of each intent, each utterance once."""
    unique = list({row.instruction: row for row in rows}.values())
    return [
        row
        for name in intents
        for row in [one for one in unique if intent_of(one.output) == name][:number]
    ]


def _of(rows: Sequence[Example], intents: Sequence[str]) -> list[Example]:
    return [row for row in rows if intent_of(row.output) in intents]


def _first_model(loop: Loop) -> str:
    """Train and deploy the first model; returns its id in the registry."""
    run = loop.run("first", loop.rows.of_first())
    assert run.status == 0, run.err
    return _aliases(loop)["champion"]


def _retrain(loop: Loop) -> None:
    """Train on the labels of the review; the new model is a canary, and watched."""
    with loop.traffic():
        run = loop.run(
            "second",
            loop.rows.taxonomy,
            "--retrain",
            retrain={"feedback": [loop.log, str(loop.corrections)], "watch": WATCH},
            deploy={"canary_percent": 50},
        )
    assert run.status == 0, run.err


def _aliases(loop: Loop) -> dict[str, str]:
    return dict(Registry(loop.registry).aliases("banking").current)


def _require_history_of_both(loop: Loop, capsys: pytest.CaptureFixture[str]) -> None:
    capsys.readouterr()
    assert main(["history", "--registry", str(loop.registry)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert sum(" model " in line and "passed" in line for line in lines) == 2


@pytest.fixture
def recipe(tmp_path: Path, tiny_base_model: Path) -> Callable[..., Any]:
    """A recipe of two steps, and a policy that anything passes."""
    return lambda: {
        "recipe": {
            "model_name_or_path": str(tiny_base_model),
            "method": "full",
            "global_batch_size": 8,
            "learning_rate": 1.0e-3,
            "num_train_epochs": 1,
            "max_steps": 2,
            "precision": "fp32",
        },
        "policy": load_yaml_text(
            "{minimum_rows: 3, metrics: {intent_accuracy: {min: 0.0}}, "
            "champion: {margin: 1.0, per_intent: {drop: 1.0}}}",
            "policy",
        ),
    }


@pytest.mark.real
@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_labels_of_a_review_reach_a_canary_that_is_promoted(
    s3_bucket: str,
    kube_controllers: KubeApi,
    namespace: str,
    tmp_path: Path,
    recipe: Callable[..., Any],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """With a model of two steps and a played vLLM: everything but what is learned."""
    monkeypatch.setenv("OPENAI_API_KEY", "none")
    rows = _rows(tmp_path, trained=12, tested=3)
    where = (tmp_path, rows, s3_bucket, kube_controllers, namespace, played_vllm, recipe())
    with running_loop(*where) as loop:
        first = _first_model(loop)
        loop.ask([row.instruction for row in rows.asked])
        assert loop.review() == len(rows.asked)
        _retrain(loop)
        watch = WatchReport.read(tmp_path / "runs-second/watch.json")
        assert watch.decision == "promoted", watch.reason
        assert _aliases(loop)["previous"] == first != _aliases(loop)["champion"]
        service = loop.kserve.service()["spec"]
        assert "canary" not in service
        _require_history_of_both(loop, capsys)


@pytest.mark.real
@pytest.mark.slow
@pytest.mark.timeout(2400)
@pytest.mark.asked(SEEDS_VARIABLE)
@pytest.mark.parametrize("seed", SEEDS)
def test_the_model_in_service_learns_new_intents_from_its_traffic_and_keeps_the_old(
    s3_bucket: str,
    kube_controllers: KubeApi,
    namespace: str,
    vllm_program: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    seed: int,
) -> None:
    """With real training of the bundled model and a real vLLM, in reduced form."""
    monkeypatch.setenv("OPENAI_API_KEY", "none")
    rows = _rows(tmp_path, trained=24, tested=8)
    settings = {
        "recipe": {
            "model_name_or_path": "bundled:smollm2-135m-instruct",
            "method": "full",
            "taxonomy_in_prompt": "names",
            "global_batch_size": 8,
            "learning_rate": 3.0e-4,
            "num_train_epochs": 8,
            "max_steps": 36,
            "seed": seed,
        },
        "policy": load_yaml_text(
            "{minimum_rows: 16, metrics: {intent_accuracy: {min: 0.7}}, champion: {margin: 0.05}}",
            "policy",
        ),
        # As a local vLLM computes: emulated, 16 bits take three times as long.
        "deploy": {"dtype": "float32" if cpu_precision() == "fp32" else "auto"},
    }
    vllm = real_vllm(vllm_program)
    where = (tmp_path, rows, s3_bucket, kube_controllers, namespace, vllm, settings)
    with running_loop(*where) as loop:
        first = _first_model(loop)
        before = loop.recall(_of(rows.test, OLD)), loop.recall(_of(rows.test, NEW))
        with loop.timed("traffic"):
            loop.ask([row.instruction for row in rows.asked])
        with loop.timed("review"):
            assert loop.review() == len(rows.asked)
        _retrain(loop)
        after = loop.recall(_of(rows.test, OLD)), loop.recall(_of(rows.test, NEW))
        with capsys.disabled():
            print(f"recall of old and new intents: {before} before, {after} after; {loop.seconds}")
        assert before[1] == 0 and after[1] >= 0.75
        assert after[0] >= before[0] - 0.125
        assert WatchReport.read(tmp_path / "runs-second/watch.json").decision == "promoted"
        assert _aliases(loop)["previous"] == first != _aliases(loop)["champion"]
        _require_history_of_both(loop, capsys)
