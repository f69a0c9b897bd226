"""Which components options ask for, and what does not go together."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import pytest

from intentflow.cli.main import main
from intentflow.deployment import DeployOptions, ModelFacts, render
from intentflow.deployment.rendering import to_yaml
from intentflow.deployment.service_options import COMPONENTS
from intentflow.errors import IntentflowError


def _of(*settings: str) -> DeployOptions:
    return DeployOptions.from_layers(None, settings)


def _service(objects: list[dict[str, Any]]) -> dict[str, Any]:
    return objects[-1]


@pytest.mark.parametrize(
    ("settings", "wanted"),
    [
        ([], {"gpu", "auth"}),
        (["gpu_count=0"], {"cpu", "auth"}),
        (["components=[cpu]"], {"cpu", "auth"}),
        (["components=[monitoring]"], {"gpu", "auth", "monitoring"}),
        (["components=monitoring, cpu"], {"cpu", "auth", "monitoring"}),
        (["transformer=false"], {"gpu"}),
        (["rollout_job=true"], {"gpu", "auth", "rollout-job"}),
        (["lora_adapters.cards=s3://m/cards", "transformer=false"], {"gpu", "lora-adapters"}),
    ],
)
def test_components_follow_from_options(settings: list[str], wanted: set[str]) -> None:
    assert _of(*settings).derived_components == wanted


@pytest.mark.parametrize(
    ("setting", "name", "value"),
    [
        (
            "storage_cidrs=10.0.0.0/8,192.168.0.0/16",
            "storage_cidrs",
            ["10.0.0.0/8", "192.168.0.0/16"],
        ),
        ("storage_ports=443", "storage_ports", [443]),
        ("extra_args=--foo", "extra_args", ["--foo"]),
    ],
)
def test_a_list_needs_no_brackets(setting: str, name: str, value: list[object]) -> None:
    assert getattr(_of(setting), name) == value


def test_a_request_log_needs_the_transformer() -> None:
    with pytest.raises(IntentflowError, match="only the transformer stores requests"):
        _of("transformer=false", "log_uri=s3://bucket/log")


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ("components=[monitor]", "unknown component monitor; did you mean monitoring"),
        ("components=[cpu, gpu]", "cpu and gpu exclude each other"),
        ("components=[lora-adapters]", "lora-adapters needs lora_adapters"),
        ("components=[canary]", "canary needs canary_percent"),
        ("lora_adapters={Cards: 's3://m'}", "lower-case letters"),
        ("lora_adapters={cards: /tmp/m}", "not an s3:// URI"),
        ("lora_adapters={cards: 's3://m/a b'}", "contains a blank"),
        ("stable_model=s3://m", "set canary_percent, too"),
        ("log_uri=/var/log", "log_uri"),
        ("componets=[cpu]", "did you mean components"),
        ("storage_cidrs=[banana]", "storage_cidrs: .*banana"),
        ("storage_ports=[99999]", "storage_ports"),
        ("prometheus_url=banana", "prometheus_url"),
        ("s3_secret=Bad Name!", "s3_secret"),
        ("service_account=Bad Name", "service_account"),
    ],
)
def test_what_cannot_be_says_why(setting: str, message: str) -> None:
    with pytest.raises(IntentflowError, match=message) as caught:
        _of(setting)
    assert "\n" not in str(caught.value)


# A host of 64 characters with a canary's name, of 53 without one.
LONG = [f"name={'a' * 31}", f"namespace={'b' * 11}"]


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (["components=[cpu]", "gpu_count=2"], "gpu_count: 2 contradicts the components"),
        (["components=[gpu]", "gpu_count=0"], "gpu_count: 0 contradicts the components"),
        (["components=[autoscaling]", "deployment_mode=Knative"], "Knative scales itself"),
        (["deployment_strategy=Recreate", "deployment_mode=Knative"], "is for Standard mode"),
        (["components=[autoscaling]", "min_replicas=3", "max_replicas=2"], "is less than"),
        (["lora_adapters.a=s3://m/a"], "no request would reach an adapter; set transformer: false"),
        (
            ["lora_adapters.a=s3://m/a", "transformer=false", "canary_percent=5"],
            "for caches and canaries",
        ),
        (["components=[model-cache]", "canary_percent=5"], "the cached model of the one in serv"),
        ([f"name={'a' * 40}", f"namespace={'b' * 11}"], "has 64 characters, .* shorten .* by 1"),
        ([f"name={'a' * 31}", f"namespace={'b' * 11}", "canary_percent=5"], "has 64 characters"),
        ([*LONG, "mode=apply"], "has 64 characters.*: the next model starts under that name"),
    ],
)
def test_what_does_not_go_together_says_why(settings: list[str], message: str) -> None:
    with pytest.raises(IntentflowError, match=message):
        _of(*settings)


@pytest.mark.parametrize(
    "setting",
    [
        "mode=render",
        "transformer=false",
        "deployment_strategy=Recreate",
        "components=[model-cache]",
        "deployment_mode=Knative",
    ],
)
def test_name_has_room_for_a_canary_only_where_models_start_as_one(setting: str) -> None:
    assert _of(*LONG, "mode=apply", setting).name == "a" * 31


def test_pods_are_placed_labelled_and_annotated_as_asked(facts: ModelFacts) -> None:
    spread = "{maxSkew: 1, topologyKey: zone, whenUnsatisfiable: ScheduleAnyway}"
    options = _of(
        "name=banking",
        "affinity={nodeAffinity: {}}",
        f"topology_spread_constraints=[{spread}]",
        "runtime_class_name=nvidia",
        "pod_labels={team: nlu}",
        "pod_annotations={owner: nlu}",
    )
    spec = _service(render(facts, options, None))["spec"]
    predictor = spec["predictor"]
    own = {"serving.kserve.io/inferenceservice": "banking", "component": "predictor"}
    assert predictor["affinity"] == {"nodeAffinity": {}}
    assert predictor["topologySpreadConstraints"][0]["labelSelector"] == {"matchLabels": own}
    assert predictor["runtimeClassName"] == "nvidia"
    for part in (predictor, spec["transformer"]):
        assert (part["labels"], part["annotations"]["owner"]) == ({"team": "nlu"}, "nlu")


def test_a_spread_with_a_selector_keeps_it(facts: ModelFacts) -> None:
    options = _of("topology_spread_constraints=[{maxSkew: 1, labelSelector: {}}]")
    predictor = _service(render(facts, options, None))["spec"]["predictor"]
    assert predictor["topologySpreadConstraints"] == [{"labelSelector": {}, "maxSkew": 1}]


def test_a_prometheus_finds_its_objects_by_their_labels(facts: ModelFacts) -> None:
    options = _of("components=[monitoring]", "monitoring_labels={release: stack}")
    objects = render(facts, options, None)
    chosen = [item for item in objects if item["kind"] in ("PodMonitor", "PrometheusRule")]
    assert [item["metadata"]["labels"]["release"] for item in chosen] == ["stack"] * 3


def test_alerts_and_dashboard_leave_out_probes(facts: ModelFacts) -> None:
    text = to_yaml(render(facts, _of("components=[monitoring]"), None))
    queries = re.findall(r"intentflow_request(?:s_total|_seconds_bucket)\S*", text)
    assert queries
    assert [query for query in queries if "route!=" not in query] == []


def test_command_names_the_nearest_component(capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["deploy", "--model", "anything", "--set", "components=[auto-scaling]"]
    assert main(arguments) == 2
    error = capsys.readouterr().err
    assert "did you mean autoscaling?" in error
    assert error.count("\n") == 1


def test_autoscaling_has_room_to_scale(facts: ModelFacts) -> None:
    objects = render(facts, _of("components=[autoscaling]", "name=banking"), None)
    scaled = {it["spec"]["scaleTargetRef"]["name"]: it["spec"] for it in _all(objects)}
    assert sorted(scaled) == ["banking-predictor", "banking-transformer"]
    for spec in scaled.values():
        assert (spec["minReplicaCount"], spec["maxReplicaCount"]) == (1, 4)


def _all(objects: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [item for item in objects if item["kind"] == "ScaledObject"]


def test_kserve_scales_nothing(facts: ModelFacts) -> None:
    """Its autoscalers on the CPU would stay, next to KEDA's."""
    key = "serving.kserve.io/autoscalerClass"
    for setting, chosen in (("[]", "none"), ("[autoscaling]", "external")):
        service = _service(render(facts, _of(f"components={setting}"), None))
        assert service["metadata"]["annotations"][key] == chosen


