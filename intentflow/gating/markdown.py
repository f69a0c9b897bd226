"""A verdict as Markdown tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from intentflow.artifacts.scores import HEADLINE, HeadlineScores
from intentflow.artifacts.verdict import Rule, Verdict
from intentflow.io.files import atomic_file
from intentflow.printable import NO_VALUE
from intentflow.report.header import PageHeader, short_digest


def verdict_markdown(verdict: Verdict) -> str:
    """Markdown tables of a verdict: broken rules first; kept ones are folded where one is broken.

    Args:
        verdict: The gate's verdict.
    """
    kept = _kept(verdict)
    folded = [f"<details><summary>{kept_count(verdict)}</summary>", "", *kept, "", "</details>"]
    return _page(verdict, kept if verdict.passed else folded, [header_of(verdict).markdown(), ""])


def header_of(verdict: Verdict) -> PageHeader:
    """The facts at the head of a page about a verdict."""
    return PageHeader(
        data=short_digest(verdict.data_digest),
        model=short_digest(verdict.model_digest),
        verdict="passed" if verdict.passed else "failed",
        tone="good" if verdict.passed else "bad",
    )


def _page(verdict: Verdict, kept: list[str], facts: Sequence[str]) -> str:
    named = f" ({verdict.policy})" if verdict.policy else ""
    lines = [f"# Gate{named}: {'passed' if verdict.passed else 'failed'}", "", *facts]
    if verdict.first_failed:
        lines += [f"First broken rule: `{verdict.first_failed}`: {verdict.reasons[0]}", ""]
        lines += _table([rule for rule in verdict.rules if not rule.passed])
        lines += ["", *(f"- {reason}" for reason in verdict.reasons), ""]
    lines += kept
    lines += [f"- not applied: {reason}" for reason in verdict.skipped]
    lines += [f"- note: {note}" for note in verdict.notes]
    return "\n".join([*lines, *_comparison(verdict.compared), *_engines(verdict)]) + "\n"


def _kept(verdict: Verdict) -> list[str]:
    """The kept rules, and the numbers of their comparisons."""
    kept = [rule for rule in verdict.rules if rule.passed]
    evidence = [f"- kept: {rule.message}" for rule in kept if rule.evidence]
    return [*_table(kept), "", *evidence]


def kept_count(verdict: Verdict) -> str:
    """The number of kept rules, as a clause."""
    kept = sum(rule.passed for rule in verdict.rules)
    return "1 rule is kept" if kept == 1 else f"{kept} rules are kept"


def _table(rules: Sequence[Rule]) -> list[str]:
    return ["| rule | measured | limit | |", "|---|---|---|---|", *map(_row, rules)]


def write_markdown(path: str | Path, verdict: Verdict) -> None:
    """Write the verdict as Markdown."""
    with atomic_file(path) as partial:
        partial.write_text(verdict_markdown(verdict), encoding="utf-8")


def number(value: float | None) -> str:
    """A score with four significant digits; a dash for None."""
    return NO_VALUE if value is None else f"{value:.4g}"


def measured_text(rule: Rule) -> str:
    """The value that a rule looked at, with its bound where the rule asks for one."""
    bound = "" if rule.bound is None else f" (bound {number(rule.bound)})"
    return number(rule.value) + bound


def _row(rule: Rule) -> str:
    measured = measured_text(rule)
    outcome = "kept" if rule.passed else "**broken**"
    return f"| {_cell(rule.name)} | {measured} | {number(rule.limit)} | {outcome} |"


def _comparison(compared: Mapping[str, HeadlineScores]) -> list[str]:
    if len(compared) < 2:
        return []
    head = " | ".join(name.replace("_", " ") for name in HEADLINE)
    lines = ["", f"| on the same rows | {head} |", "|---|" + "---|" * len(HEADLINE)]
    for who, scores in compared.items():
        cells = " | ".join(number(getattr(scores, name)) for name in HEADLINE)
        lines.append(f"| {_cell(who)} | {cells} |")
    return lines


def engine_cells(verdict: Verdict) -> list[tuple[str, str, str]]:
    """Facts about the engine that was measured and the one that will serve; none if not known."""
    serving = verdict.serving
    if serving is None:
        return []
    found = []
    for name in ("engine", "engine_version", "quantization", "grammar_backend"):
        ours, theirs = (getattr(side, name) for side in (verdict, serving))
        if name == "quantization":
            theirs = theirs or ours  # the model's own
        found.append((name.replace("_", " "), ours or NO_VALUE, theirs or NO_VALUE))
    return found


def _engines(verdict: Verdict) -> list[str]:
    rows = engine_cells(verdict)
    head = ["", "| | measured | will serve |", "|---|---|---|"]
    cells = (f"| {label} | {_cell(ours)} | {_cell(theirs)} |" for label, ours, theirs in rows)
    return [*head, *cells] if rows else []


def _cell(text: str) -> str:
    """Text for a table's cell; an intent's name may contain characters that would end it."""
    return text.replace("|", "\\|")
