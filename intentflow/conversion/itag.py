"""iTAG exports: one row per utterance, with each stage's answers under ``label-<job>`` keys.

A job is labelled (``label-<job>``), then optionally checked (``-check``) and verified
(``-verify``); ``-system`` repeats the outcome. The latest human stage with an answer counts, and
``-system`` only if no human stage has one. Design decisions: a later stage overrides an earlier
one, because iTAG runs them in that order; an abandoned row is rejected even if it has an answer; of
several annotators the majority counts; jobs on one row must agree, and one without an answer is
ignored; the other columns of ``data`` (pre-labels among them) are ignored.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any, NamedTuple

import orjson

from intentflow.conversion.agreement import Election, agreed, elect
from intentflow.conversion.duplicates import has_conflicting_keys
from intentflow.conversion.export_format import (
    AnnotatorAnswer,
    Format,
    LabelledRow,
    LayoutRules,
    Options,
    Row,
    RowRejected,
    label_text,
    peek_text,
)
from intentflow.conversion.itag_survey import survey_answers

_PREFIX = "label-"
_ORDER = ("verify", "check", "label", "system")
_NOT_ABANDONED = (0, None, "", "0", "false")
_UNANSWERED = frozenset({"empty_result", "no_answer", "blank_answer"})


def recognises(row: Row) -> bool:
    """Whether the row has the input under ``data`` or a ``label-`` key."""
    return isinstance(row.get("data"), dict) or any(key.startswith(_PREFIX) for key in row)


def read(row: Row, options: Options) -> LabelledRow:
    """Read the row's utterance and its decisive answer.

    Raises:
        RowRejected: The row is abandoned, unlabelled, tied, in conflict between jobs, or
            malformed.
    """
    if _abandoned(row):
        raise RowRejected("abandoned")
    jobs = _jobs(tuple(row), options.job)
    if not jobs:
        raise RowRejected("no_label")
    data = row.get("data")
    text = peek_text(data, options)
    found = _job_answer(row, jobs[0], text) if len(jobs) == 1 else _agreed(row, jobs, text)
    if not isinstance(data, dict):
        raise RowRejected("no_text")
    labelled = label_text(data, options, found.label)
    return labelled._replace(answers=found.answers) if found.answers else labelled


def job_names(row: Row) -> list[str]:
    """The labelling jobs with a key in the row."""
    keys = (key for key in row if key.startswith(_PREFIX))
    return list(dict.fromkeys(_job_and_stage(key)[0] for key in keys))


class _ItagJob(NamedTuple):
    """The keys of one labelling job in a row: its stages in the order of precedence."""

    stages: tuple[str, ...]
    system: str


@lru_cache(maxsize=1024)
def _jobs(keys: tuple[str, ...], wanted: str | None) -> tuple[_ItagJob, ...]:
    """The jobs among a row's keys; the rows of an export mostly have the same ones."""
    found: dict[str, dict[str, str]] = {}
    for key in keys:
        if key.startswith(_PREFIX):
            job, stage = _job_and_stage(key)
            found.setdefault(job, {})[stage] = key
    if wanted is not None:
        wanted = wanted.removeprefix(_PREFIX)
        found = {job: stages for job, stages in found.items() if job == wanted}
    return tuple(
        _ItagJob(
            tuple(stages[stage] for stage in _ORDER if stage in stages), stages.get("system", "")
        )
        for stages in found.values()
    )


def _job_and_stage(key: str) -> tuple[str, str]:
    name = key.removeprefix(_PREFIX)
    job, dash, stage = name.rpartition("-")
    return (job, stage) if dash and stage in _ORDER else (name, "label")


def _agreed(row: Row, jobs: tuple[_ItagJob, ...], utterance: str) -> Election:
    """The answer of all jobs that have one."""
    found: list[Election] = []
    reasons: list[str] = []
    for job in jobs:
        try:
            found.append(_job_answer(row, job, utterance))
        except RowRejected as rejected:
            reasons.append(rejected.reason)
    if not found:
        raise RowRejected(reasons[0])
    label = agreed([election.label for election in found], utterance)
    return Election(label, next((it.answers for it in found if it.answers), None))


def _job_answer(row: Row, job: _ItagJob, utterance: str) -> Election:
    if _abandoned(row.get(job.system)):
        raise RowRejected("abandoned")
    reason = "empty_result"
    for key in job.stages:
        body = row[key]
        if _abandoned(body):
            raise RowRejected("abandoned")
        try:
            return _stage_answer(body, utterance)
        except RowRejected as rejected:
            if rejected.reason not in _UNANSWERED:
                raise
            if reason == "empty_result":
                reason = rejected.reason
    raise RowRejected(reason)


def _abandoned(body: Any) -> bool:
    return isinstance(body, dict) and body.get("abandonFlag") not in _NOT_ABANDONED


def _stage_answer(body: Any, utterance: str) -> Election:
    """The majority answer of a stage's annotators."""
    results = body.get("results") if isinstance(body, dict) else None
    if not results or not isinstance(results, list):
        raise RowRejected("empty_result")
    answers = _answers_in(results[0])
    for result in results[1:]:
        answers += _answers_in(result)
    answers = answers or survey_answers(results)
    if not answers:
        raise RowRejected("no_answer")
    return elect([AnnotatorAnswer(answer) for answer in answers], utterance)


def _answers_in(result: Any) -> list[str]:
    """The outputs of one result; empty if it answers another question."""
    mark = result.get("MarkResult") if isinstance(result, dict) else None
    if mark is None or mark == "":  # another question, or a survey's
        return []
    if isinstance(mark, str):
        mark = _parse_mark(mark)
    annotations = mark.get("annotations") if isinstance(mark, dict) else None
    if not isinstance(annotations, list):
        raise RowRejected("bad_mark_result")
    return [answer for item in annotations if (answer := _output_of(item)) is not None]


def _parse_mark(mark: str) -> Any:
    try:
        document = orjson.loads(mark)
        raw = mark.encode()
    except ValueError:
        raise RowRejected("bad_mark_result") from None
    if has_conflicting_keys(raw, document):
        raise RowRejected("duplicate_key")
    return document


def _output_of(annotation: Any) -> str | None:
    labels = annotation.get("labels") if isinstance(annotation, dict) else None
    output = labels.get("output") if isinstance(labels, dict) else None
    if output is not None and not isinstance(output, str):
        raise RowRejected("not_text")
    return output


LAYOUTS = LayoutRules(recognises, frozenset({"abandonFlag", "type"}), "MarkResult")
ITAG = Format("itag", recognises, read, layouts=LAYOUTS)
