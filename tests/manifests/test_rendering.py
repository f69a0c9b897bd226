"""The objects of a model's service, as files and against the CRDs."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from intentflow.artifacts.verdict import Verdict
from intentflow.deployment import DeployOptions, ModelFacts, render, write_manifests
from intentflow.deployment.rendering import to_yaml
from intentflow.errors import InputError
from tests.real_parts.strict import is_custom, violations

GOLDEN = Path(__file__).parent / "golden"
VERDICT = Verdict(
    passed=True,
    model_digest="a" * 64,
    data_digest="d" * 64,
    prompt_digest="b" * 64,
    constrained=True,
)
EVERYTHING = DeployOptions(
    name="banking",
    namespace="team-a",
    gpu_count=2,
    gpu_product="NVIDIA-L4",
    min_replicas=2,
    max_replicas=4,
    vllm_image_digest=f"sha256:{'e' * 64}",
    max_model_len=1024,
    dtype="float16",
    extra_args=["--gpu-memory-utilization=0.8"],
    image_pull_secrets=["mirror"],
    node_selector={"pool": "gpu"},
    tolerations=[{"key": "team", "value": "a"}],
)


def _service(objects: list[dict[str, Any]]) -> dict[str, Any]:
    return next(item for item in objects if item["kind"] == "InferenceService")


def _model(objects: list[dict[str, Any]]) -> dict[str, Any]:
    model: dict[str, Any] = _service(objects)["spec"]["predictor"]["model"]
    return model


def _container(objects: list[dict[str, Any]]) -> dict[str, Any]:
    runtime = next(item for item in objects if item["kind"] == "ServingRuntime")
    container: dict[str, Any] = runtime["spec"]["containers"][0]
    return container


@pytest.mark.parametrize("name", ["default", "cpu", "everything", "shadow"])
def test_manifests_are_as_reviewed(facts: ModelFacts, options: DeployOptions, name: str) -> None:
    quantized = replace(facts, quantization="compressed-tensors")
    stable = replace(facts, uri=f"s3://models/intent/sha256-{'e' * 64}", digest="e" * 64)
    shadow = replace(facts, uri=f"s3://models/intent/sha256-{'5' * 64}", digest="5" * 64)
    more = {"components": ["monitoring", "autoscaling"], "canary_percent": 10}
    shadowed = {"shadow_model": shadow.uri, "shadow_percent": 25}
    objects = {
        "default": lambda: render(facts, options, VERDICT),
        "cpu": lambda: render(facts, _changed(options, gpu_count=0), VERDICT),
        "everything": lambda: render(quantized, _changed(options, **more), VERDICT, stable),
        "shadow": lambda: render(
            facts, _changed(options, **shadowed, components=["autoscaling"]), VERDICT, shadow=shadow
        ),
    }[name]()
    golden = GOLDEN / f"{name}.yaml"
    if os.environ.get("UPDATE_GOLDEN"):
        golden.write_text(to_yaml(objects))
    assert to_yaml(objects) == golden.read_text()


def _stated(objects: list[dict[str, Any]]) -> dict[str, str]:
    """What a service states of its model."""
    annotations: dict[str, str] = _service(objects)["spec"]["predictor"]["annotations"]
    return annotations


def _changed(options: DeployOptions, **changes: Any) -> DeployOptions:
    return DeployOptions.model_validate({**options.model_dump(exclude_unset=True), **changes})


@pytest.mark.parametrize(
    "chosen",
    [EVERYTHING, DeployOptions(gpu_count=0), DeployOptions(service_account="own")],
    ids=["everything", "cpu", "own account"],
)
def test_objects_pass_the_strict_check(facts: ModelFacts, chosen: DeployOptions) -> None:
    objects = [item for item in render(facts, chosen, None) if is_custom(item)]
    assert len(objects) == 2
    assert [line for item in objects for line in violations(item)] == []


def test_strict_check_finds_an_unknown_field(facts: ModelFacts, options: DeployOptions) -> None:
    service = _service(render(facts, options, None))
    service["spec"]["predictor"]["model"]["storageURI"] = "s3://typo"
    assert any("storageURI" in line for line in violations(service))


def test_arguments_follow_from_the_model(facts: ModelFacts, options: DeployOptions) -> None:
    assert _model(render(facts, options, None))["args"] == [
        "--served-model-name",
        "banking",
        "a" * 64,
        "--max-model-len=2048",
        "--dtype=bfloat16",
        "--chat-template=/mnt/models/chat_template.jinja",
    ]


@pytest.mark.parametrize(
    ("trained", "possible", "served"),
    [(256, 8192, 2048), (4096, 8192, 4096), (256, 1024, 1024), (256, None, 2048)],
)
def test_length_has_room_for_the_documented_client(
    facts: ModelFacts, options: DeployOptions, trained: int, possible: int | None, served: int
) -> None:
    changed = replace(facts, max_length=trained, max_positions=possible)
    assert f"--max-model-len={served}" in _model(render(changed, options, None))["args"]


def test_options_win_over_the_model(facts: ModelFacts) -> None:
    arguments = _model(render(facts, EVERYTHING, None))["args"]
    assert "--max-model-len=1024" in arguments
    assert "--dtype=float16" in arguments
    assert arguments[-2:] == ["--tensor-parallel-size=2", "--gpu-memory-utilization=0.8"]


@pytest.mark.parametrize(
    "argument", ["--speculative-config={}", "--speculative_config", "--speculative-config.method=x"]
)
def test_speculation_is_refused_for_a_model_that_needs_biases(
    facts: ModelFacts, argument: str
) -> None:
    chosen = DeployOptions(extra_args=[argument, "{}"])
    with pytest.raises(InputError, match=r"extra_args: --speculative.config and the classifier of"):
        render(replace(facts, is_fused=True), chosen, None)
    assert render(facts, chosen, None)


def test_server_is_greedy(facts: ModelFacts, options: DeployOptions) -> None:
    arguments = _container(render(facts, options, None))["args"]
    assert '--override-generation-config={"temperature": 0}' in arguments


def test_service_without_a_verdict_reports_it(facts: ModelFacts, options: DeployOptions) -> None:
    annotations = _stated(render(facts, options, None))
    assert annotations["intentflow.dev/verdict"] == "unverified"
    assert annotations["intentflow.dev/model-digest"] == facts.digest


def test_nothing_about_the_model_is_stated_on_the_service(
    facts: ModelFacts, options: DeployOptions
) -> None:
    """KServe copies annotations of the service into every pod template."""
    annotations = _service(render(facts, options, VERDICT))["metadata"]["annotations"]
    assert sorted(key for key in annotations if key.startswith("intentflow.dev/")) == [
        "intentflow.dev/api-key-secret"
    ]


def test_model_without_a_digest_in_its_address_is_served_by_its_name_and_unverified(
    facts: ModelFacts, options: DeployOptions
) -> None:
    objects = render(replace(facts, uri="s3://models/intent"), options, VERDICT)
    assert _model(objects)["args"][:3] == ["--served-model-name", "banking", "--max-model-len=2048"]
    assert _stated(objects)["intentflow.dev/verdict"] == "unverified"


def test_models_of_a_knative_service_are_asked_by_what_they_share(facts: ModelFacts) -> None:
    options = DeployOptions(deployment_mode="Knative")
    objects = render(replace(facts, interface_digest="f" * 64), options, None)
    assert _model(objects)["args"][:3] == ["--served-model-name", "intent", "f" * 64]
    transformer = _service(objects)["spec"]["transformer"]["containers"][0]
    assert "--shared_digest" in transformer["args"]


def test_service_with_a_verdict_names_what_was_measured(
    facts: ModelFacts, options: DeployOptions
) -> None:
    annotations = _stated(render(facts, options, VERDICT))
    assert annotations["intentflow.dev/verdict"] == "passed"
    assert annotations["intentflow.dev/data-digest"] == "d" * 64
    assert annotations["intentflow.dev/constrained"] == "true"


def test_no_secret_value_is_in_a_manifest(
    facts: ModelFacts, options: DeployOptions, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "an-access-key")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "a-secret-key")
    objects = render(facts, options, None)
    assert "secret-key" not in to_yaml(objects)
    assert not [item for item in objects if item["kind"] == "Secret"]


def test_container_has_no_privileges(facts: ModelFacts, options: DeployOptions) -> None:
    context = _container(render(facts, options, None))["securityContext"]
    assert context["readOnlyRootFilesystem"] is True
    assert context["runAsNonRoot"] is True
    assert context["allowPrivilegeEscalation"] is False
    assert context["capabilities"] == {"drop": ["ALL"]}


@pytest.mark.parametrize("probe", ["startupProbe", "readinessProbe", "livenessProbe"])
def test_probes_ask_the_route_that_needs_no_key(
    facts: ModelFacts, options: DeployOptions, probe: str
) -> None:
    assert _container(render(facts, options, None))[probe]["httpGet"]["path"] == "/health"


def test_without_a_gpu_the_cpu_image_runs_anywhere(facts: ModelFacts) -> None:
    objects = render(facts, DeployOptions(gpu_count=0), None)
    assert _container(objects)["image"].startswith("vllm/vllm-openai-cpu:v")
    assert "nvidia.com/gpu" not in to_yaml(objects)


def test_image_is_pinned(facts: ModelFacts) -> None:
    image = _container(render(facts, EVERYTHING, None))["image"]
    assert image == f"vllm/vllm-openai:v0.32.0@sha256:{'e' * 64}"


def test_own_service_account_is_not_made_again(facts: ModelFacts) -> None:
    objects = render(facts, DeployOptions(service_account="own"), None)
    assert "ServiceAccount" not in {item["kind"] for item in objects}
    assert _service(objects)["spec"]["predictor"]["serviceAccountName"] == "own"


def test_rendering_twice_gives_the_same(facts: ModelFacts, options: DeployOptions) -> None:
    assert to_yaml(render(facts, options, VERDICT)) == to_yaml(render(facts, options, VERDICT))


def test_files_make_a_kustomization(
    facts: ModelFacts, options: DeployOptions, tmp_path: Path
) -> None:
    files = write_manifests(render(facts, options, None), tmp_path)
    assert sorted(file.name for file in tmp_path.iterdir()) == sorted(file.name for file in files)
    kustomization = yaml.safe_load((tmp_path / "kustomization.yaml").read_text())
    assert kustomization["resources"] == [file.name for file in files[:-1]]
