"""Limits of exports: the size of a line, a cell and of what gzip unpacks, in flat memory."""

from __future__ import annotations

import csv
import gzip
import json
import struct
import subprocess
import sys
import zipfile
import zlib
from pathlib import Path

import pytest

from intentflow.conversion.limits import SizeLimits
from intentflow.errors import InputError
from intentflow.parallel import ProcessExecutor
from tests.conversion.rows import convert, documented_row

MEGABYTE = 1 << 20
MEASURED = """
import re, sys
from intentflow.cli.main import main
code = main(sys.argv[1:])
print(re.search(r"VmHWM:\\s+(\\d+)", open("/proc/self/status").read())[1])
sys.exit(code)
"""
ROW = documented_row("play some jazz", "play_music(jazz)").encode()
SMALL = SizeLimits(max_line_bytes=1000, max_cell_characters=100, max_decompressed_bytes=5000)
LONG = "x" * 1001


def _bomb(path: Path, begin: bytes, filler: bytes, megabytes: int = 400) -> Path:
    """A gzip file of one stream, whose repeated megabyte is compressed once."""
    packer, block = zlib.compressobj(1, wbits=-zlib.MAX_WBITS), filler * (MEGABYTE // len(filler))
    first = packer.compress(begin) + packer.flush(zlib.Z_FULL_FLUSH)
    repeated = packer.compress(block) + packer.flush(zlib.Z_FULL_FLUSH)
    checksum = zlib.crc32(begin)
    for _ in range(megabytes):
        checksum = zlib.crc32(block, checksum)
    end = struct.pack("<II", checksum, len(begin) + megabytes * len(block))
    header = b"\x1f\x8b\x08\0\0\0\0\0\0\xff"
    path.write_bytes(header + first + repeated * megabytes + packer.flush() + end)
    return path


def _run(source: Path, *options: str) -> tuple[int, str, int]:
    """The command's exit status, its last line of stderr and its peak memory in MB."""
    out = source.with_name("out.jsonl")
    command = [sys.executable, "-c", MEASURED, "convert", str(source), "-o", str(out), *options]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.returncode, done.stderr.splitlines()[-1], int(done.stdout.split()[-1]) // 1024


def _refusal(source: Path, limits: SizeLimits = SMALL, **options: object) -> str:
    with pytest.raises(InputError) as failure:
        convert([str(source)], source.with_name("out.jsonl"), limits=limits, **options)  # type: ignore[arg-type]
    return str(failure.value)


@pytest.mark.parametrize(
    ("name", "begin", "filler"),
    [
        ("line.manifest.gz", ROW + b"\n", b"x"),
        ("array.json.gz", b"[", b" "),
        ("value.json.gz", b'[{"instruction": "', b"x"),
        ("nested.json.gz", b"[", b'{"a":['),
        ("cell.csv.gz", b"text,label\n", b"x"),
        ("quoted.csv.gz", b'text,label\n"', b"x,"),
        ("dialogue.transcript.gz", b"", b"User: again\n"),
    ],
)
def test_a_gzip_bomb_ends_in_one_line_and_flat_memory(
    tmp_path: Path, name: str, begin: bytes, filler: bytes
) -> None:
    code, message, megabytes = _run(_bomb(tmp_path / name, begin, filler))
    assert code == 2
    assert name in message and "allowed" in message and "--max-" in message
    assert megabytes < 300  # the content has 400


@pytest.mark.parametrize("workers", ["1", "2"])
def test_a_bomb_of_rows_ends_at_the_decompressed_size(tmp_path: Path, workers: str) -> None:
    bomb = _bomb(tmp_path / "rows.manifest.gz", b"", ROW + b"\n", 40)
    limit = ("--max-decompressed-bytes", "20000000", "--workers", workers)
    code, message, megabytes = _run(bomb, *limit)
    assert code == 2
    assert "rows.manifest.gz: the decompressed content has more than the 20,000,000" in message
    assert megabytes < 300


@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.parametrize("packed", [False, True])
def test_a_long_line_is_refused_alike_by_any_number_of_workers(
    tmp_path: Path, workers: int, packed: bool
) -> None:
    content = (ROW + b"\n") * 5000 + LONG.encode() + b"\n" + (ROW + b"\n") * 5000
    source = tmp_path / ("rows.jsonl.gz" if packed else "rows.jsonl")
    source.write_bytes(gzip.compress(content) if packed else content)
    limits = SizeLimits(max_line_bytes=1000)
    assert _refusal(source, limits, executor=ProcessExecutor(workers)) == (
        f"{source}: a line or a row has more than the 1,000 bytes allowed; if that is right, "
        "raise --max-line-bytes (max_line_bytes in run.yaml)"
    )


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("rows.jsonl", LONG),
        ("rows.json", json.dumps([{"instruction": LONG, "output": "f()"}])),
        ("rows.csv", f"text,label\n{LONG},f()"),
        ("rows.transcript", f"User: hi\nAssistant: {LONG}"),
        ("rows.transcript", "User: hi\n" * 200),
    ],
)
def test_a_long_row_is_refused_in_every_layout(tmp_path: Path, name: str, content: str) -> None:
    source = tmp_path / name
    source.write_text(content)
    assert "1,000 bytes allowed" in _refusal(source)


def test_a_long_cell_is_refused(tmp_path: Path) -> None:
    source = tmp_path / "rows.csv"
    source.write_text(f"text,label\n{'x' * 101},f()\n")
    assert "a cell has more than the 100 characters allowed" in _refusal(source)
    assert "--max-cell-characters" in _refusal(source)


def test_an_unclosed_quote_rejects_its_row_alone(tmp_path: Path) -> None:
    source, out = tmp_path / "rows.csv", tmp_path / "out.jsonl"
    source.write_text('text,label\n"hello,f()\n' + "play,play()\n" * 50)
    summary = convert([str(source)], out, limits=SMALL)
    assert (summary.kept, summary.reasons) == (50, {"not_csv": 1})


def test_sizes_at_the_limits_are_read(tmp_path: Path) -> None:
    source, out = tmp_path / "rows.jsonl", tmp_path / "out.jsonl"
    source.write_bytes(ROW + b"\n" + ROW)
    assert convert([str(source)], out, limits=SizeLimits(max_line_bytes=len(ROW))).kept == 2
    packed = tmp_path / "rows.jsonl.gz"
    packed.write_bytes(gzip.compress(source.read_bytes()))
    limits = SizeLimits(max_decompressed_bytes=2 * len(ROW) + 1)
    assert convert([str(packed)], out, limits=limits).kept == 2


def test_a_zip_bomb_is_not_unpacked(tmp_path: Path) -> None:
    source = tmp_path / "rows.jsonl"
    with zipfile.ZipFile(source, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("rows.jsonl", b"x" * (400 * MEGABYTE), compresslevel=1)
    code, message, megabytes = _run(source)
    assert (code, "is a zip archive" in message) == (2, True)
    assert megabytes < 300


def test_the_limit_of_a_cell_is_no_limit_of_the_program_that_converts(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text(f"text,label\nhello,greet\n{'x' * 101},greet\n")
    before = csv.field_size_limit()
    assert "100" in _refusal(tmp_path / "a.csv")
    assert csv.field_size_limit() == before
