"""The layouts for Argo CD and Flux, around a folder as intentflow writes it."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import celpy
import pytest
import yaml
from lupa import LuaRuntime

from intentflow.deployment import DeployOptions, ModelFacts, render, write_manifests
from tests.simulators.records import recorded_events, recorded_service

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "examples/gitops"

Kustomize = Callable[[Path], list[dict[str, Any]]]


def _recorded_status(record: str, transition: str) -> dict[str, Any]:
    """The last status of a record's InferenceService with this state of its model."""
    events = [it for it in recorded_events(record) if it["kind"] == "InferenceService"]
    statuses: list[dict[str, Any]] = [it["status"] for it in events if "status" in it]
    return [it for it in statuses if it["modelStatus"]["transitionStatus"] == transition][-1]


LOADING = _recorded_status("11-first-deployment-crash-loop", "InProgress")
BROKEN = _recorded_status("10-storage-initializer-fails-always-by-kubectl", "BlockedByFailedLoad")
# Ready in its third generation, while the status has the transformer's first.
READY = _recorded_status("14-predictor-alone", "UpToDate")
RECOVERED = _recorded_status("09-storage-initializer-fails-once-by-kubectl", "UpToDate")
# As KServe 0.20 sets it where it makes no Ingress (disableIngressCreation, a cluster-local domain):
# IngressReady does not wait for the transformer (ingress/kube_ingress_reconciler.go:106-142).
WITHOUT_INGRESS = {
    **READY,
    "conditions": [
        *[it for it in READY["conditions"] if it["type"] != "TransformerReady"],
        {"type": "TransformerReady", "status": "False", "severity": "Info"},
    ],
}
STATUSES: list[tuple[dict[str, Any] | None, str]] = [
    (None, "Progressing"),
    ({"conditions": []}, "Progressing"),
    (LOADING, "Progressing"),
    (BROKEN, "Degraded"),
    (READY, "Healthy"),
    (RECOVERED, "Healthy"),
    (WITHOUT_INGRESS, "Progressing"),
]


@pytest.fixture
def kustomize(kubectl: Path) -> Kustomize:
    """Build a folder."""

    def build(folder: Path) -> list[dict[str, Any]]:
        command = [kubectl, "kustomize", folder]
        done = subprocess.run(command, check=True, capture_output=True, timeout=60)
        return list(yaml.safe_load_all(done.stdout))

    return build


@pytest.fixture
def fleet(tmp_path: Path, facts: ModelFacts, options: DeployOptions) -> Path:
    shutil.copytree(EXAMPLES, tmp_path / "fleet")
    folder = tmp_path / "fleet/team-a/banking"
    watched = options.model_copy(update={"components": ["monitoring"], "rollout_job": True})
    write_manifests(render(facts, watched, None), folder)
    return tmp_path / "fleet"


def _waves(objects: list[dict[str, Any]]) -> dict[str, str]:
    key = "argocd.argoproj.io/sync-wave"
    return {
        item["kind"]: (item["metadata"].get("annotations") or {}).get(key, "0") for item in objects
    }


def test_argo_cd_brings_the_service_after_its_runtime_and_its_watchers_last(
    fleet: Path, kustomize: Kustomize
) -> None:
    waves = _waves(kustomize(fleet / "argocd/production"))
    assert (waves["ServingRuntime"], waves["InferenceService"]) == ("0", "1")
    assert (waves["PodMonitor"], waves["PrometheusRule"], waves["Job"]) == ("2", "2", "2")


def _health(service: dict[str, Any]) -> str:
    """What Argo CD would make of a service, by the script in its ConfigMap."""
    config = yaml.safe_load((EXAMPLES / "argocd/argocd-cm.yaml").read_text())
    [script] = config["data"].values()
    lua = LuaRuntime(unpack_returned_tuples=True)
    check = lua.eval(f"function(obj) {script} end")
    service = json.loads(json.dumps(service))
    return str(check(lua.table_from(service, recursive=True))["status"])


@pytest.mark.parametrize(("status", "health"), STATUSES)
def test_argo_cd_tells_a_service_that_serves(status: dict[str, Any] | None, health: str) -> None:
    service: dict[str, Any] = {"metadata": {"generation": 3}, "spec": {}}
    if status is not None:
        service["status"] = status
    assert _health(service) == health


