"""What each container may do and how it is watched; no secret in any manifest."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from intentflow.deployment import DeployOptions, ModelFacts, render
from intentflow.deployment.kustomize import mappings
from intentflow.deployment.rendering import to_yaml
from tests.manifests.pod_security import restricted_violations
from tests.real_parts.strict import is_custom, violations

ROOT = Path(__file__).parents[2] / "manifests"
TERM = {"topologyKey": "kubernetes.io/hostname", "labelSelector": {"matchLabels": {"team": "nlu"}}}
SPREAD = {
    "maxSkew": 1,
    "topologyKey": "topology.kubernetes.io/zone",
    "whenUnsatisfiable": "ScheduleAnyway",
}
VARIANTS: dict[str, dict[str, Any]] = {
    "default": {},
    "cpu": {"gpu_count": 0},
    "no transformer": {"transformer": False},
    "knative": {"deployment_mode": "Knative"},
    "adapters": {
        "lora_adapters": {"cards": "s3://models/adapters/cards"},
        "transformer": False,
    },
    "model cache": {"components": ["model-cache"]},
    "placed": {
        "components": ["monitoring"],
        "affinity": {"podAntiAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [TERM]}},
        "topology_spread_constraints": [SPREAD],
        "runtime_class_name": "nvidia",
        "pod_labels": {"team": "nlu"},
        "pod_annotations": {"owner": "nlu@example.com"},
        "monitoring_labels": {"release": "kube-prometheus-stack"},
    },
    "all": {
        "components": ["autoscaling", "monitoring"],
        "canary_percent": 10,
        "log_uri": "s3://logs/banking",
    },
}

Objects = list[dict[str, Any]]


@pytest.fixture(params=VARIANTS, ids=lambda name: name.replace(" ", "-"))
def objects(request: pytest.FixtureRequest, facts: ModelFacts) -> Objects:
    chosen = {"name": "banking", "namespace": "team-a", **VARIANTS[request.param]}
    options = DeployOptions.model_validate(chosen)
    stable = replace(facts, digest="e" * 64) if options.canary_percent else None
    return render(facts, options, None, stable)


def _find(objects: Objects, kind: str) -> dict[str, Any]:
    return next(item for item in objects if item["kind"] == kind)


def _containers(objects: Objects) -> list[dict[str, Any]]:
    """Every container as it runs: KServe puts the predictor's own fields over the runtime's."""
    service = _find(objects, "InferenceService")["spec"]
    runtime = _find(objects, "ServingRuntime")["spec"]["containers"][0]
    models = [service["predictor"]["model"]]
    models += [entry["predictor"]["model"] for entry in service.get("canary", ())]
    found = [{**runtime, **model} for model in models]
    return found + service.get("transformer", {}).get("containers", [])


def _pods(objects: Objects) -> list[dict[str, Any]]:
    service = _find(objects, "InferenceService")["spec"]
    return [service[part] for part in ("predictor", "transformer") if part in service]


def test_every_object_passes_the_strict_check(objects: Objects) -> None:
    custom = [item for item in objects if is_custom(item)]
    assert len(custom) >= 2
    assert [line for item in custom for line in violations(item)] == []


def test_no_container_has_privileges(objects: Objects) -> None:
    for container in _containers(objects):
        context = container["securityContext"]
        assert context["capabilities"] == {"drop": ["ALL"]}
        assert context["readOnlyRootFilesystem"] and context["runAsNonRoot"]
        assert not context["allowPrivilegeEscalation"] and not context["privileged"]


def test_a_namespace_under_restricted_takes_the_pods(objects: Objects) -> None:
    """KServe's own storage-initializer apart, which is not rendered."""
    runtime = _find(objects, "ServingRuntime")["spec"]
    for pod in _pods(objects):
        containers = pod.get("containers", runtime["containers"])
        assert restricted_violations({**pod, "containers": containers}) == []


def test_pods_run_as_a_plain_user_without_an_api_token(objects: Objects) -> None:
    for pod in _pods(objects):
        assert pod["securityContext"]["runAsNonRoot"]
        assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        assert pod["automountServiceAccountToken"] is False


def test_every_container_has_requests_and_limits(objects: Objects) -> None:
    for container in _containers(objects):
        for bound in ("requests", "limits"):
            assert {"cpu", "memory"} <= set(container["resources"][bound])


