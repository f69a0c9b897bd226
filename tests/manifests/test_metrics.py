"""Alerts, dashboard and autoscaling ask only for metrics that are there."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from intentflow.deployment import DeployOptions, ModelFacts, render
from tests.real_parts.process import CACHE, unavailable

MONITORING = Path(__file__).parents[2] / "manifests/components/monitoring"
# As vLLM 0.32 declares them; Prometheus's client adds _total to its counters.
VLLM = {
    "vllm:num_requests_running",
    "vllm:num_requests_waiting",
    "vllm:kv_cache_usage_perc",
    "vllm:prefix_cache_hits_total",
    "vllm:prefix_cache_queries_total",
    "vllm:prompt_tokens_total",
    "vllm:generation_tokens_total",
}
# The transformer's, with their labels next to the route.
OURS = {
    "intentflow_requests_total": {"route", "code"},
    "intentflow_request_seconds_bucket": {"le"},
    "intentflow_predictions_total": {"intent"},
    "intentflow_answers_total": {"model"},
    "intentflow_shadow_compared_total": set(),
    "intentflow_shadow_disagreeing_total": set(),
    "intentflow_shadow_failed_total": set(),
    "intentflow_shadow_dropped_total": set(),
    "intentflow_feedback_total": set(),
    "intentflow_log_failures_total": set(),
}
SCRAPED = {"namespace", "inferenceservice", "component", "pod"}
_NAME = re.compile(r"(?<![\w\"$/{=~])(vllm:\w+|intentflow_\w+|up)(?=[{\[)\s,]|$)")


def _alerts() -> list[dict[str, Any]]:
    rule = yaml.safe_load((MONITORING / "prometheusrule.yaml").read_text())
    return [alert for group in rule["spec"]["groups"] for alert in group["rules"]]


def _dashboard() -> str:
    manifest = yaml.safe_load((MONITORING / "dashboard.yaml").read_text())
    return str(*manifest["data"].values())


def _expressions() -> list[str]:
    panels = json.loads(_dashboard())["panels"]
    targets = [target["expr"] for panel in panels for target in panel["targets"]]
    return targets + [alert["expr"] for alert in _alerts()]


@pytest.mark.parametrize("expression", _expressions())
def test_expression_names_metrics_that_exist(expression: str) -> None:
    names = set(_NAME.findall(expression))
    assert names
    assert names <= {*VLLM, *OURS, "up"}


@pytest.mark.parametrize("expression", _expressions())
def test_expression_is_balanced(expression: str) -> None:
    assert all(expression.count(a) == expression.count(b) for a, b in ("()", "[]", "{}"))


@pytest.mark.parametrize("expression", _expressions())
def test_expression_uses_labels_that_are_scraped(expression: str) -> None:
    used = set(re.findall(r"(\w+)=~?\"", expression)) | set(re.findall(r"(\w+)!=\"", expression))
    for group in re.findall(r"by \(([^)]*)\)", expression):
        used |= {label.strip() for label in group.split(",")}
    assert used <= SCRAPED.union(*OURS.values())


def test_alerts_cover_what_can_go_wrong() -> None:
    names = {alert["alert"] for alert in _alerts()}
    assert names >= {
        "IntentServiceDown",
        "IntentServiceErrors",
        "IntentServiceSlow",
        "IntentServiceQueue",
    }


@pytest.mark.parametrize("alert", _alerts(), ids=lambda alert: alert["alert"])
def test_every_alert_says_what_to_do(alert: dict[str, Any]) -> None:
    assert alert["labels"]["severity"] in ("critical", "warning")
    assert len(alert["annotations"]["runbook"].splitlines()) == 1
    assert alert["annotations"]["summary"]


def test_scraped_ports_are_open_on_the_pods(facts: ModelFacts) -> None:
    options = DeployOptions(components=["monitoring"])
    objects = render(facts, options, None)
    runtime, service = (
        next(item for item in objects if item["kind"] == kind)
        for kind in ("ServingRuntime", "InferenceService")
    )
    containers = {
        "predictor": runtime["spec"]["containers"][0],
        "transformer": service["spec"]["transformer"]["containers"][0],
    }
    monitors = [item["spec"] for item in objects if item["kind"] == "PodMonitor"]
    assert len(monitors) == 2
    for monitor in monitors:
        container = containers[monitor["selector"]["matchLabels"]["component"]]
        ports = {port["name"] for port in container["ports"]}
        assert {endpoint["port"] for endpoint in monitor["podMetricsEndpoints"]} <= ports


def test_autoscaling_asks_for_this_service_alone(facts: ModelFacts) -> None:
    options = DeployOptions(name="banking", namespace="team-a", components=["autoscaling"])
    scaled = [it for it in render(facts, options, None) if it["kind"] == "ScaledObject"]
    [trigger] = scaled[0]["spec"]["triggers"]
    labels = '{namespace="team-a",model_name="banking"}'
    assert trigger["metadata"]["query"] == (
        f"sum(vllm:num_requests_running{labels}) + sum(vllm:num_requests_waiting{labels})"
    )
    assert (trigger["metricType"], trigger["metadata"]["threshold"]) == ("AverageValue", "8")


def test_transformer_declares_these_metrics() -> None:
    file = Path(__file__).parents[2] / "intentflow/serving/metrics.py"
    declared = re.findall(r"\w+\(\"(intentflow_\w+)\", \"[^\"]*\"(.*)\)", file.read_text())
    labels = {name: set(re.findall(r'"(\w+)"', rest)) for name, rest in declared}
    for name, used in OURS.items():
        assert used - {"le"} <= labels[name.removesuffix("_bucket")]


@pytest.mark.real
def test_vllm_declares_these_metrics() -> None:
    packages = list((CACHE / "vllm").glob("lib/python3*/site-packages/vllm"))
    if not packages:
        unavailable("vLLM is not there: run scripts/vllm")
    source = "".join(file.read_text() for file in (packages[0] / "v1/metrics").glob("*.py"))
    declared = set(re.findall(r'"(vllm:\w+)"', source))
    missing = {name for name in VLLM if not {name, name.removesuffix("_total")} & declared}
    assert missing == set()
