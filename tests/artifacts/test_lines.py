"""Files of a step that hold one object a line are written and read by one model each."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest

from intentflow.artifacts.document import JsonDocument
from intentflow.artifacts.redaction_report import RedactionReport
from intentflow.artifacts.rejects import RejectedRow
from intentflow.artifacts.request_log import LoggedCorrection, LoggedRequest
from intentflow.artifacts.row_changes import RowChange
from intentflow.calls import Call
from intentflow.cli.main import main
from intentflow.cli.schema import schema_models
from intentflow.conversion import REASONS
from intentflow.errors import InputError
from intentflow.serving.corrections import Correction
from intentflow.serving.interpretation import Interpretation
from intentflow.serving.model_files import read_served_model
from intentflow.serving.request_log import RequestLog
from tests.serving.transformer.conftest import write_model

RECORDS = '{"instruction": "mail jane@example.com", "output": "f()"}\n' * 2


def _log(folder: Path) -> None:
    model = read_served_model(str(write_model(folder / "model")))
    log = RequestLog(str(folder / "log"), 1.0, model)

    async def write() -> None:
        log.start()
        found = Interpretation([Call("play")], "play()", None, False, 0.1234567, model)
        log.keep_request("r-1", [{"role": "user", "content": "call +49 170 1234567"}], found)
        await log.keep_correction("r-1", Correction("play Ü", "play(Ü)", note="no"))
        await log.stop()

    asyncio.run(write())


def _lines(folder: Path, kind: str) -> str:
    (file,) = (folder / "log" / kind).rglob("*.jsonl")
    return file.read_text(encoding="utf-8")


def test_a_rejected_row_has_four_keys_without_blanks(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text('{"instruction": "x", "output": ""}\n' + RECORDS)
    assert main(["convert", str(tmp_path / "a.jsonl"), "-o", str(tmp_path / "out.jsonl")]) == 0
    text = (tmp_path / "out.rejects.jsonl").read_text()
    (row,) = RejectedRow.read_rows(tmp_path / "out.rejects.jsonl")
    assert text == json.dumps(row.as_dict(), separators=(",", ":")) + "\n"
    assert list(row.as_dict()) == ["source", "line", "reason", "raw"]
    assert row.line == 1 and row.reason in REASONS


def test_changes_are_an_array_with_one_a_line(tmp_path: Path) -> None:
    data, changes = tmp_path / "a.jsonl", tmp_path / "changes.json"
    data.write_text(RECORDS)
    options = ["--dedup", "exact", "--redact", "--changes", str(changes)]
    assert main(["curate", str(data), "-o", str(tmp_path / "out.jsonl"), *options]) == 0
    assert changes.read_text() == (
        '[\n{"row": 1, "kind": "redacted", "placeholders": {"EMAIL": 1}},\n'
        '{"row": 2, "kind": "redacted", "placeholders": {"EMAIL": 1}},\n'
        '{"row": 2, "kind": "duplicate", "other": 1}\n]\n'
    )
    kinds = [change.kind for change in RowChange.read_rows(changes)]
    assert kinds == ["redacted", "redacted", "duplicate"]


def test_a_request_keeps_a_confidence_that_is_unknown(tmp_path: Path) -> None:
    _log(tmp_path)
    line = json.loads(_lines(tmp_path, "requests"))
    assert list(line) == [
        *("request_id", "time", "model_digest", "prompt_digest", "instruction"),
        *("prediction", "confidence", "latency_seconds"),
    ]
    assert line["confidence"] is None
    assert LoggedRequest.from_mapping(line, "line").instruction == "call {{PHONE}}"


def test_a_correction_leaves_out_what_its_client_did(tmp_path: Path) -> None:
    _log(tmp_path)
    text = _lines(tmp_path, "feedback")
    line = json.loads(text)
    assert list(line)[4:] == ["instruction", "output", "note"]
    assert '"play(Ü)"' in text
    assert LoggedCorrection.from_mapping(line, "line").prediction is None


@pytest.mark.parametrize(
    ("model", "document", "message"),
    [
        (RejectedRow, {"source": "a", "line": 0, "reason": "x", "raw": ""}, "line Input should"),
        (RowChange, {"row": 1, "kind": "lost"}, "kind Input should"),
        (RedactionReport, {"rows": 1}, "changed is missing"),
        (LoggedRequest, {"request_id": "1"}, "time is missing"),
        (LoggedCorrection, [], "not a logged correction"),
    ],
)
def test_a_wrong_line_is_refused_with_file_and_key(
    model: type[JsonDocument], document: object, message: str
) -> None:
    with pytest.raises(InputError, match=f"f.jsonl: {message}"):
        model.from_mapping(document, "f.jsonl")


@pytest.mark.parametrize("name", ["rejects", "changes", "redaction-report", "requests", "feedback"])
def test_each_has_a_schema_whose_keys_are_described(name: str) -> None:
    schema = schema_models()[name].model_json_schema()
    assert [key for key, entry in schema["properties"].items() if "description" not in entry] == []
