"""Deploying without a cluster: facts, verdicts, options, and what is refused."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from intentflow.artifacts.fusion import CLASSIFIER_FILE
from intentflow.artifacts.verdict import Verdict
from intentflow.cli.main import main
from intentflow.deployment import DeployOptions, deploy, read_facts
from intentflow.deployment.serving_engine import serving_engine
from intentflow.errors import CheckFailed, IntentflowError
from intentflow.storage import publish
from tests.real_parts.small_model import PROMPT

APPLY = DeployOptions(mode="apply")


def test_facts_come_from_the_directory(model_directory: Path) -> None:
    facts = read_facts(str(model_directory))
    assert (facts.max_length, facts.dtype, facts.prompt_digest) == (256, "bfloat16", PROMPT.digest)
    assert facts.chat_template == "chat_template.jinja"


def test_facts_say_whether_a_classifier_decides_too(model_directory: Path) -> None:
    alone = read_facts(str(model_directory)).is_fused
    (model_directory / CLASSIFIER_FILE).parent.mkdir()
    (model_directory / CLASSIFIER_FILE).write_text("{}")
    assert (alone, read_facts(str(model_directory)).is_fused) == (False, True)


def test_length_that_training_came_to_wins_over_the_recipe(model_directory: Path) -> None:
    training = {"recipe": {"max_length": None}, "plan": {"max_length": 128}}
    (model_directory / "training.json").write_text(json.dumps(training))
    assert read_facts(str(model_directory)).max_length == 128


def test_published_folder_has_the_digest_that_names_it(
    model_directory: Path, tmp_path: Path
) -> None:
    published = publish(model_directory, tmp_path / "store")
    assert read_facts(published.uri).digest == published.digest


def test_directory_without_a_prompt_is_refused(model_directory: Path) -> None:
    (model_directory / "prompt.json").unlink()
    with pytest.raises(IntentflowError, match="no prompt"):
        read_facts(str(model_directory))


def test_model_without_a_chat_template_is_refused(model_directory: Path) -> None:
    (model_directory / "chat_template.jinja").unlink()
    with pytest.raises(IntentflowError, match="chat_template"):
        read_facts(str(model_directory))


def test_directory_without_weights_is_refused(model_directory: Path) -> None:
    (model_directory / "model.safetensors").unlink()
    with pytest.raises(IntentflowError, match="incomplete model directory"):
        deploy(str(model_directory), DeployOptions())


def test_a_folder_with_other_files_is_left_alone(model_directory: Path) -> None:
    before = sorted(model_directory.iterdir())
    with pytest.raises(IntentflowError, match="contains files that are not manifests"):
        deploy(str(model_directory), DeployOptions(), output=model_directory)
    assert sorted(model_directory.iterdir()) == before


def test_files_of_an_earlier_rendering_do_not_stay(model_directory: Path, tmp_path: Path) -> None:
    more = DeployOptions(components=["monitoring"])
    deploy(str(model_directory), more, output=tmp_path / "out")
    deploy(str(model_directory), DeployOptions(), output=tmp_path / "out")
    deploy(str(model_directory), DeployOptions(), output=tmp_path / "fresh")
    written, fresh = ({f.name for f in (tmp_path / it).iterdir()} for it in ("out", "fresh"))
    assert written == fresh


def test_render_needs_no_verdict(model_directory: Path, tmp_path: Path) -> None:
    deployed = deploy(str(model_directory), DeployOptions(), output=tmp_path / "out")
    assert not deployed.verified
    assert {"inferenceservice.yaml", "kustomization.yaml"} <= {
        Path(file).name for file in deployed.files
    }


@pytest.mark.parametrize("mode", ["render", "apply"])
def test_failed_verdict_deploys_nothing(
    model_directory: Path, tmp_path: Path, write_verdict: Callable[..., Path], mode: str
) -> None:
    verdict = write_verdict(passed=False, reasons=["intent_accuracy 0.91 < 0.95", "too few rows"])
    options = DeployOptions.model_validate({"mode": mode})
    with pytest.raises(CheckFailed, match=r"0\.91 < 0\.95; too few rows; nothing was deployed"):
        deploy(str(model_directory), options, verdict_file=verdict, output=tmp_path / "out")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("what", ["model", "prompt"])
def test_verdict_about_another_is_refused(
    model_directory: Path, write_verdict: Callable[..., Path], what: str
) -> None:
    verdict = write_verdict(**{f"{what}_digest": "f" * 64})
    with pytest.raises(CheckFailed, match=f"about another {what}"):
        deploy(str(model_directory), DeployOptions(), verdict_file=verdict)


@pytest.fixture
def engine_verdict(write_verdict: Callable[..., Path]) -> Path:
    """A verdict that required the engine that serves."""
    serving = serving_engine(None, []).model_dump()
    rule = {"name": "same_engine", "passed": True}
    return write_verdict(rules=[rule], serving=serving)


def test_a_verdict_for_the_engine_that_serves_is_taken(
    model_directory: Path, engine_verdict: Path
) -> None:
    assert deploy(str(model_directory), DeployOptions(), verdict_file=engine_verdict).verified


@pytest.mark.parametrize(
    "options", [{"vllm_version": "v0.31.0"}, {"extra_args": ["--quantization=fp8"]}]
)
def test_a_verdict_for_another_engine_than_the_deployed_one_is_refused(
    model_directory: Path, engine_verdict: Path, options: dict[str, Any]
) -> None:
    other = DeployOptions.model_validate(options)
    with pytest.raises(CheckFailed, match=r"judged for another engine .*engine_version 0\.32\.0"):
        deploy(str(model_directory), other, verdict_file=engine_verdict)


def test_changed_weights_need_another_verdict(
    model_directory: Path, write_verdict: Callable[..., Path]
) -> None:
    verdict = write_verdict()
    (model_directory / "model.safetensors").write_bytes(b"other")
    with pytest.raises(CheckFailed, match="about another model"):
        deploy(str(model_directory), DeployOptions(), verdict_file=verdict)


def test_apply_without_a_verdict_is_refused(model_directory: Path) -> None:
    with pytest.raises(IntentflowError, match="mode apply needs the gate's verdict"):
        deploy(str(model_directory), APPLY)


def test_apply_of_a_local_folder_is_refused(
    model_directory: Path, write_verdict: Callable[..., Path]
) -> None:
    with pytest.raises(IntentflowError, match=r"publish the model to s3:// first"):
        deploy(str(model_directory), APPLY, verdict_file=write_verdict())


def test_git_without_a_repository_asks_for_one(
    model_directory: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["deploy", "--model", str(model_directory), "--mode", "git"]) == 2
    assert "give --repo URL" in capsys.readouterr().err


def test_git_without_a_verdict_is_refused(model_directory: Path) -> None:
    with pytest.raises(IntentflowError, match="mode git needs the gate's verdict"):
        deploy(str(model_directory), DeployOptions(mode="git", git_repo="repo.git"))


def test_git_writes_no_canary(model_directory: Path, write_verdict: Callable[..., Path]) -> None:
    options = DeployOptions(mode="git", git_repo="repo.git", canary_percent=10)
    with pytest.raises(IntentflowError, match="and writes no canary"):
        deploy(str(model_directory), options, verdict_file=write_verdict())


def test_rendered_canary_needs_the_model_in_service(model_directory: Path) -> None:
    with pytest.raises(IntentflowError, match="--set stable_model=URI"):
        deploy(str(model_directory), DeployOptions(canary_percent=10))


def test_verdict_gives_the_numbers_of_its_rules(write_verdict: Callable[..., Path]) -> None:
    rules = [
        {"name": "metrics.intent_accuracy.min", "passed": True, "value": 0.96, "limit": 0.95},
        {"name": "skipped", "passed": True, "value": None, "limit": 0.5},
    ]
    verdict = Verdict.read(write_verdict(rules=rules))
    assert verdict.numbers == (("metrics.intent_accuracy.min", 0.96, 0.95),)


@pytest.mark.parametrize("address", ["s3://m/a#b", "s3://m/a?b", "s3://m/a b"])
def test_address_that_kserve_reads_differently_is_refused(address: str) -> None:
    with pytest.raises(IntentflowError, match="which KServe cannot fetch"):
        deploy(address, DeployOptions())


@pytest.mark.parametrize(
    ("flags", "mode"),
    [(["--repo", "fleet.git"], "git"), (["--probe", "rows.jsonl"], "apply")],
)
def test_flag_of_another_mode_is_refused(
    model_directory: Path, capsys: pytest.CaptureFixture[str], flags: list[str], mode: str
) -> None:
    assert main(["deploy", "--model", str(model_directory), *flags]) == 2
    assert f"--mode render does not take {flags[0]}; --mode {mode} does" in capsys.readouterr().err


def test_not_a_verdict_is_named(model_directory: Path, tmp_path: Path) -> None:
    (tmp_path / "verdict.json").write_text('{"passed": "yes"}')
    with pytest.raises(IntentflowError, match=r"verdict\.json: not a verdict"):
        deploy(str(model_directory), DeployOptions(), verdict_file=tmp_path / "verdict.json")


def test_flags_win_over_settings_and_settings_over_the_file(tmp_path: Path) -> None:
    file = tmp_path / "options.yaml"
    file.write_text("name: from-file\nmemory: 8Gi\ncpu: '2'\n")
    options = DeployOptions.from_layers(
        file, ["memory=24Gi", "name=from-setting"], name="from-flag", mode=None
    )
    assert (options.name, options.memory, options.cpu) == ("from-flag", "24Gi", "2")


def test_unknown_option_names_the_nearest() -> None:
    with pytest.raises(IntentflowError, match="unknown key gpu_counts; did you mean gpu_count"):
        DeployOptions.from_layers(None, ["gpu_counts=2"])


@pytest.mark.parametrize("name", ["Banking", "-x", "a" * 41, "a_b", "1st"])
def test_name_that_kubernetes_refuses_is_refused(name: str) -> None:
    with pytest.raises(IntentflowError, match="deploy options: name"):
        DeployOptions.from_layers(None, [], name=name)


def test_command_prints_manifests_without_a_folder(
    model_directory: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["deploy", "--model", str(model_directory), "--name", "banking"]) == 0
    assert "kind: InferenceService" in capsys.readouterr().out


def test_command_ends_with_a_summary(
    model_directory: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["deploy", "--model", str(model_directory), "-o", str(tmp_path / "out"), "--json"]
    assert main(arguments) == 0
    summary = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert summary["mode"] == "render"
    assert summary["objects"][-1] == "InferenceService/intent"
    assert summary["verified"] is False
