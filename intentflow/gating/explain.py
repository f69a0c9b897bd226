"""Explanation of a failed gate: reasons, weakest intents, most frequent confusions, advice."""

from __future__ import annotations

from intentflow.artifacts.answer_scores import IntentScores
from intentflow.artifacts.metrics import Metrics
from intentflow.artifacts.verdict import Verdict
from intentflow.gating.markdown import header_of

_SHOWN = 5


def explain(verdict: Verdict, metrics: Metrics) -> str:
    """Markdown for the person who improves the model.

    Args:
        verdict: The gate's verdict.
        metrics: The judged scores.
    """
    lines = ["# Nothing was deployed", "", header_of(verdict).markdown(), ""]
    lines += ["The gate's policy was not met:", ""]
    lines += [f"- {reason}" for reason in verdict.reasons]
    lines += [f"- not applied: {reason}" for reason in verdict.skipped]
    lines += [f"- note: {note}" for note in verdict.notes]
    lines += ["", "## Weakest intents", ""]
    lines += [
        f"- {name}: {values.correct} of {values.support} rows right"
        for name, values in _weakest(metrics)
    ] or ["- none: every intent was found in every row"]
    lines += ["", "## Commonest confusions", ""]
    lines += [
        f"- {c.gold} taken for {c.predicted}: {c.count} rows" for c in metrics.confusion[:_SHOWN]
    ] or ["- none"]
    lines += [
        "",
        "## What to do",
        "",
        "Look at the wrong rows in the evaluation report. Add labelled rows with other phrasings "
        "for the weakest intents, check the labels of intents that are confused with one another, "
        "and run again; if the training loss still falls, train longer or raise the learning rate.",
    ]
    return "\n".join(lines) + "\n"


def _weakest(metrics: Metrics) -> list[tuple[str, IntentScores]]:
    scored = (metrics.per_intent or {}).items()
    imperfect = [(name, values) for name, values in scored if (values.recall or 0) < 1]
    return sorted(imperfect, key=lambda item: item[1].recall or 0)[:_SHOWN]
