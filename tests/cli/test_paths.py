"""No command writes over what it reads."""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from intentflow.cli.main import main
from intentflow.cli.paths import outputs_of
from intentflow.cli.verbs import VERBS, add_options, verb_module
from intentflow.records import Example, write_records

ROWS = [{"instruction": f"play song {i}", "output": "play_music()"} for i in range(3)]


@pytest.fixture
def labels(tmp_path: Path) -> Path:
    path = tmp_path / "labels.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in ROWS))
    return path


def test_an_output_that_is_the_input_is_refused(labels: Path) -> None:
    before = labels.read_text()
    assert main(["convert", str(labels), "-o", str(labels)]) == 2
    assert labels.read_text() == before


@pytest.mark.parametrize(
    ("command", "option"), [("convert", "--agreement"), ("validate", "--finding-rows")]
)
def test_a_further_output_that_is_the_input_is_refused(
    command: str, option: str, labels: Path, tmp_path: Path
) -> None:
    before = labels.read_text()
    output = ["-o", str(tmp_path / "out.jsonl")] if command == "convert" else []
    assert main([command, str(labels), *output, option, str(labels)]) == 2
    assert labels.read_text() == before


@pytest.mark.parametrize("verb", VERBS)
def test_every_option_that_names_a_file_to_write_is_an_output(verb: str) -> None:
    parser = argparse.ArgumentParser(verb)
    add_options(parser, verb_module(verb))
    written = {
        action.dest
        for action in parser._actions
        if action.metavar
        and re.search(r"\bwrite\b.*(here|\bas a page\b)|^write |to write\b", action.help or "")
    }
    assert written <= {*outputs_of(verb)}


def test_two_outputs_in_one_file_are_refused(labels: Path, tmp_path: Path) -> None:
    out = str(tmp_path / "out.jsonl")
    assert main(["curate", str(labels), "-o", out, "--changes", out]) == 2


def test_a_report_over_the_data_is_refused(
    labels: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["validate", str(labels), "--report", str(labels)]) == 2
    assert "choose another report" in capsys.readouterr().err


def test_a_folder_as_a_file_is_reported_in_one_line(
    labels: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["validate", str(labels), "--report", str(tmp_path)]) == 2
    assert "is a folder; give a file" in capsys.readouterr().err


def test_a_reader_that_closes_early_is_no_error() -> None:
    command = [sys.executable, "-m", "intentflow.cli.main", "schema", "recipe"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        assert process.stderr.read() == b""
        assert process.wait() == 0


@pytest.mark.parametrize("part", ["train", "validation", "test"])
def test_split_does_not_write_a_part_over_what_it_reads(part: str, tmp_path: Path) -> None:
    rows = [Example(f"say {word} to all", "say()") for word in ("one", "two", "three", "four")]
    source = tmp_path / f"{part}.jsonl"
    write_records(source, rows)
    before = source.read_bytes()
    assert main(["split", str(source), "-o", str(tmp_path)]) == 2
    assert source.read_bytes() == before


def test_curate_refuses_an_ending_that_nothing_reads(labels: Path, tmp_path: Path) -> None:
    assert main(["curate", str(labels), "-o", str(tmp_path / "out.txt")]) == 2
    assert not (tmp_path / "out.txt").exists()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["split", "rows.jsonl", "-o", ""], "-o is an empty text: name a file or a folder"),
        (["run", "--output="], "--output is an empty text"),
        (["init", ""], "the folder is an empty text"),
    ],
)
def test_an_empty_text_is_no_output(
    arguments: list[str],
    words: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(arguments) == 2
    assert words in capsys.readouterr().err
    assert not [*tmp_path.iterdir()]


@pytest.mark.parametrize("arguments", [["schema", "taxonomy"], ["--help"], ["--version"]])
def test_a_full_disk_behind_stdout_is_one_line(arguments: list[str]) -> None:
    command = [sys.executable, "-m", "intentflow.cli.main", *arguments]
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    assert done.returncode == 2
    assert done.stderr.endswith("error: cannot write to stdout: No space left on device\n")
    assert len(done.stderr.splitlines()) == 1
