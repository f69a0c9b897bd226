"""``verdict.json``: whether a model may be deployed, by which rules, and about which model."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from intentflow.artifacts.document import Artifact, Number, Section, Whole
from intentflow.artifacts.metrics import Measured
from intentflow.artifacts.scores import HeadlineScores

Evidence = dict[str, Number | list[Number] | None]


class Rule(Section):
    """One rule and how it came out."""

    name: str = Field(description="For example metrics.intent_accuracy.min")
    passed: bool = Field(description="Whether the scores keep it")
    value: Number | None = Field(
        None, description="What was measured; null if it was not, or is no number"
    )
    limit: Number | None = Field(
        None, description="What the policy asks; null where it asks for no number"
    )
    message: str = Field("", description="One sentence with the numbers")
    bound: Number | None = Field(
        None, description="The confidence bound that was judged in the value's place"
    )
    n: Whole | None = Field(
        None, description="Rows behind the value, where it is not those of all scores"
    )
    evidence: Evidence = Field(
        {}, description="Further numbers of a comparison: rows gained and lost, p-value, interval"
    )


class Decision(Section):
    """The short form of a verdict: what a command prints."""

    passed: bool = Field(description="Whether every rule is kept")
    policy: str | None = Field(None, description="Name of the policy; null where it has none")
    first_failed: str | None = Field(None, description="Name of the first broken rule")
    reasons: list[str] = Field([], description="What each broken rule states")


class Verdict(Measured, Decision, Artifact):
    """What the gate decided; digests are those that the scores name."""

    NOT_ONE: ClassVar[str] = "not a verdict; `intentflow gate -o {where}` writes one"
    SIGN: ClassVar[str] = "passed"
    ADVICE: ClassVar[str] = "run the gate again"

    rules: list[Rule] = Field([], description="Every rule that was applied, in the policy's order")
    skipped: list[str] = Field(
        [], description="Why a rule that somebody may expect was not applied"
    )
    notes: list[str] = Field([], description="What else to know about how rules were applied")
    compared: dict[str, HeadlineScores] = Field(
        {}, description="Headline scores of the model, the champion, the 16-bit one, the baselines"
    )

    @property
    def decision(self) -> Decision:
        """The verdict without its rules."""
        return Decision(**{name: getattr(self, name) for name in Decision.model_fields})

    @property
    def numbers(self) -> tuple[tuple[str, float, float], ...]:
        """Name, value and limit of the rules that measured something."""
        return tuple(
            (rule.name, rule.value, rule.limit)
            for rule in self.rules
            if rule.value is not None and rule.limit is not None
        )
