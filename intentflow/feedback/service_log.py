"""A service's log: requests and corrections, each once, and what is neither.

Logs are read from storage that many pods write to, and that people copy: lines may be broken,
files may be there twice, and clocks may differ. A line that cannot be read is listed, and the
others count.
"""

from __future__ import annotations

import itertools
import json
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from intentflow.artifacts.rejects import RejectedRow
from intentflow.artifacts.request_log import (
    LoggedCorrection,
    LoggedDisagreement,
    LoggedRequest,
    LogLine,
)
from intentflow.calls import CallSyntaxError, format_calls, parse_calls
from intentflow.curation.dedup import normalised_utterance
from intentflow.errors import InputError
from intentflow.feedback.log_files import KINDS, EmptyLog, log_files
from intentflow.feedback.times import read_time
from intentflow.io.surrogates import is_unicode
from intentflow.records import MAX_ROW_BYTES

_MAX_RAW_CHARACTERS = 10_000
_LINE = "line"
_FAULTS = {
    "too_long": f"is longer than {MAX_ROW_BYTES:,} bytes",
    "not_json": "is not JSON",
    "not_a_log_line": "lacks what a service logs",
    "bad_time": "has no time in ISO 8601",
    "malformed_output": "has a label that is no call",
    "blank_text": "has no utterance",
    "not_unicode": "contains half of a surrogate pair",
}
"""Why a line is rejected, in words."""

_AnyLine = LoggedRequest | LoggedDisagreement | LoggedCorrection

RequestKey = tuple[str, str]
"""Id and normalised utterance: the utterances of one request with several share the id."""


@dataclass(frozen=True)
class TimedRequest:
    """A request with its time.

    Attributes:
        line: The line of the log.
        time: Time of the request.
    """

    line: LoggedRequest | LoggedDisagreement
    time: datetime


@dataclass(frozen=True)
class TimedCorrection:
    """A correction with its time.

    Attributes:
        line: The line of the log, its label in canonical notation.
        time: Time of the correction.
    """

    line: LoggedCorrection
    time: datetime

    @property
    def annotator(self) -> str:
        """Name of the annotator; empty if unknown."""
        return self.line.annotator or ""

    @property
    def utterance(self) -> str:
        """The normalised utterance."""
        return normalised_utterance(self.line.instruction)


@dataclass
class ServiceLog:
    """The content of logs.

    Attributes:
        requests: Requests by id and utterance.
        disagreements: Requests that a shadow answered differently, likewise; each of both is a
            sample of its own.
        corrections: Corrections in the order of the files.
        rejects: Lines that are neither.
        repeated: Number of lines that repeat a request.
        replayed: Number of lines that repeat a correction.
    """

    requests: dict[RequestKey, TimedRequest] = field(default_factory=dict)
    disagreements: dict[RequestKey, TimedRequest] = field(default_factory=dict)
    corrections: list[TimedCorrection] = field(default_factory=list)
    rejects: list[RejectedRow] = field(default_factory=list)
    repeated: int = 0
    replayed: int = 0

    @property
    def asked(self) -> dict[RequestKey, TimedRequest]:
        """All requests that are known, those of disagreements included."""
        return self.disagreements | self.requests


class LineRejected(Exception):  # noqa: N818 - a reason, not a fault
    """A line of a log cannot be used.

    Attributes:
        reason: Code of the reason, as in ``rejects.jsonl``.
        fault: The reason in words, as a sentence about the line.
    """

    def __init__(self, reason: str, fault: str = "") -> None:
        super().__init__(reason)
        self.reason = reason
        self.fault = fault or _FAULTS[reason]


def read_service_log(paths: Sequence[str | Path]) -> ServiceLog:
    """Read requests and corrections.

    Args:
        paths: Files of JSON lines, or folders or ``s3://`` prefixes under which a service keeps
            its log.

    Raises:
        InputError: A path does not exist, or is damaged.
        EmptyLog: No line is a request or a correction.
    """
    log = ServiceLog()
    seen: set[tuple[str | None, ...]] = set()
    with tempfile.TemporaryDirectory() as folder:
        for shown, file in log_files(paths, Path(folder), KINDS):
            for number, raw in lines_of(file):
                try:
                    _add(log, seen, raw)
                except LineRejected as rejected:
                    log.rejects.append(_reject(shown, number, rejected.reason, raw))
    if not log.asked and not log.corrections:
        raise EmptyLog(f"{', '.join(map(str, paths))}: {_nothing(log)}")
    return log


