"""A verdict as text for a terminal."""

from __future__ import annotations

from collections.abc import Sequence

from intentflow.artifacts.scores import HEADLINE
from intentflow.artifacts.verdict import Rule, Verdict
from intentflow.gating.markdown import engine_cells, kept_count, measured_text, number
from intentflow.report.text_table import text_table

_HEAD = ("rule", "measured", "limit", "")


def verdict_text(verdict: Verdict) -> str:
    """The decision with tables of its rules; kept ones are counted where one is broken.

    Args:
        verdict: The gate's verdict.
    """
    named = f" ({verdict.policy})" if verdict.policy else ""
    lines = [f"gate{named}: {'passed' if verdict.passed else 'failed'}"]
    if verdict.first_failed:
        lines += ["", *_rules([rule for rule in verdict.rules if not rule.passed])]
        lines += ["", *(f"not met: {reason}" for reason in verdict.reasons)]
        lines += ["", f"{kept_count(verdict)}: `--markdown F` and `-o F` list them"]
    else:
        kept = [rule for rule in verdict.rules if rule.passed]
        lines += ["", *_rules(kept)] if kept else []
        lines += [f"kept: {rule.message}" for rule in kept if rule.evidence]
    lines += [f"not applied: {reason}" for reason in verdict.skipped]
    return "\n".join([*lines, *_compared(verdict), *_engines(verdict)])


def _rules(rules: Sequence[Rule]) -> list[str]:
    rows = [
        (rule.name, measured_text(rule), number(rule.limit), "kept" if rule.passed else "broken")
        for rule in rules
    ]
    return text_table(rows, _HEAD, indent="  ")


def _compared(verdict: Verdict) -> list[str]:
    if len(verdict.compared) < 2:
        return []
    head = ("on the same rows", *(name.replace("_", " ") for name in HEADLINE))
    rows = [
        (who, *(number(getattr(scores, name)) for name in HEADLINE))
        for who, scores in verdict.compared.items()
    ]
    return ["", *text_table(rows, head, indent="  ")]


def _engines(verdict: Verdict) -> list[str]:
    rows = engine_cells(verdict)
    return ["", *text_table(rows, ("", "measured", "will serve"), indent="  ")] if rows else []
