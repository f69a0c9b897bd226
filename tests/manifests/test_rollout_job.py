"""The Job that ends when the model answers, as rendered."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from intentflow.cli.main import main
from intentflow.deployment import DeployOptions, ModelFacts, render
from intentflow.errors import IntentflowError
from scripts.docs.command_line import parser_of
from tests.manifests.network import Peer, may_connect
from tests.manifests.pod_security import restricted_violations
from tests.manifests.test_network import CALLER, DNS, NEIGHBOUR, PREDICTOR, STORAGE, TRANSFORMER

ROLLOUT = Peer({"intentflow.dev/rollout-of": "banking"}, "team-a")


def _objects(facts: ModelFacts, **more: Any) -> list[dict[str, Any]]:
    given = {"name": "banking", "namespace": "team-a", "rollout_job": True, **more}
    return render(facts, DeployOptions.model_validate(given), None)


def _job(facts: ModelFacts, **more: Any) -> dict[str, Any]:
    return next(item for item in _objects(facts, **more) if item["kind"] == "Job")


def _pod(facts: ModelFacts, **more: Any) -> dict[str, Any]:
    pod: dict[str, Any] = _job(facts, **more)["spec"]["template"]["spec"]
    return pod


def _container(facts: ModelFacts, **more: Any) -> dict[str, Any]:
    container: dict[str, Any]
    (container,) = _pod(facts, **more)["containers"]
    return container


def test_mode_git_has_the_job_unless_it_is_turned_off(facts: ModelFacts) -> None:
    modes = [{"mode": "git"}, {"mode": "git", "rollout_job": False}, {"mode": "render"}]
    given = [DeployOptions.model_validate({"name": "banking", **mode}) for mode in modes]
    kinds = [{item["kind"] for item in render(facts, options, None)} for options in given]
    assert ["Job" in found for found in kinds] == [True, False, False]


def test_the_command_takes_its_arguments(facts: ModelFacts) -> None:
    container = _container(facts, probe="s3://rows/probe.jsonl")
    program, verb = container["command"]
    arguments = parser_of(verb).parse_args(container["args"])
    assert (program, arguments.model_digest, arguments.model) == ("intentflow", "a" * 64, facts.uri)


@pytest.mark.parametrize(
    ("more", "url"),
    [
        ({}, "http://banking-transformer.team-a.svc.cluster.local"),
        ({"deployment_mode": "Knative"}, "http://banking.team-a.svc.cluster.local"),
        ({"probe_url": "https://banking.example"}, "https://banking.example"),
    ],
)
def test_the_service_is_asked_inside_the_cluster(
    facts: ModelFacts, more: dict[str, Any], url: str
) -> None:
    assert _container(facts, **more)["args"][0] == f"--url={url}"


@pytest.mark.parametrize(
    "more",
    [{"cpu": "8"}, {"vllm_version": "v9"}, {"probe": "s3://b/p"}, {"rollout_version": "v2"}],
)
def test_a_change_of_service_or_job_is_verified_by_another_job(
    facts: ModelFacts, more: dict[str, Any]
) -> None:
    assert _job(facts, **more)["metadata"]["name"] != _job(facts)["metadata"]["name"]


def test_the_same_service_has_the_same_job(facts: ModelFacts) -> None:
    assert _job(facts)["metadata"]["name"] == _job(facts)["metadata"]["name"]


def test_another_model_is_verified_by_another_job(facts: ModelFacts) -> None:
    other = replace(facts, digest="e" * 64)
    assert _job(facts)["metadata"]["name"] != _job(other)["metadata"]["name"]


def test_a_job_that_ended_stays_so_that_it_is_not_created_again(facts: ModelFacts) -> None:
    assert "ttlSecondsAfterFinished" not in _job(facts)["spec"]


def test_the_job_ends_what_does_not_end_itself(facts: ModelFacts) -> None:
    job = _job(facts, timeout_seconds=600)
    assert job["spec"]["activeDeadlineSeconds"] == 660
    assert "--timeout=600" in _container(facts, timeout_seconds=600)["args"]


def test_a_namespace_under_restricted_takes_the_pod(facts: ModelFacts) -> None:
    assert restricted_violations(_pod(facts)) == []


def test_the_pod_is_like_those_of_the_service(facts: ModelFacts) -> None:
    more = {
        "service_account": "runner",
        "image_pull_secrets": ["mirror"],
        "pod_labels": {"team": "nlu"},
        "pod_annotations": {"owner": "nlu"},
    }
    objects = _objects(facts, **more)
    transformer = objects[-1]["spec"]["transformer"]
    template = _job(facts, **more)["spec"]["template"]
    alike = ("serviceAccountName", "securityContext", "imagePullSecrets")
    same = (*alike, "automountServiceAccountToken", "enableServiceLinks")
    assert {key: template["spec"][key] for key in same} == {key: transformer[key] for key in same}
    assert template["metadata"]["labels"]["team"] == "nlu"
    assert template["metadata"]["annotations"] == {"owner": "nlu"}
    (container,) = template["spec"]["containers"]
    assert container["securityContext"] == transformer["containers"][0]["securityContext"]


def test_the_image_can_come_from_a_mirror(facts: ModelFacts) -> None:
    digest = f"sha256:{'0' * 64}"
    given = {"rollout_image": "mirror/deploy", "rollout_version": "v2"}
    container = _container(facts, **given, rollout_image_digest=digest)
    assert container["image"] == f"mirror/deploy:v2@{digest}"


def test_in_a_mesh_the_sidecar_does_not_keep_the_job_from_its_end(facts: ModelFacts) -> None:
    template = _job(facts, mesh="istio")["spec"]["template"]
    assert template["metadata"]["annotations"]["sidecar.istio.io/nativeSidecar"] == "true"


@pytest.mark.parametrize(
    ("target", "port", "is_open"),
    [
        (TRANSFORMER, 8080, True),
        (STORAGE, 443, True),
        (DNS, 53, True),
        (PREDICTOR, 8080, False),
        (NEIGHBOUR, 8080, False),
        (STORAGE, 80, False),
    ],
)
def test_the_job_reaches_what_it_needs_alone(
    facts: ModelFacts, target: Peer, port: int, is_open: bool
) -> None:
    policies = [item for item in _objects(facts) if item["kind"] == "NetworkPolicy"]
    assert may_connect(policies, ROLLOUT, target, port) is is_open


def test_nobody_reaches_the_job(facts: ModelFacts) -> None:
    policies = [item for item in _objects(facts) if item["kind"] == "NetworkPolicy"]
    assert not may_connect(policies, CALLER, ROLLOUT, 8080)


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ("transformer=false", "only the transformer states which model answered"),
        ("canary_percent=10", "no single model answers all requests"),
        ("mode=apply", "mode apply itself waits"),
        ("probe=rows.jsonl", "rows.jsonl is a local path"),
    ],
)
def test_what_the_job_cannot_verify_is_refused(setting: str, message: str) -> None:
    with pytest.raises(IntentflowError, match=message):
        DeployOptions.from_layers(None, ["rollout_job=true", setting])


def test_the_component_without_the_job_is_a_contradiction() -> None:
    with pytest.raises(IntentflowError, match="contradicts rollout_job: false"):
        DeployOptions.from_layers(None, ["components=[rollout-job]", "rollout_job=false"])


def test_rows_to_ask_are_refused_where_nothing_asks_them(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["deploy", "--model", "s3://m/sha256-a", "--probe", "s3://b/p"]) == 2
    assert "--mode render does not take --probe" in capsys.readouterr().err


@pytest.mark.parametrize("kind", ["Job", "NetworkPolicy"])
def test_without_a_transformer_mode_git_has_no_job(facts: ModelFacts, kind: str) -> None:
    options = DeployOptions(name="banking", mode="git", transformer=False)
    names = [it["metadata"]["name"] for it in render(facts, options, None) if it["kind"] == kind]
    assert [name for name in names if "rollout" in name] == []
