"""Files of a retraining: news, and how new rows were merged with those of the champion."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from intentflow.artifacts.document import Artifact, Integer, Number, Rate, Section

MergeChangeKind = Literal["replaced", "test_conflict", "set_aside", "off_taxonomy"]
SourceState = Literal["new", "changed", "same"]


class MergeChange(Artifact):
    """A row of ``merge-changes.jsonl``: a label that a merge left out."""

    WRONG_KIND: ClassVar[str] = "not a change of a merge"

    kind: MergeChangeKind = Field(
        description="replaced: a later label of the same utterance differs; test_conflict: a test "
        "row has another label, which stays; set_aside: its annotator disagrees with the test "
        "rows; off_taxonomy: the taxonomy does not allow it"
    )
    instruction: str = Field(description="The utterance")
    output: str = Field(description="The label that is left out")
    by: str | None = Field(None, description="The label that counts instead; null if there is none")
    source: str = Field(description="Origin of the label that is left out")


class MergeReport(Artifact):
    """Numbers of a merge (``merge.json``); every new row is in one of them."""

    WRONG_KIND: ClassVar[str] = "not a report of a merge"
    SIGN: ClassVar[str] = "previous_rows"

    previous_rows: Integer = Field(description="Training rows of the champion's data set")
    previous_test_rows: Integer = Field(
        description="Test rows of the champion's data set, which stay test rows"
    )
    given: Integer = Field(description="Rows of exports and corrections")
    seen: Integer = Field(description="Rows of these that an earlier merge has seen")
    duplicates: Integer = Field(description="New ones with utterance and label of another row")
    test_rows: Integer = Field(description="New ones with utterance and label of a test row")
    added: Integer = Field(description="New ones that became training rows")
    joined_test: Integer = Field(description="New ones that became test rows")
    left_out: Integer = Field(description="New ones that a later one replaces, or a test row")
    replaced_previous: Integer = Field(
        description="Rows of the champion's data set with a later label"
    )
    set_aside: list[str] = Field([], description="Annotators whose corrections are set aside")
    rows: Integer = Field(description="Merged training rows")
    test: Integer = Field(description="Merged test rows")


class WatchCriterion(Section):
    """A limit of a watch, and what the counts show about it."""

    name: str = Field(description="errors, slow, out_of_scope or disagreement")
    state: Literal["worse", "good", "open"] = Field(
        description="Whether the limit is exceeded, kept, or neither is shown"
    )
    stable_hits: Integer | None = Field(description="Events of the model in service; null if none")
    stable_trials: Integer | None = Field(
        description="Requests to the model in service, or answers of it"
    )
    canary_hits: Integer = Field(description="Events of the canary")
    canary_trials: Integer = Field(description="Requests to the canary, or answers of it")
    low: Number = Field(description="Lower bound of the increase, or of the rate")
    high: Number = Field(description="Upper bound")
    limit: Number = Field(description="Tolerated increase, or rate")


class WatchReport(Artifact):
    """The watch of a canary (``watch.json``)."""

    WRONG_KIND: ClassVar[str] = "not a report of a watch"
    SIGN: ClassVar[str] = "decision"

    decision: Literal["promoted", "rolled back", "skipped"] = Field(
        description="The end of the canary; skipped where there is none in a cluster"
    )
    reason: str = Field(description="The reason, one line")
    seconds: Number = Field(description="Time of the watch")
    looks: Integer = Field(description="Answers of Prometheus")
    disagreement: Rate | None = Field(
        None, description="Share of differing answers, where the canary gets copies"
    )
    criteria: list[WatchCriterion] = Field([], description="The limits at the end")


class SourceNews(Section):
    """A source, compared with those of the champion's data set."""

    uri: str = Field(description="Address of the source")
    state: SourceState = Field(
        description="new: the champion has not seen it; changed: its content is another one; same"
    )


class RetrainNews(Artifact):
    """News since the champion's data set (``news.json``)."""

    WRONG_KIND: ClassVar[str] = "not a list of what is new"
    SIGN: ClassVar[str] = "retrain"

    retrain: bool = Field(description="Whether there is a reason to train")
    champion: str | None = Field(description="Id of the champion's entry; null without one")
    data: str | None = Field(description="Id of the entry of its data set; null if unknown")
    sources: list[SourceNews] = Field(description="The sources in the order of the configuration")
    gone: list[str] = Field(description="Sources of the champion that are configured no more")
    settings: list[str] = Field(
        description="Steps whose configuration is another one than the champion's"
    )
    reasons: list[str] = Field(description="Reasons to train, or why there is none")
