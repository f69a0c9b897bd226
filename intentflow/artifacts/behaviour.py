"""``behaviour.json``: how often a model's answers to edited rows break the rule of the edit."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal, get_args

from pydantic import Field

from intentflow.artifacts.document import Artifact, Integer, JsonDocument, Number, Rate, Section
from intentflow.artifacts.metrics import Measured

BehaviourKind = Literal[
    "typos",
    "casing",
    "fillers",
    "politeness",
    "clause_order",
    "code_switching",
    "prompt_injection",
    "other_value",
    "negation",
    "near_out_of_scope",
]
BEHAVIOUR_KINDS: tuple[BehaviourKind, ...] = get_args(BehaviourKind)
INVARIANCE_KINDS = frozenset(BEHAVIOUR_KINDS[: BEHAVIOUR_KINDS.index("other_value")])
"""Kinds whose edits must not change the answer; the others change it in a known way."""

BehaviourRule = Literal["invariance", "directional"]
Interval = Annotated[list[Number], Field(min_length=2, max_length=2)]


class EditedText(Section):
    """A row of the data, and what an edit made of it."""

    kind: BehaviourKind = Field(description="Kind of the edit")
    row: Integer = Field(description="Number of the row, from 1")
    instruction: str = Field(description="The row's utterance")
    output: str = Field(description="The row's label")
    edited: str = Field(description="The edited utterance")
    edited_output: str | None = Field(
        description="The label of the edited utterance; null where the rule only excludes an intent"
    )


class BehaviourCase(EditedText, JsonDocument):
    """A row of ``--cases``: an edited row with both answers."""

    WRONG_KIND: ClassVar[str] = "not a case of intentflow behave"

    answer: str = Field(description="The model's answer to the row's utterance")
    edited_answer: str = Field(description="The model's answer to the edited utterance")
    passed: bool | None = Field(
        description="Whether the rule holds; null if the answer to the row itself is not one that "
        "it can be judged by"
    )


class BehaviourScores(Section):
    """The outcome of one kind of edit."""

    kind: BehaviourKind = Field(description="Kind of the edits")
    rule: BehaviourRule = Field(
        description="invariance: the answer must stay the same; directional: it must change in a "
        "known way"
    )
    cases: Integer = Field(description="Number of edited rows that were judged")
    failures: Integer = Field(description="Number of those that break the rule")
    failure_rate: Rate | None = Field(
        description="Share of failures among the judged rows; null without a case"
    )
    interval: Interval | None = Field(
        description="95 % interval of the share (Wilson's score interval); null without a case"
    )
    not_judged: Integer = Field(
        0, description="Edited rows whose original the model answers wrongly, or not at all"
    )
    examples: list[BehaviourCase] = Field(
        [], description="Some cases, failed ones first; the utterances are redacted"
    )


class SkippedBehaviour(Section):
    """Rows that a kind of edit does not apply to."""

    kind: BehaviourKind = Field(description="Kind of the edit")
    language: str | None = Field(description="Language of the rows; null for all of them")
    rows: Integer = Field(description="Number of rows")
    reason: str = Field(description="Why there is no edit")


class BehaviourReport(Measured, Artifact):
    """Outcomes of the behavioural tests of one model."""

    WRONG_KIND: ClassVar[str] = "not a report of intentflow behave"
    SIGN: ClassVar[str] = "kinds"
    ADVICE: ClassVar[str] = "run intentflow behave again"

    rows: Integer = Field(description="Number of rows that could be edited")
    seed: Integer = Field(description="Seed of the edits; the same seed gives the same edits")
    languages: dict[str, Integer] = Field(description="Number of rows by language")
    kinds: list[BehaviourScores] = Field(description="Outcome of each kind with a case")
    skipped: list[SkippedBehaviour] = Field([], description="Rows that a kind does not apply to")

    def scores(self, kind: BehaviourKind) -> BehaviourScores | None:
        """The outcome of a kind; None if there was no case of it."""
        return next((one for one in self.kinds if one.kind == kind), None)
