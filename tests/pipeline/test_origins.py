"""People and tools that the sources of a data set came from, as its entry names them."""

from __future__ import annotations

from pathlib import Path

import pytest

from intentflow.pipeline.steps.record import read_origins
from tests.feedback.service_logs import correction, request, write_store


def test_a_log_is_from_its_annotators(tmp_path: Path) -> None:
    lines = [
        correction("r1", "stop it", "stop()", annotator="bob"),
        correction("r2", "play it", "play()", annotator="ann"),
        correction("r3", "halt", "stop()"),
    ]
    log = str(write_store(tmp_path / "log", lines))
    assert read_origins(None, [], [log]) == {log: ["ann", "bob"]}


@pytest.mark.parametrize("content", ["", "not a line of a log\n"])
def test_a_log_of_which_no_line_is_left_is_from_nobody(tmp_path: Path, content: str) -> None:
    log = write_store(tmp_path / "log", [request("r1", "stop it", "play()")])
    for file in log.rglob("*.jsonl"):
        file.write_text(content)
    assert read_origins(None, [], [str(log)]) == {str(log): []}
