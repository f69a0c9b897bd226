"""What the gate found: every rule with its numbers, for machines and for people."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from intentflow.io.files import atomic_file

_COMPARED = ("intent_accuracy", "parameter_accuracy", "intent_f1_macro")


@dataclass(frozen=True)
class Rule:
    """One rule and how it came out.

    Attributes:
        name: For example ``metrics.intent_accuracy.min``.
        passed: Whether the scores keep it.
        value: What was measured; None if it was not, or is no number.
        limit: What the policy asks; None where it asks for no number.
        message: One sentence with the numbers.
        bound: The confidence bound that was judged in the value's place; None where the value was.
        n: Rows behind the value, where it is not those of all scores.
        evidence: Further numbers of a comparison: rows gained and lost, p-value, interval.
    """

    name: str
    passed: bool
    value: float | None
    limit: float | None
    message: str
    bound: float | None = None
    n: int | None = None
    evidence: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Verdict:
    """Whether a model may be deployed, and why (not).

    Attributes:
        rules: Every rule that was applied.
        subject: Digests of what was judged, as the scores give them.
        skipped: Why a rule that somebody may expect was not applied.
        notes: What else to know about how the rules were applied.
        policy: Name of the policy; empty where it has none.
        compared: Headline scores of the model, the champion, the 16-bit model and the baselines.
    """

    rules: list[Rule]
    subject: dict[str, Any]
    skipped: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    policy: str = ""
    compared: dict[str, dict[str, float | None]] = field(default_factory=dict)

    @property
    def passed(self) -> bool:
        """True where every rule is kept."""
        return all(rule.passed for rule in self.rules)

    @property
    def reasons(self) -> list[str]:
        """What each broken rule says, in the policy's order."""
        return [rule.message for rule in self.rules if not rule.passed]

    @property
    def first_failed(self) -> str | None:
        """Name of the first broken rule."""
        return next((rule.name for rule in self.rules if not rule.passed), None)

    def summary(self) -> dict[str, Any]:
        """The verdict without its rules."""
        return {
            "passed": self.passed,
            "policy": self.policy or None,
            "first_failed": self.first_failed,
            "reasons": self.reasons,
        }

    def as_dict(self) -> dict[str, Any]:
        """What ``verdict.json`` holds."""
        rest = {"skipped": self.skipped, "notes": self.notes, "compared": self.compared}
        rules = [asdict(rule) for rule in self.rules]
        return {**self.summary(), "rules": rules, **rest, **self.subject}

    def as_markdown(self) -> str:
        """Tables for people; the first broken rule stands above them."""
        named = f" ({self.policy})" if self.policy else ""
        lines = [f"# Gate{named}: {'passed' if self.passed else 'failed'}", ""]
        if self.first_failed:
            lines += [f"First broken rule: `{self.first_failed}`: {self.reasons[0]}", ""]
        lines += ["| rule | measured | limit | |", "|---|---|---|---|"]
        lines += [_row(rule) for rule in self.rules]
        lines += ["", *(f"- {reason}" for reason in self.reasons)]
        lines += [f"- kept: {r.message}" for r in self.rules if r.passed and r.evidence]
        lines += [f"- not applied: {reason}" for reason in self.skipped]
        lines += [f"- note: {note}" for note in self.notes]
        return "\n".join([*lines, *_comparison(self.compared)]) + "\n"


def write_verdict(path: str | Path, verdict: Verdict) -> None:
    """Write ``verdict.json``."""
    with atomic_file(path) as partial:
        text = json.dumps(verdict.as_dict(), indent=2, ensure_ascii=False)
        partial.write_text(text + "\n", encoding="utf-8")


def write_markdown(path: str | Path, verdict: Verdict) -> None:
    """Write the verdict for people."""
    with atomic_file(path) as partial:
        partial.write_text(verdict.as_markdown(), encoding="utf-8")


def headline(scores: Mapping[str, Any]) -> dict[str, float | None]:
    """The scores that models and baselines are shown side by side with."""
    return {name: scores.get(name) for name in _COMPARED}


def number(value: float | None) -> str:
    """A score as people read it."""
    return "–" if value is None else f"{value:.4g}"


def _row(rule: Rule) -> str:
    measured = number(rule.value)
    if rule.bound is not None:
        measured += f" (bound {number(rule.bound)})"
    outcome = "kept" if rule.passed else "**broken**"
    return f"| {_cell(rule.name)} | {measured} | {number(rule.limit)} | {outcome} |"


def _comparison(compared: Mapping[str, Mapping[str, float | None]]) -> list[str]:
    if len(compared) < 2:
        return []
    head = " | ".join(name.replace("_", " ") for name in _COMPARED)
    lines = ["", f"| on the same rows | {head} |", "|---|" + "---|" * len(_COMPARED)]
    for who, scores in compared.items():
        cells = " | ".join(number(scores.get(name)) for name in _COMPARED)
        lines.append(f"| {_cell(who)} | {cells} |")
    return lines


def _cell(text: str) -> str:
    """Text in a table's cell; an intent's name may hold what would end it."""
    return text.replace("|", "\\|")