def test_service_without_a_transformer_scales_vllm_alone(facts: ModelFacts) -> None:
    objects = render(facts, _of("components=[autoscaling]", "transformer=false"), None)
    assert [item["metadata"]["name"] for item in _all(objects)] == ["intent-predictor"]


def test_quantized_model_brings_its_component(facts: ModelFacts) -> None:
    quantized = replace(facts, quantization="compressed-tensors")
    model = _service(render(quantized, _of(), None))["spec"]["predictor"]["model"]
    assert model["args"].count("--quantization=compressed-tensors") == 1


def test_a_server_may_be_asked_to_rank_every_intent_with_a_token(facts: ModelFacts) -> None:
    many = replace(facts, intent_tokens={f"intent_{i}(": 500 + i for i in range(77)})
    model = _service(render(many, _of(), None))["spec"]["predictor"]["model"]
    assert model["args"].count("--max-logprobs=77") == 1


def test_full_model_refuses_the_component_of_quantized_ones(facts: ModelFacts) -> None:
    with pytest.raises(IntentflowError, match="not quantized"):
        render(facts, _of("components=[awq]"), None)


def test_adapters_are_fetched_and_served_under_their_names(facts: ModelFacts) -> None:
    adapters = "lora_adapters={cards: 's3://m/cards', loans: 's3://m/loans'}"
    options = _of(adapters, "lora_rank=48", "transformer=false")
    predictor = _service(render(facts, options, None))["spec"]["predictor"]
    assert "storageUri" not in predictor["model"]
    assert predictor["storageUris"] == [
        {"uri": facts.uri, "mountPath": "/mnt/models"},
        {"uri": "s3://m/cards", "mountPath": "/mnt/adapters/cards"},
        {"uri": "s3://m/loans", "mountPath": "/mnt/adapters/loans"},
    ]
    arguments = predictor["model"]["args"]
    assert arguments[-4:] == [
        "--max-lora-rank=64",
        "--lora-modules",
        "cards=/mnt/adapters/cards",
        "loans=/mnt/adapters/loans",
    ]
    assert "--enable-lora" in arguments


