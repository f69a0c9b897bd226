"""The corrections of a review, and their copy in a service's log."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from intentflow.errors import ServiceError
from intentflow.feedback.log_files import EmptyLog
from intentflow.feedback.service_log import read_service_log
from intentflow.review.session import ReviewFiles, write_corrections
from intentflow.serving.log_storage import writer
from tests.feedback.service_logs import correction

LABEL = json.dumps(correction("r1", "rain in Oslo", "weather_search(Oslo)")).encode() + b"\n"


@pytest.fixture
def files(tmp_path: Path) -> ReviewFiles:
    (tmp_path / "review").mkdir()
    return ReviewFiles(tmp_path / "review")


def test_labels_that_are_all_deleted_leave_the_log(files: ReviewFiles, tmp_path: Path) -> None:
    publish = writer(str(tmp_path / "log"))
    write_corrections(files, LABEL, "1", publish)
    assert len(read_service_log([tmp_path / "log"]).corrections) == 1
    write_corrections(files, b"", "1", publish)
    with pytest.raises(EmptyLog):
        read_service_log([tmp_path / "log"])
    assert files.corrections.read_bytes() == b""


def test_a_review_without_labels_leaves_no_file_in_the_log(
    files: ReviewFiles, tmp_path: Path
) -> None:
    write_corrections(files, b"", "1", writer(str(tmp_path / "log")))
    assert list((tmp_path / "log").rglob("*.jsonl")) == []


def test_a_copy_that_could_not_be_emptied_is_emptied_by_the_next_attempt(
    files: ReviewFiles, tmp_path: Path
) -> None:
    def refuse(name: str, content: bytes) -> None:
        raise ServiceError("the storage is gone")

    publish = writer(str(tmp_path / "log"))
    write_corrections(files, LABEL, "1", publish)
    with pytest.raises(ServiceError):
        write_corrections(files, b"", "1", refuse)
    write_corrections(files, b"", "1", publish)
    assert [file.read_bytes() for file in (tmp_path / "log").rglob("*.jsonl")] == [b""]
