"""A service's log as labels, preference pairs and a review queue."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from intentflow.artifacts.document import write_lines
from intentflow.artifacts.feedback import (
    AnnotatorCheck,
    FeedbackLabel,
    FeedbackPair,
    FeedbackReport,
    LeftOutLabel,
    QueuedRequest,
)
from intentflow.artifacts.rejects import RejectedRow
from intentflow.curation.dedup import label_key, normalised_utterance
from intentflow.errors import InputError
from intentflow.feedback.annotators import check_annotators, gold_intents
from intentflow.feedback.join import Joined, join
from intentflow.feedback.labels import NewLabels, new_labels
from intentflow.feedback.queue_criteria import drifting_intents
from intentflow.feedback.review_queue import review_queue
from intentflow.feedback.service_log import ServiceLog, read_service_log
from intentflow.io.files import atomic_directory
from intentflow.records import Example, content_digest
from intentflow.taxonomy import Taxonomy

LABELS = "labels.jsonl"
PAIRS = "pairs.jsonl"
QUEUE = "queue.jsonl"
LEFT_OUT = "left-out.jsonl"
REJECTS = "rejects.jsonl"
REPORT = "feedback.json"
_FILES = frozenset({LABELS, PAIRS, QUEUE, LEFT_OUT, REJECTS, REPORT})


@dataclass(frozen=True)
class FeedbackRules:
    """Rules for labels and the review queue.

    Attributes:
        taxonomy: Intents that labels may name; any if None.
        min_agreement: Minimum agreement of an annotator with gold rows, in [0, 1].
        min_gold_rows: Gold rows from which on an annotator may be set aside.
        budget: Maximum number of rows of the review queue.
        threshold: Confidence below which an application does not trust an answer; None if
            unknown.
    """

    taxonomy: Taxonomy | None = None
    min_agreement: float = 0.8
    min_gold_rows: int = 5
    budget: int = 100
    threshold: float | None = None


@dataclass(frozen=True)
class CollectedFeedback:
    """Content of the files of ``intentflow feedback``.

    Attributes:
        labels: New labels, in order of time.
        pairs: Labels with the model's answer.
        queue: Requests to label, those of the criteria in turn.
        left_out: Corrections that became no label.
        rejects: Lines that are neither requests nor corrections.
        report: Numbers of all that was read.
    """

    labels: list[FeedbackLabel]
    pairs: list[FeedbackPair]
    queue: list[QueuedRequest]
    left_out: list[LeftOutLabel]
    rejects: list[RejectedRow]
    report: FeedbackReport

    def write(self, folder: str | Path) -> None:
        """Write all files at once; only the owner may read those with utterances."""
        with atomic_directory(folder) as partial:
            write_lines(partial / LABELS, self.labels)
            write_lines(partial / PAIRS, self.pairs)
            write_lines(partial / QUEUE, self.queue)
            write_lines(partial / LEFT_OUT, self.left_out)
            write_lines(partial / REJECTS, self.rejects)
            self.report.write(partial / REPORT)


def require_own_folder(folder: str | Path) -> None:
    """Refuse a folder whose other files the new one would replace, before any work is done.

    Raises:
        InputError: The folder is a file, or has files that ``intentflow feedback`` does not write.
    """
    path = Path(folder)
    if path.exists() and not path.is_dir():
        raise InputError(f"{path} is a file; give a folder")
    if path.is_dir() and (others := sorted({file.name for file in path.iterdir()} - _FILES)):
        raise InputError(
            f"{path} contains {others[0]}, which is no file of intentflow feedback and would be "
            "replaced; give an empty or a new folder"
        )


def collect_feedback(
    paths: Sequence[str | Path],
    rules: FeedbackRules | None = None,
    *,
    gold: Sequence[Example] = (),
    known: Sequence[Example] = (),
    now: datetime | None = None,
) -> CollectedFeedback:
    """Read a service's log.

    Args:
        paths: Files of JSON lines, or folders or ``s3://`` prefixes of logs.
        rules: Rules for labels and the queue; the defaults if None.
        gold: Rows whose labels are certain, to check annotators with.
        known: Labelled rows, whose labels are not new.
        now: Time of reading; the present if None.

    Raises:
        InputError: A path does not exist, or no line is a request or a correction.
        ModuleNotFoundError: The ``data`` extra is not installed.
    """
    settings = rules or FeedbackRules()
    log = read_service_log(paths)
    joined = join(log, now or datetime.now(UTC))
    checks = check_annotators(
        [one.correction for one in joined.corrections],
        gold_intents(gold),
        min_agreement=settings.min_agreement,
        min_gold_rows=settings.min_gold_rows,
    )
    found = new_labels(
        joined.corrections,
        gold={normalised_utterance(row.instruction) for row in gold},
        set_aside=[name for name, check in checks.items() if check.set_aside],
        taxonomy=settings.taxonomy,
        known=known,
    )
    queue = _queue(log, found, settings, [*gold, *known])
    labels, pairs = found.labels(), found.pairs()
    return CollectedFeedback(
        labels,
        pairs,
        queue,
        found.left_out,
        log.rejects,
        _report(log, joined, found, checks, labels, pairs, len(queue)),
    )


def _queue(
    log: ServiceLog, found: NewLabels, rules: FeedbackRules, known: Sequence[Example]
) -> list[QueuedRequest]:
    labels = [*found.labels(), *(one for one in found.left_out if one.reason == "replaced")]
    texts = [row.instruction for row in known]
    done = {normalised_utterance(text) for text in texts}
    done |= {normalised_utterance(label.instruction) for label in labels}
    return review_queue(
        log.asked.values(),
        differing={utterance for _, utterance in log.disagreements},
        budget=rules.budget,
        labelled=done,
        threshold=rules.threshold,
        known=texts,
        drifting=drifting_intents(
            [row.output for row in known],
            [request.line.prediction for request in log.requests.values()],
        ),
    )


def _report(
    log: ServiceLog,
    joined: Joined,
    found: NewLabels,
    checks: dict[str, AnnotatorCheck],
    labels: Sequence[FeedbackLabel],
    pairs: Sequence[FeedbackPair],
    queued: int,
) -> FeedbackReport:
    rows = joined.corrections
    skews = [one.skew.total_seconds() for one in rows if one.skew]
    return FeedbackReport(
        requests=len(log.requests),
        repeated_requests=log.repeated,
        disagreements=len(log.disagreements),
        corrections=len(rows),
        replayed=log.replayed,
        joined=sum(one.request is not None for one in rows),
        other_utterance=joined.other_utterance,
        labels=len(labels),
        duplicates=found.duplicates,
        known=found.known,
        left_out=dict(Counter(one.reason for one in found.left_out)),
        pairs=len(pairs),
        corrected=sum(map(_is_corrected, pairs)),
        queued=queued,
        rejected=dict(Counter(row.reason for row in log.rejects)),
        before_request=len(skews),
        max_skew_seconds=max(skews, default=0.0),
        in_future=sum(one.in_future for one in rows),
        annotators=checks,
        set_aside=[name for name, check in checks.items() if check.set_aside],
        labels_digest=content_digest([Example(row.instruction, row.output) for row in labels]),
    )


def _is_corrected(pair: FeedbackPair) -> bool:
    return label_key(pair.output) != label_key(pair.prediction)
