"""Behave: behavioural tests of a model, by edits of labelled rows."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from pydantic import BeforeValidator, Field

from intentflow.artifacts.behaviour import BEHAVIOUR_KINDS, BehaviourKind
from intentflow.config import Flag, StrictModel
from intentflow.pipeline.steps.answering import AnswerConfig, EndpointFacts
from intentflow.pipeline.steps.fields import Seed, split_names

if TYPE_CHECKING:
    from intentflow.artifacts.behaviour import BehaviourReport


class BehaveConfig(StrictModel):
    """Configuration of the behavioural tests.

    Example:
        >>> BehaveConfig(kinds="typos,negation").kinds
        ['typos', 'negation']
    """

    kinds: Annotated[
        list[BehaviourKind],
        BeforeValidator(split_names, json_schema_input_type=str | list[BehaviourKind]),
        Flag(metavar="A,B"),
    ] = Field(
        list(BEHAVIOUR_KINDS),
        min_length=1,
        description=f"Kinds of edits: {', '.join(BEHAVIOUR_KINDS)}",
    )
    cases_per_kind: Annotated[int, Flag(metavar="N")] = Field(
        100, ge=1, description="Maximum number of edited rows of each kind"
    )
    seed: Seed = 0


@dataclass(frozen=True)
class BehaveFiles:
    """Files that the tests write; None for none.

    Attributes:
        report: ``behaviour.json``.
        page: HTML page.
        cases: Every case with both answers, as JSON lines.
    """

    report: str | Path | None = None
    page: str | Path | None = None
    cases: str | Path | None = None


def run_behave(
    model: str,
    rows: str | Path,
    files: BehaveFiles,
    config: BehaveConfig | None = None,
    answering: AnswerConfig | None = None,
    *,
    endpoint: EndpointFacts | None = None,
) -> BehaviourReport:
    """Test how a model answers edited rows.

    Args:
        model: The model directory, or the URL of an endpoint.
        rows: Labelled records.
        files: Files to write.
        config: Kinds of edits, number and seed; the defaults if None.
        answering: Engine, constraint and limits; the defaults if None.
        endpoint: Facts that an endpoint does not state itself.

    Raises:
        InputError: No row can be edited, or a file cannot be read or written.
        ServiceError: The endpoint is not available, or does not answer.
        UsageError: The engine does not support the options.
    """
    from intentflow.artifacts.document import write_lines
    from intentflow.behaviour.page import write_behaviour_page
    from intentflow.behaviour.run import BehaviourPlan, measure_behaviour
    from intentflow.records import read_records

    settings, facts = config or BehaveConfig(), endpoint or EndpointFacts()
    asking = answering or AnswerConfig()
    found = measure_behaviour(
        asking.request(model, facts),
        read_records(rows),
        BehaviourPlan(settings.kinds, settings.cases_per_kind, settings.seed),
        asking.engine_options(facts),
    )
    if files.cases is not None:
        write_lines(files.cases, found.cases)
    if files.report is not None:
        found.report.write(files.report)
    if files.page is not None:
        write_behaviour_page(files.page, found.report)
    return found.report