def lines_of(file: Path) -> Iterator[tuple[int, bytes]]:
    """The lines that are not blank, each with its number; of one that is too long, the start.

    Args:
        file: A file of a log, uncompressed.
    """
    with file.open("rb") as stream:
        for number in itertools.count(1):
            if not (raw := stream.readline(MAX_ROW_BYTES + 1)):
                return
            end = raw
            while end and not end.endswith(b"\n"):
                end = stream.readline(MAX_ROW_BYTES)
            if raw.strip():
                yield number, raw


def _add(log: ServiceLog, seen: set[tuple[str | None, ...]], raw: bytes) -> None:
    line, time = read_line(raw)
    if not isinstance(line, LoggedCorrection):
        key = (line.request_id, normalised_utterance(line.instruction))
        known = log.disagreements if isinstance(line, LoggedDisagreement) else log.requests
        if key in known:
            log.repeated += 1
        else:
            known[key] = TimedRequest(line, time)
        return
    identity = (line.request_id, line.time, line.instruction, line.output, line.annotator)
    if identity in seen:
        log.replayed += 1
        return
    seen.add(identity)
    log.corrections.append(TimedCorrection(line, time))


def read_line(raw: bytes) -> tuple[_AnyLine, datetime]:
    """Read a line of a log, with its time.

    Args:
        raw: The line.

    Raises:
        LineRejected: The line is none of a service's, or cannot be used.
    """
    if len(raw) > MAX_ROW_BYTES:
        raise LineRejected("too_long")
    try:
        document = json.loads(raw)
    except (ValueError, RecursionError):
        raise LineRejected("not_json") from None
    try:
        line: _AnyLine = _kind(document).from_mapping(document, _LINE)
    except InputError as error:
        fault = str(error).removeprefix(_LINE).lstrip(": ")
        raise LineRejected("not_a_log_line", f"lacks what a service logs ({fault})") from None
    _require_text(line)
    try:
        time = read_time(line.time, "time")
    except InputError as error:
        raise LineRejected("bad_time", f"has no time in ISO 8601 ({error})") from None
    if isinstance(line, LoggedCorrection):
        return line.model_copy(update={"output": _canonical(line.output)}), time
    return line, time


def _kind(document: object) -> type[_AnyLine]:
    keys = document.keys() if isinstance(document, dict) else ()
    if "output" in keys:
        return LoggedCorrection
    return LoggedDisagreement if "shadow_prediction" in keys else LoggedRequest


def _require_text(line: LogLine) -> None:
    if not is_unicode(json.dumps(line.as_dict(), ensure_ascii=False)):
        raise LineRejected("not_unicode")
    if not line.instruction.strip():
        raise LineRejected("blank_text")


def _canonical(label: str) -> str:
    try:
        calls = parse_calls(label)
    except CallSyntaxError:
        raise LineRejected("malformed_output") from None
    if not calls:
        raise LineRejected("malformed_output")
    return format_calls(calls)


def _reject(source: str, number: int, reason: str, raw: bytes) -> RejectedRow:
    """The rejected line, redacted: a line that is none of the service's may never have been."""
    from intentflow.redaction.anonymizer import redact_text  # costs start-up time

    text = raw[: 4 * _MAX_RAW_CHARACTERS].decode("utf-8", "replace").strip()
    shown = redact_text(text[:_MAX_RAW_CHARACTERS])
    return RejectedRow(source=source, line=number, reason=reason, raw=shown)


def _nothing(log: ServiceLog) -> str:
    if not log.rejects:
        return "the log contains no requests and no corrections"
    first = log.rejects[0]
    return (
        f"none of {len(log.rejects)} lines is a request or a correction; the first, {first.source} "
        f"line {first.line}, {_FAULTS[first.reason]}"
    )