def test_every_container_has_probes_on_a_route_that_needs_no_key(objects: Objects) -> None:
    for container in _containers(objects):
        for probe in ("startupProbe", "readinessProbe", "livenessProbe"):
            path = container[probe]["httpGet"]["path"]
            assert path == "/health" or path.startswith("/healthz/")


def test_weights_have_half_an_hour_to_load(objects: Objects) -> None:
    probe = _containers(objects)[0]["startupProbe"]
    assert probe["periodSeconds"] * probe["failureThreshold"] >= 1800


def test_read_only_root_has_room_for_scratch_files(objects: Objects) -> None:
    for container in _containers(objects):
        assert "/tmp" in {mount["mountPath"] for mount in container["volumeMounts"]}


def test_shared_memory_is_memory(objects: Objects) -> None:
    runtime = _find(objects, "ServingRuntime")["spec"]
    volume = next(item for item in runtime["volumes"] if item["name"] == "shm")
    assert volume["emptyDir"]["medium"] == "Memory"
    assert {"name": "shm", "mountPath": "/dev/shm"} in runtime["containers"][0]["volumeMounts"]


def test_pods_drain_before_they_end(facts: ModelFacts, options: DeployOptions) -> None:
    objects = render(facts, options, None)
    for container, pod in zip(_containers(objects), _pods(objects), strict=True):
        (_, seconds) = container["lifecycle"]["preStop"]["exec"]["command"]
        assert int(seconds) < pod["terminationGracePeriodSeconds"]


def test_knative_gets_no_field_that_it_refuses(facts: ModelFacts) -> None:
    objects = render(facts, DeployOptions(deployment_mode="Knative"), None)
    for container, pod in zip(_containers(objects), _pods(objects), strict=True):
        assert "lifecycle" not in container
        assert "terminationGracePeriodSeconds" not in pod
        assert len(container["ports"]) == 1


def test_images_are_pinned(objects: Objects) -> None:
    images = [found["image"] for found in mappings(objects) if "image" in found]
    assert images
    assert [image for image in images if not re.search(r":v?\d", image)] == []


def test_secrets_are_only_referred_to(objects: Objects, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "Secret" not in {item["kind"] for item in objects}
    for found in mappings(objects):
        if re.search("KEY|TOKEN|SECRET|PASSWORD", str(found.get("name", ""))):
            is_file = str(found.get("value", "")).startswith("/etc/intentflow/")
            assert is_file or "value" not in found


def test_environment_does_not_leak_into_manifests(
    facts: ModelFacts, options: DeployOptions, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("AWS_SECRET_ACCESS_KEY", "VLLM_API_KEY", "INTENTFLOW_API_KEY"):
        monkeypatch.setenv(name, "do-not-write-me")
    assert "do-not-write-me" not in to_yaml(render(facts, options, None))


def test_tokens_are_read_from_a_file_that_changes_without_a_restart(
    facts: ModelFacts, options: DeployOptions
) -> None:
    transformer = _find(render(facts, options, None), "InferenceService")["spec"]["transformer"]
    (container,) = transformer["containers"]
    environment = {item["name"]: item.get("value") for item in container["env"]}
    assert environment["INTENTFLOW_API_KEYS_FILE"] == "/etc/intentflow/auth/token"
    mount = next(it for it in container["volumeMounts"] if it["name"] == "auth")
    assert mount["mountPath"] == "/etc/intentflow/auth"
    assert "subPath" not in mount  # a file mounted by subPath never changes


def test_secrets_have_the_names_that_options_give(facts: ModelFacts) -> None:
    options = DeployOptions(s3_secret="store", api_key_secret="doors", api_key_secret_key="in")
    objects = render(facts, options, None)
    text = to_yaml(objects)
    assert "intentflow-s3" not in text and "intentflow-api-key" not in text
    references = [it["secretKeyRef"] for it in mappings(objects) if "secretKeyRef" in it]
    assert {(it["name"], it["key"]) for it in references} >= {("doors", "predictor-token")}
    (volume,) = [it["secret"] for it in mappings(objects) if "secretName" in it.get("secret", {})]
    assert volume == {"secretName": "doors", "items": [{"key": "in", "path": "token"}]}


def test_dashboard_is_sound_json() -> None:
    manifest = yaml.safe_load((ROOT / "components/monitoring/dashboard.yaml").read_text())
    (text,) = manifest["data"].values()
    dashboard = json.loads(text)
    assert {panel["type"] for panel in dashboard["panels"]} == {"timeseries"}
    assert len({panel["id"] for panel in dashboard["panels"]}) == len(dashboard["panels"])