@pytest.mark.parametrize(("ready", "health"), [(True, "Healthy"), (False, "Progressing")])
def test_argo_cd_waits_for_a_canary(ready: bool, health: str) -> None:
    canary = {"predictor": {"name": "cnew"}, "trafficPercent": 10}
    service = {
        "metadata": {"generation": 3},
        "spec": {"canary": [canary]},
        "status": {**READY, "canaryStatuses": [{"name": "cnew", "ready": ready}]},
    }
    assert _health(service) == health


def _flux_health(service: dict[str, Any]) -> str:
    """What Flux would make of it: the first expression that holds, in its order."""
    document = yaml.safe_load((EXAMPLES / "flux/banking.yaml").read_text())
    [checks] = document["spec"]["healthCheckExprs"]
    environment = celpy.Environment()
    values = {key: celpy.json_to_cel(service[key]) for key in ("metadata", "status")}
    for name in ("inProgress", "failed", "current"):
        program = environment.program(environment.compile(checks[name]))
        if program.evaluate(values):
            return name
    return "inProgress"


@pytest.mark.parametrize(("status", "health"), STATUSES)
def test_flux_tells_a_service_that_serves(status: dict[str, Any] | None, health: str) -> None:
    names = {"Progressing": "inProgress", "Degraded": "failed", "Healthy": "current"}
    service = {"metadata": {"generation": 3}, "status": status or {}}
    assert _flux_health(service) == names[health]


RECORDED_HEALTH = {
    "01-first-deployment": ["Progressing"] * 4 + ["Healthy"],
    "04-canary": ["Healthy", *["Progressing"] * 4, "Healthy"],
    # Of an update the status tells nothing, so each of these is the service that answers.
    "16-gitops-update": ["Healthy", "Healthy", "Progressing", "Progressing", "Healthy", "Healthy"],
    "17-gitops-predictor-alone": ["Healthy", "Healthy", "Progressing", "Healthy", "Healthy"],
}


def _recorded_services(record: str) -> list[dict[str, Any]]:
    services: list[dict[str, Any]] = []
    for event in recorded_events(record):
        if event["kind"] == "InferenceService":
            services.append(recorded_service(event, services[-1] if services else {"spec": {}}))
    return services


@pytest.mark.parametrize("record", RECORDED_HEALTH)
def test_argo_cd_tells_the_states_of_a_recorded_rollout(record: str) -> None:
    found = [_health(service) for service in _recorded_services(record)]
    assert found == RECORDED_HEALTH[record]


@pytest.mark.parametrize("record", RECORDED_HEALTH)
def test_flux_tells_the_states_of_a_recorded_rollout(record: str) -> None:
    names = {"inProgress": "Progressing", "failed": "Degraded", "current": "Healthy"}
    found = [names[_flux_health(service)] for service in _recorded_services(record)]
    # A model that is loaded again while the former one answers is no reason to wait here.
    expected = RECORDED_HEALTH[record]
    if record.startswith(("16", "17")):
        expected = ["Healthy"] * len(expected)
    assert found == expected


def test_flux_waits_for_all_of_what_intentflow_writes_and_prunes_the_former_job(
    fleet: Path, kustomize: Kustomize
) -> None:
    flux = yaml.safe_load((fleet / "flux/banking.yaml").read_text())["spec"]
    kinds = {item["kind"] for item in kustomize(fleet / flux["path"])}
    assert {"InferenceService", "Job"} <= kinds
    assert (flux["wait"], flux["prune"]) == (True, True)
    # With `wait`, Flux ignores a list of its own.
    assert "healthChecks" not in flux


def test_a_rollout_that_fails_is_reported_before_flux_gives_up(
    fleet: Path, kustomize: Kustomize
) -> None:
    flux = yaml.safe_load((fleet / "flux/banking.yaml").read_text())["spec"]
    [job] = [item for item in kustomize(fleet / flux["path"]) if item["kind"] == "Job"]
    assert job["spec"]["activeDeadlineSeconds"] < int(flux["timeout"].removesuffix("m")) * 60


@pytest.mark.parametrize("file", sorted(EXAMPLES.rglob("*.yaml")), ids=lambda file: file.name)
def test_every_file_is_an_object_with_a_kind(file: Path) -> None:
    document = yaml.safe_load(file.read_text())
    assert {"apiVersion", "kind"} <= set(document)
