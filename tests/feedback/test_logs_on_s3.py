"""A service's log and a champion's data set in a bucket."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from intentflow.errors import InputError
from intentflow.feedback.collection import collect_feedback
from intentflow.pipeline.steps.merge import MergeFiles, MergeRules, run_merge
from intentflow.pipeline.steps.record import DataFacts, record_data
from intentflow.pipeline.steps.recorded import RecordConfig, Recorded
from intentflow.pipeline.steps.resolve import run_resolve
from intentflow.records import Example, read_records, write_records
from intentflow.registry import Registry
from intentflow.serving.log_storage import writer
from tests.feedback.service_logs import correction, request

pytestmark = pytest.mark.real


def _put(bucket: str, name: str, *lines: dict[str, object]) -> str:
    """A file of the log, as a service writes it; the address of the log."""
    place = f"s3://{bucket}/log"
    writer(place)(name, "".join(json.dumps(line) + "\n" for line in lines).encode())
    return place


def _rows(path: Path) -> list[Example]:
    return read_records(path) if path.stat().st_size else []


def test_requests_and_corrections_of_a_bucket_are_joined(moto_bucket: str) -> None:
    _put(moto_bucket, "requests/2026-11-02/1.jsonl", request("r1", "stop it", "play()"))
    log = _put(moto_bucket, "feedback/2026-11-02/1.jsonl", correction("r1", "stop it", "stop()"))
    found = collect_feedback([log])
    assert (found.report.joined, [pair.prediction for pair in found.pairs]) == (1, ["play()"])


def test_a_rejected_line_is_named_by_its_object(moto_bucket: str) -> None:
    log = _put(moto_bucket, "feedback/2026-11-02/1.jsonl", correction("r1", "a", "a()"), {})
    (reject,) = collect_feedback([log]).rejects
    assert (reject.source, reject.line) == (f"{log}/feedback/2026-11-02/1.jsonl", 2)


def test_a_new_correction_is_another_digest(moto_bucket: str, tmp_path: Path) -> None:
    write_records(tmp_path / "rows.jsonl", [Example("a", "a()")])
    log = _put(moto_bucket, "feedback/2026-11-02/1.jsonl", correction("r1", "a", "a()"))
    before = run_resolve([str(tmp_path / "rows.jsonl")], feedback=[log])
    _put(moto_bucket, "feedback/2026-11-02/2.jsonl", correction("r2", "b", "b()"))
    after = run_resolve([str(tmp_path / "rows.jsonl")], feedback=[log])
    assert before.sources_digest == after.sources_digest
    assert before.feedback_digest != after.feedback_digest


def test_a_data_set_of_a_bucket_is_merged_with(moto_bucket: str, tmp_path: Path) -> None:
    write_records(tmp_path / "rows.jsonl", [Example("stop it", "stop()")])
    write_records(tmp_path / "records.jsonl", [Example("play it", "play()")])
    registry = f"s3://{moto_bucket}/registry"
    recorded = Recorded(RecordConfig(registry=registry))
    data = record_data(recorded, {"train": tmp_path / "rows.jsonl"}, DataFacts([], []))
    log = _put(moto_bucket, "feedback/2026-11-02/1.jsonl", correction("r1", "stop it", "end()"))
    files = MergeFiles.in_folder(tmp_path / "merged")
    previous = Registry(registry).entry(data).uri
    run_merge(tmp_path / "records.jsonl", files, MergeRules(feedback=[log]), previous=previous)
    rows = [*read_records(files.rows), *_rows(files.test)]
    assert {row.instruction: row.output for row in rows} == {
        "stop it": "end()",
        "play it": "play()",
    }


def test_a_log_that_is_not_there_is_one_line(moto_bucket: str) -> None:
    with pytest.raises(InputError, match="log"):
        collect_feedback([f"s3://{moto_bucket}/log"])
