"""For every rule a model that keeps it and one that breaks it: the same for library, CLI, graph."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tests.gating.scores import baselines, scores, scores_with

ANY = {"metrics": {"n": {"min": 1}}}
WEAK = {"precision": 0.5, "recall": 0.4, "f1": 0.45, "support": 50}
STRONG = scores()["per_intent"]


@dataclass(frozen=True)
class Case:
    """A rule both ways.

    Attributes:
        rule: Name of the rule that the bad scores break.
        policy: With this rule.
        good: Scores that keep it.
        bad: Scores that break it, and no other rule.
        champion, baselines, reference: What both are compared with.
        name: Of the policy.
    """

    rule: str
    policy: dict[str, Any]
    good: dict[str, Any]
    bad: dict[str, Any]
    champion: dict[str, Any] | None = None
    baselines: dict[str, Any] | None = None
    reference: dict[str, Any] | None = None
    name: str = ""


def _metric(**limits: Any) -> dict[str, Any]:
    return {"metrics": limits}


CASES = [
    Case("minimum_rows", {**ANY, "minimum_rows": 100}, scores(), scores(n=99)),
    Case(
        "metrics.intent_accuracy.min",
        _metric(intent_accuracy={"min": 0.9}),
        scores(),
        scores(intent_accuracy=0.89),
    ),
    Case(
        "metrics.off_taxonomy_rate.max",
        _metric(off_taxonomy_rate={"max": 0.0}),
        scores(),
        scores(off_taxonomy_rate=0.01),
    ),
    Case(
        "metrics.calibration.ece.max",
        {"metrics": {"calibration.ece": {"max": 0.1}}},
        scores(calibration={"ece": 0.1}),
        scores(calibration={"ece": 0.11}),
    ),
    Case(
        "metrics.several_intents.missed_rate.max",
        {"metrics": {"several_intents.missed_rate": {"max": 0.1}}},
        scores(several_intents={"missed_rate": 0.1}),
        scores(several_intents={"missed_rate": 0.11}),
    ),
    Case(
        "metrics.intent_accuracy.min",
        _metric(intent_accuracy={"min": 0.85, "bound": True}),
        scores(n=1000),  # the same 0.9, whose lower end is 0.880
        scores(n=100),  # and 0.826
    ),
    Case(
        "metrics.intent_f1_macro.min",
        _metric(intent_f1_macro={"min": 0.8, "bound": True}),
        scores(intent_f1_macro=0.9, ci95={"intent_f1_macro": [0.81, 0.95]}),
        scores(intent_f1_macro=0.9, ci95={"intent_f1_macro": [0.79, 0.95]}),
    ),
    *(
        Case(
            f"per_intent.{score}.play",
            {"per_intent": {score: {"min": 0.6, "support": 20}}},
            scores(),
            scores(per_intent={**STRONG, "play": WEAK}),
        )
        for score in ("precision", "recall", "f1")
    ),
    Case(
        "baselines.linear",
        {"baselines": {"beat": ["majority", "linear"], "margin": 0.02}},
        scores(),
        scores(intent_accuracy=0.89),
        baselines=baselines(majority={"intent_accuracy": 0.2}, linear={"intent_accuracy": 0.88}),
    ),
    Case(
        "champion.parameter_accuracy",
        {**ANY, "champion": {"margin": 0.02}},
        scores_with("1" * 100, "1" * 90 + "0" * 10),
        scores_with("1" * 100, "1" * 89 + "0" * 11),
        champion=scores_with("1" * 100, "0" * 8 + "1" * 92),
    ),
    Case(
        "champion.intent_accuracy",
        {
            **ANY,
            "champion": {
                "margin": 0.03,
                "metrics": ["intent_accuracy"],
                "test": "non_inferiority",
            },
        },
        scores_with("1" * 398 + "0" * 2),  # two rows lost: 0.016 below at most
        scores_with("0" * 8 + "1" * 392),  # eight: 0.034
        champion=scores_with("1" * 400),
    ),
    Case(
        "champion.per_intent.rain",
        {**ANY, "champion": {"margin": 0.2, "per_intent": {"drop": 0.2}}},
        scores_with(("1" * 19 + "0") * 8 + "1" * 40, gold="p" * 16 + "r" * 4),  # 8 of 40 lost
        scores_with(("1" * 17 + "000") * 10, gold="p" * 16 + "r" * 4),  # 30
        champion=scores_with("1" * 200, gold="p" * 16 + "r" * 4),
    ),
    Case(
        "compression.intent_accuracy",
        {"compression": {"intent_accuracy": 0.02}},
        scores_with("1" * 98 + "00"),
        scores_with("1" * 97 + "000"),
        reference=scores_with("1" * 100),
    ),
    *(
        Case(
            f"subject.{what}",
            {**ANY, "subject": {what: True}},
            scores(),
            scores(**{f"{what}_digest": None}),
        )
        for what in ("model", "data", "prompt")
    ),
    Case(
        "metrics.intent_accuracy.min",
        {"policies": {"staging": ANY, "production": _metric(intent_accuracy={"min": 0.9})}},
        scores(),
        scores(intent_accuracy=0.89),
        name="production",
    ),
]


def title(case: Case) -> str:
    """The case's name in test reports."""
    return case.rule + (f"-{case.name}" if case.name else "")
