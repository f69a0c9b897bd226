"""``verdict.json``: whether a model may be deployed, with the rules and the model concerned."""

from __future__ import annotations

from typing import Annotated, ClassVar

from pydantic import Field, PlainSerializer

from intentflow.artifacts.document import Artifact, Integer, Number, Section
from intentflow.artifacts.metrics import Measured
from intentflow.artifacts.scores import HeadlineScores

# Written as it is: the serializer of a union would warn about each number of another member's type.
_EvidenceValue = Annotated[
    Number | list[Number] | None, PlainSerializer(lambda value: value, when_used="always")
]
Evidence = dict[str, _EvidenceValue]


class Rule(Section):
    """One rule and its outcome."""

    name: str = Field(description="Name of the rule, such as metrics.intent_accuracy.min")
    passed: bool = Field(description="Whether the scores satisfy it")
    value: Number | None = Field(
        None, description="The measured value; null if it was not measured, or is not a number"
    )
    limit: Number | None = Field(None, description="The policy's limit; null if it is not a number")
    message: str = Field("", description="One sentence with the numbers")
    bound: Number | None = Field(
        None, description="The confidence bound that was compared instead of the value"
    )
    n: Integer | None = Field(
        None, description="Number of rows of the value, if it is not that of all scores"
    )
    evidence: Evidence = Field(
        {}, description="Further numbers of a comparison: rows gained and lost, p-value, interval"
    )


class ServingEngine(Section):
    """The engine that will serve the model."""

    engine: str = Field(description="Name of the engine")
    engine_version: str | None = Field(
        None, description="Version of the engine; null if the image's tag states none"
    )
    quantization: str | None = Field(
        None, description="Format of the weights that its arguments set; null for the model's own"
    )
    grammar_backend: str | None = Field(None, description="Library that constrains its answers")


class Decision(Section):
    """The short form of a verdict, which a command prints."""

    passed: bool = Field(description="Whether every rule is satisfied")
    policy: str | None = Field(None, description="Name of the policy; null if it has none")
    first_failed: str | None = Field(None, description="Name of the first rule that failed")
    reasons: list[str] = Field([], description="Messages of the rules that failed")


class Verdict(Measured, Decision, Artifact):
    """The gate's decision; digests are those of the scores."""

    WRONG_KIND: ClassVar[str] = "not a verdict; `intentflow gate -o {where}` writes one"
    SIGN: ClassVar[str] = "passed"
    ADVICE: ClassVar[str] = "run the gate again"

    rules: list[Rule] = Field([], description="Every rule that was applied, in the policy's order")
    skipped: list[str] = Field([], description="Reasons why expected rules were not applied")
    notes: list[str] = Field([], description="Further notes about the application of rules")
    serving: ServingEngine | None = Field(
        None, description="The engine that will serve, next to the one that was measured"
    )
    compared: dict[str, HeadlineScores] = Field(
        {}, description="Headline scores of the model, the champion, the 16-bit one, the baselines"
    )

    @property
    def decision(self) -> Decision:
        """The verdict without its rules."""
        return Decision(**{name: getattr(self, name) for name in Decision.model_fields})

    @property
    def numbers(self) -> tuple[tuple[str, float, float], ...]:
        """Name, value and limit of the rules with a measured value."""
        return tuple(
            (rule.name, rule.value, rule.limit)
            for rule in self.rules
            if rule.value is not None and rule.limit is not None
        )
