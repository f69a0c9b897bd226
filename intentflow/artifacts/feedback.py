"""Files of ``intentflow feedback``: labels, labels left out, the review queue and the report."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from intentflow.artifacts.document import Artifact, Integer, Number, Rate, Section
from intentflow.artifacts.predictions import GivenPrediction
from intentflow.artifacts.request_log import PersonHash

LabelLeftOutReason = Literal["replaced", "set_aside", "gold", "off_taxonomy"]
ReviewReason = Literal[
    "least_confident",
    "near_threshold",
    "models_differ",
    "unlike_known",
    "new_cluster",
    "drifting_intent",
    "drawn",
]


class FeedbackLabel(Artifact):
    """A row of ``labels.jsonl``: a labelled utterance, with who labelled it and when.

    The file is a data set; ``intentflow convert`` reads it as one.
    """

    WRONG_KIND: ClassVar[str] = "not a label of intentflow feedback"

    instruction: str = Field(description="The utterance")
    output: str = Field(description="The label, in the call language")
    annotator: str | None = Field(description="Annotator; null if the correction names none")
    time: str = Field(description="Time of the correction, UTC, ISO 8601")
    request_id: str = Field(description="Id of the request that was corrected")
    model_digest: str | None = Field(description="Digest of the model that answered it")
    rounds: Integer = Field(1, description="Number of the user's turns that the utterance joins")
    person: PersonHash | None = Field(
        None, description="Keyed hash of the person who asked; null if unknown"
    )


class LeftOutLabel(FeedbackLabel):
    """A row of ``left-out.jsonl``: a correction that became no label."""

    reason: LabelLeftOutReason = Field(
        description="replaced: a later label of the same utterance differs; set_aside: its "
        "annotator disagrees with the gold rows; gold: the utterance is a gold row; off_taxonomy: "
        "the taxonomy does not allow it"
    )
    by: str | None = Field(None, description="Later label that this one was replaced by")


class FeedbackPair(GivenPrediction):
    """A row of ``pairs.jsonl``: a label and the model's answer, for preference tuning."""

    person: PersonHash | None = Field(
        None, description="Keyed hash of the person who asked; null if unknown"
    )


class QueuedRequest(Artifact):
    """A row of ``queue.jsonl``: a request that is worth a label, with the model's answer."""

    WRONG_KIND: ClassVar[str] = "not a row of the review queue"

    instruction: str = Field(description="The utterance, redacted as it was logged")
    prediction: str = Field(description="The model's answer, which is the pre-label")
    confidence: Rate | None = Field(description="Confidence of the answer; null if unknown")
    reason: ReviewReason = Field(
        description="least_confident, near_threshold; models_differ: two models answered it "
        "differently; unlike_known: no labelled row is similar; new_cluster: nor is one to several "
        "requests that are like each other; drifting_intent: its intent is asked more often than "
        "labelled rows have it; drawn: at random"
    )
    requests: Integer = Field(description="Number of requests with this utterance")
    request_id: str = Field(description="Id of the latest of them")
    time: str = Field(description="Time of the latest of them")
    model_digest: str | None = Field(description="Digest of the model that answered it")
    person: PersonHash | None = Field(
        None, description="Keyed hash of the person who asked it; null if unknown"
    )


class AnnotatorCheck(Section):
    """Labels of one annotator."""

    labels: Integer = Field(description="Number of corrections, each once")
    gold_rows: Integer = Field(description="Number of those whose utterance is a gold row")
    agrees: Number | None = Field(
        description="Share of those with the gold row's intents; null without any"
    )
    interval: list[Number] | None = Field(description="95 % interval of it (Wilson)")
    set_aside: bool = Field(description="Whether the labels are set aside")


class FeedbackReport(Artifact):
    """Report of reading a service's log (``feedback.json``): what became of every line."""

    WRONG_KIND: ClassVar[str] = "not a report of intentflow feedback"
    SIGN: ClassVar[str] = "corrections"
    ADVICE: ClassVar[str] = "run intentflow feedback again"

    requests: Integer = Field(description="Number of requests, each once")
    repeated_requests: Integer = Field(description="Number of lines that repeat a request")
    disagreements: Integer = Field(
        0, description="Number of requests that the shadow answered differently, each once"
    )
    corrections: Integer = Field(description="Number of corrections, each once")
    replayed: Integer = Field(description="Number of lines that repeat a correction")
    joined: Integer = Field(description="Corrections whose request is in the log")
    other_utterance: Integer = Field(
        description="Corrections whose request has another utterance; they are not joined"
    )
    labels: Integer = Field(description="Number of new labels, one for each utterance")
    duplicates: Integer = Field(description="Corrections with the label of another one")
    known: Integer = Field(description="Labels that known rows have already")
    left_out: dict[str, Integer] = Field(description="Number of corrections left out, by reason")
    pairs: Integer = Field(description="Labels with the model's answer")
    corrected: Integer = Field(description="Number of pairs whose answer was wrong")
    queued: Integer = Field(description="Number of requests in the review queue")
    rejected: dict[str, Integer] = Field(description="Number of lines rejected, by reason")
    before_request: Integer = Field(
        description="Corrections dated before their request, which counts as their time"
    )
    max_skew_seconds: Number = Field(description="The largest of these differences")
    in_future: Integer = Field(
        description="Corrections dated after the time of reading; they replace no other"
    )
    annotators: dict[str, AnnotatorCheck] = Field(
        description="Check of each annotator by name; corrections that name none are under "
        "(unknown)"
    )
    set_aside: list[str] = Field(description="Annotators whose labels are set aside")
    labels_digest: str = Field(description="SHA-256 of the labels as records")
