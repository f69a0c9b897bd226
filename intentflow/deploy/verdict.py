"""Whether the gate passed this very model."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from intentflow.errors import CheckFailed, IntentflowError
from intentflow.models.model_facts import ModelFacts


@dataclass(frozen=True)
class Verdict:
    """What the gate found, and about what.

    Attributes:
        passed: Whether the model may be deployed.
        reasons: Why not, a line each.
        model_digest: Of the model that was measured.
        data_digest: Of the rows it was measured on.
        prompt_digest: Of the prompt it was measured with.
        constrained: Whether answers were held to the taxonomy while measuring.
        where: The file, for messages.
        numbers: What the gate's rules measured: name, value, limit.
        engine: What answered while measuring.
    """

    passed: bool
    reasons: tuple[str, ...]
    model_digest: str | None
    data_digest: str | None
    prompt_digest: str | None
    constrained: bool | None
    where: str
    numbers: tuple[tuple[str, float, float], ...] = ()
    engine: str | None = None


def read_verdict(path: str | Path) -> Verdict:
    """Read the file that ``intentflow gate -o`` wrote.

    Raises:
        IntentflowError: Missing, or not a verdict.
    """
    try:
        document: Any = json.loads(Path(path).read_text(encoding="utf-8"))
    except OSError as error:
        raise IntentflowError(f"{path}: {error.strerror}") from None
    except ValueError:
        document = None
    if not isinstance(document, dict) or not isinstance(document.get("passed"), bool):
        raise IntentflowError(f"{path}: not a verdict; `intentflow gate -o {path}` writes one")
    return Verdict(
        passed=document["passed"],
        reasons=tuple(str(reason) for reason in document.get("reasons") or ()),
        model_digest=document.get("model_digest"),
        data_digest=document.get("data_digest"),
        prompt_digest=document.get("prompt_digest"),
        constrained=document.get("constrained"),
        where=str(path),
        numbers=_numbers(document.get("rules")),
        engine=document.get("engine"),
    )


def _numbers(rules: Any) -> tuple[tuple[str, float, float], ...]:
    """What was measured, of the rules that measured something."""
    return tuple(
        (str(rule["name"]), float(rule["value"]), float(rule["limit"]))
        for rule in rules or ()
        if isinstance(rule, dict)
        and all(isinstance(rule.get(key), int | float) for key in ("value", "limit"))
    )


def require_passed(verdict: Verdict, facts: ModelFacts) -> None:
    """Make sure that the verdict is a pass, and about this model and its prompt.

    Raises:
        CheckFailed: Naming every reason, or the digests that differ.
    """
    if not verdict.passed:
        reasons = "; ".join(verdict.reasons) or "no reason given"
        raise CheckFailed(f"{verdict.where}: the gate did not pass: {reasons}; nothing deployed")
    _require_same("model", verdict.model_digest, facts.digest, verdict, facts)
    if verdict.prompt_digest is not None:
        _require_same("prompt", verdict.prompt_digest, facts.prompt_digest, verdict, facts)


def _require_same(
    what: str, measured: str | None, deployed: str, verdict: Verdict, facts: ModelFacts
) -> None:
    if measured != deployed:
        was = f"{measured[:12]}…" if measured else "none named"
        raise CheckFailed(
            f"{verdict.where}: the verdict is about another {what} ({was}) than {facts.uri} "
            f"({deployed[:12]}…): evaluate and gate this model first; nothing deployed"
        )
