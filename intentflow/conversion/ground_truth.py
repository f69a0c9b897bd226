"""SageMaker Ground Truth: augmented manifests of text labelling jobs.

Each job adds its attribute and ``<attribute>-metadata`` to the row. A classification's label is
the metadata's ``class-name``, several are the ``class-map``; a custom job's is its text, its
``output`` or ``intent`` (a text, or the ``label``/``labels`` of a ``crowd-classifier``), or the
majority of ``annotationsFromAllWorkers``. The text is ``source``. Design decision: a job that
marks spans has no say where another one gives a class; an
adjustment job's label replaces those before it (the latest ``creation-date``, else the last in
the row); otherwise the jobs on a row must agree unless ``--job`` names one by attribute or job
name. A verification job (``groundtruth/label-verification``) after that label has to confirm it
with one of a few class names; any other class rejects the row.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import orjson

from intentflow.conversion.agreement import Election, agreed, elect, join_labels, majority
from intentflow.conversion.columns import TEXT_FIELDS, fold
from intentflow.conversion.export_format import (
    AnnotatorAnswer,
    Format,
    LabelledRow,
    Options,
    Row,
    RowRejected,
    label_text,
    peek_text,
)

_METADATA = "-metadata"
_SPAN_TYPE = "groundtruth/text-span"
_QUESTIONS = ("output", "intent", "label")
_LABELS = frozenset({"label", "labels"})
_VERIFICATION = "groundtruth/label-verification"
CONFIRMED = {"accept", "accepted", "approve", "approved", "confirmed", "correct", "good", "ok"}
CONFIRMED |= {"okay", "pass", "passed", "right", "valid", "verified", "yes"}
"""Class names of a verification job that confirm the label; compared in lower case."""


class _GroundTruthJob(NamedTuple):
    """The attribute and metadata of one labelling job in a row."""

    attribute: str
    value: Any
    metadata: Row

    @property
    def date(self) -> str:
        return str(self.metadata.get("creation-date", ""))

    @property
    def verifies(self) -> bool:
        return self.metadata.get("type") == _VERIFICATION

    @property
    def marks_spans(self) -> bool:
        inner = self.value.get("annotations") if isinstance(self.value, dict) else None
        has_entities = isinstance(inner, dict) and "entities" in inner
        return self.metadata.get("type") == _SPAN_TYPE or has_entities


def recognises(row: Row) -> bool:
    """Whether the row contains a job's metadata."""
    return any(key.endswith(_METADATA) and isinstance(row[key], dict) for key in row)


def read(row: Row, options: Options) -> LabelledRow:
    """Read the row's text and its decisive label.

    Raises:
        RowRejected: The row is not labelled, failed, in conflict, not verified, or malformed.
    """
    jobs = _jobs(row)
    labelling = [job for job in jobs if not job.verifies and _is_wanted(job, options.job)]
    if not labelling:
        raise RowRejected("no_label")
    adjusted = [job for job in labelling if "adjustment-status" in job.metadata]
    classes = [job for job in adjusted or labelling if not job.marks_spans]
    if not classes:
        raise RowRejected("spans")
    decisive = [max(reversed(classes), key=lambda job: job.date)] if adjusted else classes
    fields = row if options.field else text_fields(row)
    text = peek_text(fields, options)
    elections = [_label(job, text) for job in decisive]
    output = majority([agreed([election.label for election in elections], text)])
    _check_verified(jobs, max(job.date for job in decisive))
    answers = next((election.answers for election in elections if election.answers), None)
    annotators = tuple(name for election in elections for name in election.annotators)
    return label_text(fields, options, output)._replace(answers=answers, annotators=annotators)


def text_fields(row: Row) -> Row:
    """The row with no other utterance than ``source``, the format's own, if it is there."""
    if not isinstance(row.get("source"), str):
        return row
    return {
        name: it for name, it in row.items() if name == "source" or fold(name) not in TEXT_FIELDS
    }


def job_names(row: Row) -> list[str]:
    """The labelling jobs with metadata in the row, by their attribute."""
    return [job.attribute for job in _jobs(row) if not job.verifies]


def _jobs(row: Row) -> list[_GroundTruthJob]:
    names = (key.removesuffix(_METADATA) for key in row if key.endswith(_METADATA))
    return [
        _GroundTruthJob(name, row.get(name), metadata)
        for name in names
        if isinstance(metadata := row[name + _METADATA], dict)
    ]


def _is_wanted(job: _GroundTruthJob, wanted: str | None) -> bool:
    name = str(job.metadata.get("job-name", "")).removeprefix("labeling-job/")
    return wanted is None or wanted in (job.attribute, name)


def _check_verified(jobs: list[_GroundTruthJob], since: str) -> None:
    """Require that the last verification job after the label confirms it."""
    later = [job for job in jobs if job.verifies and (not job.date or job.date >= since)]
    if not later:
        return
    last = max(reversed(later), key=lambda job: job.date)
    if str(last.metadata.get("class-name", "")).strip().lower() not in CONFIRMED:
        raise RowRejected("not_verified")


def _label(job: _GroundTruthJob, utterance: str) -> Election:
    if job.metadata.get("failure-reason"):
        raise RowRejected("failed")
    name, names = job.metadata.get("class-name"), job.metadata.get("class-map")
    if isinstance(name, str):
        return Election(name)
    if isinstance(names, dict):
        return Election(join_labels(names.values()))
    return _custom_label(job.value, utterance)


def _custom_label(value: Any, utterance: str) -> Election:
    if isinstance(value, dict) and isinstance(value.get("annotationsFromAllWorkers"), list):
        workers = value["annotationsFromAllWorkers"]
        return elect([_worker_answer(item, utterance) for item in workers], utterance)
    output = _answer(value) if isinstance(value, dict) else value
    if output is None:
        raise RowRejected("no_answer")
    if not isinstance(output, str):
        raise RowRejected("not_text")
    return Election(output)


def _answer(value: Row) -> Any:
    """The answer to the question for the label: a titled one, or the only classifier's."""
    for name in _QUESTIONS:
        if value.get(name) is not None:
            return _class_names(value[name])
    classifiers = [it for it in value.values() if isinstance(it, dict) and _LABELS & it.keys()]
    if len(classifiers) > 1:
        raise RowRejected("several_questions")
    return _class_names(classifiers[0]) if classifiers else None


def _class_names(answer: Any) -> Any:
    """The class or classes that a ``crowd-classifier`` gives; other answers unchanged."""
    if not isinstance(answer, dict):
        return answer
    if isinstance(answer.get("labels"), list):
        return join_labels(answer["labels"])
    return answer.get("label")


def _worker_answer(annotation: Any, utterance: str) -> AnnotatorAnswer:
    worker = annotation.get("workerId") if isinstance(annotation, dict) else None
    data = annotation.get("annotationData") if isinstance(annotation, dict) else None
    content = data.get("content") if isinstance(data, dict) else None
    try:
        found = orjson.loads(content) if isinstance(content, str) else content
    except ValueError:
        found = content
    return AnnotatorAnswer(_custom_label(found, utterance).label, str(worker or ""))


GROUND_TRUTH = Format("ground-truth", recognises, read)
