"""What cannot run in a cluster is refused before anything is uploaded."""

import logging
from pathlib import Path
from typing import Any

import pytest

from intentflow.cli.main import main
from intentflow.errors import InputError
from intentflow.pipeline.run_config import RunConfig
from intentflow.pipeline.submit_checks import (
    check_for_cluster,
    check_names,
    refuse_local_places,
)
from tests.real_parts.kfp import KfpServer

HUB = "Qwen/Qwen1.5-1.8B-Chat"


def _config(
    model: str = HUB, method: str = "lora", pipeline: dict[str, Any] | None = None, **sections: Any
) -> RunConfig:
    return RunConfig.from_mapping(
        {
            "data": {"sources": ["s3://data/labels/"]},
            "recipe": {
                "model_name_or_path": model,
                "method": method,
                "learning_rate": 3e-4,
                "num_train_epochs": 3,
            },
            "policy": {"metrics": {"intent_accuracy": {"min": 0.5}}},
            "publish": "s3://models/intent",
            "pipeline": pipeline or {},
            **sections,
        },
        "run.yaml",
    )


@pytest.mark.parametrize("model", [HUB, "s3://models/intent/sha256-00"])
def test_models_that_a_cluster_reaches_are_taken(model: str) -> None:
    check_for_cluster(_config(model))


@pytest.mark.parametrize(
    "model", ["bundled:smollm2-135m-instruct", "/models/qwen", "./qwen", "~/qwen", "a/b/c"]
)
def test_local_base_model_is_refused(model: str) -> None:
    with pytest.raises(InputError, match=r"recipe\.model_name_or_path: .* is local"):
        check_for_cluster(_config(model))


def test_base_model_on_a_volume_of_the_step_is_taken() -> None:
    volumes = {"steps": {"train": {"volumes": {"models": "/models"}}}}
    check_for_cluster(_config("/models/qwen", pipeline=volumes))


def test_base_model_on_a_volume_that_its_baseline_lacks_is_refused() -> None:
    volumes = {"steps": {"train": {"volumes": {"models": "/models"}}}}
    config = _config("/models/qwen", pipeline=volumes, evaluate={"baselines": "untuned"})
    with pytest.raises(InputError, match="a volume of the steps train, baseline"):
        check_for_cluster(config)


def test_local_probe_is_refused() -> None:
    with pytest.raises(InputError, match=r"deploy\.probe: rows\.jsonl is a local path"):
        check_for_cluster(_config(deploy={"probe": "rows.jsonl"}))


@pytest.mark.parametrize("encoder", ["bundled:minilm", "/models/minilm"])
def test_encoder_that_the_image_lacks_is_refused(encoder: str) -> None:
    config = _config(evaluate={"baselines": "encoder"}, baseline={"encoder": encoder})
    with pytest.raises(InputError, match=r"baseline\.encoder: .* not in the image"):
        check_for_cluster(config)


def test_encoder_from_a_hub_is_taken() -> None:
    config = _config(evaluate={"baselines": "encoder"}, baseline={"encoder": "intfloat/e5-small"})
    check_for_cluster(config)


@pytest.mark.parametrize(
    ("engine", "gpus", "message"),
    [
        ("transformers", 1, r"transformers is not in the image .* intentflow/train"),
        ("vllm", 0, r"vllm is not in the image .*gpu_count"),
    ],
)
def test_an_engine_that_the_image_lacks_is_refused(engine: str, gpus: int, message: str) -> None:
    pipeline = {"steps": {"evaluate": {"gpu_count": gpus}}}
    with pytest.raises(InputError, match=rf"evaluate\.engine: {message}"):
        check_for_cluster(_config(pipeline=pipeline, evaluate={"engine": engine}))


@pytest.mark.parametrize(("engine", "gpus"), [("transformers", 0), ("vllm", 1), ("auto", 1)])
def test_an_engine_that_the_image_has_is_taken(engine: str, gpus: int) -> None:
    pipeline = {"steps": {"evaluate": {"gpu_count": gpus}}}
    check_for_cluster(_config(pipeline=pipeline, evaluate={"engine": engine}))


def test_an_image_of_ones_own_may_have_any_engine() -> None:
    pipeline = {"steps": {"evaluate": {"gpu_count": 1, "image": "team/evaluate:1"}}}
    check_for_cluster(_config(pipeline=pipeline, evaluate={"engine": "transformers"}))


@pytest.mark.parametrize(("gpus", "warnings"), [(0, 1), (1, 0)])
def test_qlora_without_a_gpu_is_warned_of(
    caplog: pytest.LogCaptureFixture, gpus: int, warnings: int
) -> None:
    pipeline = {"steps": {"train": {"gpu_count": gpus}}}
    with caplog.at_level(logging.WARNING):
        check_for_cluster(_config(method="qlora", pipeline=pipeline))
    assert [r.getMessage().split(":")[0] for r in caplog.records] == ["recipe.method"] * warnings


@pytest.mark.parametrize(
    ("names", "flag"),
    [
        (("Team_A", "e", None), "--namespace"),
        (("n" * 64, "e", None), "--namespace"),
        ((None, "e" * 129, None), "--experiment"),
        ((None, "", None), "--experiment"),
        ((None, "e", "My Account"), "--service-account"),
    ],
)
def test_names_that_kfp_refuses_are_refused(
    names: tuple[str | None, str, str | None], flag: str
) -> None:
    with pytest.raises(InputError, match=flag):
        check_names(*names)


def test_nothing_is_asked_of_the_host_when_a_run_cannot_work(
    kfp_api: KfpServer, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["submit", "--host", kfp_api.url]) == 2
    assert "is local" in capsys.readouterr().err
    assert kfp_api.requests == []


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"sources": ["data/export.jsonl"]}, "intentflow publish data/export.jsonl s3://"),
        ({"split": {"test": "/data/test.jsonl"}}, "data.test: /data/test.jsonl is a local path"),
        ({"champion": "metrics.json"}, "champion: metrics.json is a local path"),
        ({"publish": {"destination": "models"}}, "publish is models, but .* give a bucket"),
        ({"publish": {"destination": ""}}, "publish is not set, but .* give a bucket"),
    ],
)
def test_local_places_are_refused(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        refuse_local_places(arguments)


def test_places_in_storage_are_taken() -> None:
    refuse_local_places(
        {"sources": ["s3://a/b"], "split": {}, "publish": {"destination": "s3://a/m"}}
    )
