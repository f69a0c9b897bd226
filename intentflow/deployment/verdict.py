"""Check that the gate passed exactly this model."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from intentflow.artifacts.verdict import ServingEngine, Verdict
from intentflow.deployment.options import DeployOptions
from intentflow.deployment.serving_engine import serving_engine
from intentflow.errors import CheckFailed
from intentflow.models.model_facts import ModelFacts


def read_passing_verdict(path: str | Path, facts: ModelFacts, options: DeployOptions) -> Verdict:
    """Read the gate's verdict and check that it passes this model with its prompt.

    A gate that required the engine that serves passes no service with another one.

    Raises:
        InputError: The file is missing, or not a verdict.
        CheckFailed: The gate failed, with every reason, or digests or engines differ.
    """
    verdict = Verdict.read(path)
    if not verdict.passed:
        reasons = "; ".join(verdict.reasons) or "no reason given"
        raise CheckFailed(f"{path}: the gate failed: {reasons}; nothing was deployed")
    _require_same("model", verdict.model_digest, facts.digest, path, facts)
    if verdict.prompt_digest is not None:
        _require_same("prompt", verdict.prompt_digest, facts.prompt_digest, path, facts)
    if any(rule.name == "same_engine" for rule in verdict.rules):
        _require_engine(verdict.serving, options, path)
    return verdict


def _require_engine(judged: ServingEngine | None, options: DeployOptions, path: str | Path) -> None:
    deployed = serving_engine(options.vllm_version, options.extra_args)
    if judged != deployed:
        was, now = (
            {} if engine is None else engine.model_dump(exclude_none=True)
            for engine in (judged, deployed)
        )
        raise CheckFailed(
            f"{path}: the gate judged for another engine ({_listed(was)}) than is deployed "
            f"({_listed(now)}): give the gate this vllm_version and these arguments; nothing was "
            "deployed"
        )


def _listed(facts: Mapping[str, str]) -> str:
    return ", ".join(f"{name} {value}" for name, value in facts.items()) or "none named"


def _require_same(
    what: str, measured: str | None, deployed: str, path: str | Path, facts: ModelFacts
) -> None:
    if measured != deployed:
        was = f"{measured[:12]}…" if measured else "none named"
        raise CheckFailed(
            f"{path}: the verdict is about another {what} ({was}) than {facts.uri} "
            f"({deployed[:12]}…): evaluate and gate this model first; nothing was deployed"
        )
