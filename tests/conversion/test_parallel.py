"""Several processes give what one gives."""

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from intentflow.conversion import blocks, parallel
from intentflow.errors import IntentflowError
from tests.conversion.rows import convert, documented_row


@pytest.fixture
def content(monkeypatch: pytest.MonkeyPatch) -> bytes:
    """Rows of many blocks, some of them broken, one longer than a block."""
    for module in (blocks, parallel):
        monkeypatch.setattr(module, "BLOCK_BYTES", 5000)
    rows = [documented_row(f"{n} 杭州", f"f({n}）") for n in range(200)]
    rows[7], rows[50] = "\n", "oops\n"
    rows[120] = documented_row("x" * 12_000, "f()")
    return "".join(rows).encode().rstrip()


def _outcome(path: Path, **options: Any) -> tuple[Any, ...]:
    summary = convert([str(path)], path.parent / "out.json", **options)
    rejects = (path.parent / "out.rejects.jsonl").read_bytes()
    found = (summary.rows, summary.digest, summary.reasons, summary.normalised)
    return *found, (path.parent / "out.json").read_bytes(), rejects


@pytest.mark.parametrize("workers", [2, 3])
@pytest.mark.parametrize("pack", [bytes, gzip.compress, lambda rows: b"\xef\xbb\xbf" + rows])
def test_the_outcome_does_not_depend_on_the_number_of_processes(
    tmp_path: Path, content: bytes, workers: int, pack: Any
) -> None:
    source = tmp_path / "rows.manifest"
    source.write_bytes(pack(content))
    assert _outcome(source, workers=workers) == _outcome(source, workers=1)


def test_a_reject_of_a_late_block_tells_its_line_in_the_file(
    tmp_path: Path, content: bytes
) -> None:
    source = tmp_path / "rows.manifest"
    source.write_bytes(content)
    rejects = _outcome(source, workers=2)[-1]
    assert json.loads(rejects)["line"] == 51


def test_an_array_is_read_by_one_process(tmp_path: Path) -> None:
    source = tmp_path / "rows.json"
    source.write_text('[{"instruction": "a", "output": "f()"}]')
    assert convert([str(source)], tmp_path / "out.json", workers=2).kept == 1


def test_damaged_gzip_is_an_error_with_several_processes_too(
    tmp_path: Path, content: bytes
) -> None:
    source = tmp_path / "rows.manifest.gz"
    source.write_bytes(gzip.compress(content)[:-40])
    with pytest.raises(IntentflowError, match="damaged gzip"):
        convert([str(source)], tmp_path / "out.json", workers=2)


def test_a_process_that_ends_is_explained(
    tmp_path: Path, content: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = tmp_path / "rows.manifest"
    source.write_bytes(content)
    monkeypatch.setattr(parallel, "convert_block", _end_abruptly)
    with pytest.raises(IntentflowError, match="fewer --workers"):
        convert([str(source)], tmp_path / "out.json", workers=2)


def _end_abruptly(*_: Any) -> None:
    import os

    os._exit(9)


def test_no_worker_is_bad_usage(tmp_path: Path) -> None:
    with pytest.raises(IntentflowError, match="1 or more"):
        convert(["x"], tmp_path / "out.json", workers=0)
