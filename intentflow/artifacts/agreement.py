"""``agreement.json``: how far the annotators of an export agree, before their votes are counted."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from intentflow.artifacts.document import Artifact, Integer, Number, Section

_ALPHA = (
    "Krippendorff's alpha: 1 for complete agreement, 0 for that of chance; null if it cannot be "
    "computed"
)


class IntentAgreement(Section):
    """Agreement on one intent."""

    rows: Integer = Field(description="Rows in which at least one annotator gave the intent")
    alpha: Number | None = Field(description=f"{_ALPHA}. Of answers with or without the intent")


class AnnotatorAgreement(Section):
    """Agreement of one annotator with the others."""

    answers: Integer = Field(description="Answers to rows that others answered as well")
    agrees: Number = Field(
        description="Share of the others' answers to these rows that have the same intents"
    )
    alpha_without: Number | None = Field(
        description=f"{_ALPHA}. Without this annotator's answers: above alpha, this annotator "
        "deviates"
    )


class Agreement(Artifact):
    """Agreement of the annotators of an export."""

    WRONG_KIND: ClassVar[str] = "not the agreement that intentflow convert writes"
    SIGN: ClassVar[str] = "rows"
    ADVICE: ClassVar[str] = "convert the export again"

    rows: Integer = Field(description="Rows that several annotators answered")
    answers: Integer = Field(description="Answers to rows of several annotators")
    alpha: Number | None = Field(description=f"{_ALPHA}. Of the intents of the answers")
    same_calls: Number | None = Field(
        description="Share of pairs of answers to one row with the same calls, parameters included"
    )
    sampled: Integer = Field(
        description="Rows that the figures of intents and annotators are computed from"
    )
    intents: dict[str, IntentAgreement] = Field(
        description="Agreement on each intent, the lowest alpha first"
    )
    annotators: dict[str, AnnotatorAgreement] = Field(
        description="Agreement of each annotator that the export names, under that name; the "
        "lowest share first"
    )
