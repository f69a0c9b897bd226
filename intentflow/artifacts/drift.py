"""``drift.json``: how live requests differ from the reference rows, and what follows."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from intentflow.artifacts.document import Artifact, Integer, Number, Section

DriftAction = Literal["none", "alert", "retrain"]


class DriftCell(Section):
    """A part of a statistic's range: an intent, a language, an interval of lengths."""

    name: str = Field(description="Name of the intent or language, or the interval")
    reference: Number = Field(description="Share of the reference rows, in [0, 1]")
    requests: Number = Field(description="Share of the requests, in [0, 1]")
    psi: Number = Field(description="Population stability index of the cell against all others")
    interval: list[Number] = Field(description="95 % bootstrap interval of it")


class DriftChange(Section):
    """A significant change of one share."""

    name: str = Field(description="Name of the cell, or one side of a threshold")
    reference: Number = Field(description="Share of the reference rows, in [0, 1]")
    requests: Number = Field(description="Share of the requests, in [0, 1]")
    p_value: Number = Field(description="p-value, adjusted for everything that was tested")


class DriftStatistic(Section):
    """One statistic of both sides."""

    name: str = Field(description="Name of the statistic; the key of its rule in the policy")
    reference_rows: Integer = Field(description="Number of reference rows that were compared")
    request_rows: Integer = Field(description="Number of requests that were compared")
    psi: Number = Field(
        description="Population stability index, less its mean without drift; not below 0"
    )
    interval: list[Number] = Field(description="95 % bootstrap interval of it")
    psi_without_drift: Number = Field(
        description="Mean of the index if reference rows and requests are drawn from one set"
    )
    p_value: Number = Field(description="p-value of the permutation test")
    adjusted_p_value: Number = Field(description="p-value, adjusted for all statistics (Holm)")
    action: DriftAction = Field(description="Action by the policy")
    cells: list[DriftCell] = Field(description="Shares in each part of the statistic's range")
    changes: list[DriftChange] = Field(description="Significant changes, the clearest first")


class DriftRequests(Section):
    """The requests that were read."""

    rows: Integer = Field(description="Number of requests, each id once")
    repeated: Integer = Field(0, description="Number of lines left out as repeats of a request id")
    rejected: Integer = Field(0, description="Number of lines left out as none of a service's")
    first: str | None = Field(None, description="Time of the earliest; null if none is stated")
    last: str | None = Field(None, description="Time of the latest")
    models: list[str] = Field([], description="Digests of the models that answered")


class DriftReport(Artifact):
    """The comparison of requests with reference rows."""

    WRONG_KIND: ClassVar[str] = "not a report of intentflow drift"
    SIGN: ClassVar[str] = "statistics"
    ADVICE: ClassVar[str] = "run intentflow drift again"

    action: DriftAction = Field(description="The strongest action of all statistics")
    reasons: list[str] = Field(description="A sentence for each statistic with an action")
    false_alarm_rate: Number = Field(
        description="Bound of the probability of any action without drift"
    )
    reference_rows: Integer = Field(description="Number of reference rows")
    reference_digest: str = Field(description="SHA-256 of the reference rows")
    requests: DriftRequests = Field(description="The requests that were read")
    encoder: str | None = Field(None, description="Encoder of nearness; null for TF-IDF")
    statistics: list[DriftStatistic] = Field(description="The statistics that were compared")
    skipped: list[str] = Field([], description="Statistics that were not compared, with the reason")