def _cache_name(facts: ModelFacts, name: str) -> str:
    objects = render(facts, _of("components=[model-cache]", f"name={name}"), None)
    found = next(item for item in objects if item["kind"] == "LocalModelCache")
    return str(found["metadata"]["name"])


def test_services_with_one_model_share_its_cache(facts: ModelFacts) -> None:
    elsewhere = replace(facts, uri=facts.uri.replace("s3://models", "s3://copies"))
    assert _cache_name(facts, "cards") == _cache_name(facts, "loans")
    assert _cache_name(facts, "cards") != _cache_name(elsewhere, "cards")


def test_cache_is_named_after_the_model_it_holds(facts: ModelFacts) -> None:
    objects = render(facts, _of("components=[model-cache]", "name=banking"), None)
    cache = next(item for item in objects if item["kind"] == "LocalModelCache")
    assert cache["metadata"]["name"].startswith("intentflow-")
    assert cache["spec"]["serviceAccountName"] == "banking"
    assert "namespace" not in cache["metadata"]
    assert cache["spec"]["sourceModelUri"] == facts.uri
    assert cache["spec"]["modelSize"] == "5Gi"


def test_log_is_written_where_asked(facts: ModelFacts) -> None:
    service = _service(render(facts, _of("log_uri=s3://logs/banking"), None))
    (container,) = service["spec"]["transformer"]["containers"]
    assert {"name": "INTENTFLOW_LOG_URI", "value": "s3://logs/banking"} in container["env"]


@pytest.mark.parametrize("setting", ["cpu=4", "cpu=0.5", "memory=16Gi", "transformer_cpu=500m"])
def test_amounts_need_no_quotes(setting: str) -> None:
    key, _, value = setting.partition("=")
    assert getattr(_of(setting), key) == value


@pytest.mark.parametrize("setting", ["cpu=true", "cpu=-1", "memory=16 GB"])
def test_unsound_amounts_are_refused(setting: str) -> None:
    with pytest.raises(IntentflowError, match=f"--set {setting.partition('=')[0]}"):
        _of(setting)


def test_images_come_from_a_mirror(facts: ModelFacts) -> None:
    options = _of(
        "vllm_image=mirror.example.com:5000/vllm",
        "transformer_image=mirror.example.com/serve",
        "transformer_version=2.0.1",
    )
    objects = render(facts, options, None)
    runtime = next(item for item in objects if item["kind"] == "ServingRuntime")
    (transformer,) = _service(objects)["spec"]["transformer"]["containers"]
    vllm = runtime["spec"]["containers"][0]["image"]
    assert (vllm, transformer["image"]) == (
        "mirror.example.com:5000/vllm:v0.32.0",
        "mirror.example.com/serve:2.0.1",
    )


@pytest.mark.parametrize("setting", ["[monitoring]", "[autoscaling]", "[model-cache, monitoring]"])
def test_options_survive_being_written_and_read(setting: str) -> None:
    options = _of(f"components={setting}")
    assert DeployOptions.model_validate(options.model_dump()) == options


def test_every_folder_of_components_is_an_option() -> None:
    from intentflow.environment import resource

    folders = {path.name for path in resource("manifests/components").iterdir()}
    assert folders == set(COMPONENTS)
