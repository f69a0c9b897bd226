"""Check that the gate passed exactly this model."""

from __future__ import annotations

from pathlib import Path

from intentflow.artifacts.verdict import Verdict
from intentflow.errors import CheckFailed
from intentflow.models.model_facts import ModelFacts


def read_passing_verdict(path: str | Path, facts: ModelFacts) -> Verdict:
    """Read the gate's verdict and check that it passes this model with its prompt.

    Raises:
        InputError: The file is missing, or not a verdict.
        CheckFailed: The gate failed, with every reason, or digests differ.
    """
    verdict = Verdict.read(path)
    if not verdict.passed:
        reasons = "; ".join(verdict.reasons) or "no reason given"
        raise CheckFailed(f"{path}: the gate failed: {reasons}; nothing was deployed")
    _require_same("model", verdict.model_digest, facts.digest, path, facts)
    if verdict.prompt_digest is not None:
        _require_same("prompt", verdict.prompt_digest, facts.prompt_digest, path, facts)
    return verdict


def _require_same(
    what: str, measured: str | None, deployed: str, path: str | Path, facts: ModelFacts
) -> None:
    if measured != deployed:
        was = f"{measured[:12]}…" if measured else "none named"
        raise CheckFailed(
            f"{path}: the verdict is about another {what} ({was}) than {facts.uri} "
            f"({deployed[:12]}…): evaluate and gate this model first; nothing was deployed"
        )
