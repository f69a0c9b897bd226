"""Steps after scoring: gate, publish, deploy, explain."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from intentflow.artifacts.baselines import Baselines
from intentflow.artifacts.metrics import Metrics
from intentflow.artifacts.verdict import Verdict
from intentflow.deploy import DeployOptions, deploy
from intentflow.gate.decide import Beside, decide
from intentflow.gate.explain import explain
from intentflow.gate.markdown import write_markdown
from intentflow.gate.policy import GatePolicy
from intentflow.io.files import atomic_directory, atomic_file
from intentflow.storage import publish


def run_gate(
    metrics: str,
    policy: Mapping[str, Any],
    champion: Mapping[str, Any],
    verdict: str,
    explanation: str,
    *,
    name: str = "",
    baselines: str | None = None,
    reference: str | None = None,
) -> bool:
    """Judge scores; returns whether they pass.

    Args:
        metrics: ``metrics.json`` of the model.
        policy: The gate's policy.
        champion: Scores of the model in service; empty for a first deployment.
        verdict: Where ``verdict.json`` goes.
        explanation: Where the same goes for people.
        name: Which of the policy's sets of rules, where it holds several.
        baselines: ``baselines.json``.
        reference: ``metrics.json`` of the 16-bit model.
    """
    beside = Beside(
        champion=Metrics.from_mapping(champion, "the champion's scores") if champion else None,
        baselines=Baselines.read(baselines) if baselines else None,
        reference=Metrics.read(reference) if reference else None,
    )
    rules = GatePolicy.from_mapping(policy, "gate policy")
    decision = decide(Metrics.read(metrics), rules, beside, name=name)
    decision.write(verdict)
    write_markdown(explanation, decision)
    return decision.passed


def run_publish(model: str, destination: str) -> str:
    """Store a model directory under its digest; returns its URI."""
    return publish(Path(model), destination).uri


def run_deploy(
    model_uri: str, verdict: str, options: Mapping[str, Any], manifests: str, output: str
) -> dict[str, Any]:
    """Render, and with mode apply bring to the cluster, with mode git commit and push.

    Returns:
        Mode, objects, whether a verdict was given; the service's URL, or the commit and its
        branch, where there is one.
    """
    parsed = DeployOptions.from_mapping(options, "deploy options")
    done = deploy(model_uri, parsed, verdict_file=verdict, output=manifests)
    if output:
        with atomic_directory(output) as partial:
            shutil.copytree(manifests, partial, dirs_exist_ok=True)
    result = {"mode": done.mode, "objects": done.objects, "verified": done.verified}
    made = {"url": done.url, "commit": done.commit, "branch": done.branch}
    return result | {key: value for key, value in made.items() if value}


def run_explain(verdict: str, metrics: str, explanation: str) -> None:
    """Write why nothing was deployed."""
    _write_text(explanation, explain(Verdict.read(verdict), Metrics.read(metrics)))


def _write_text(path: str, text: str) -> None:
    with atomic_file(path) as partial:
        partial.write_text(text, encoding="utf-8")
