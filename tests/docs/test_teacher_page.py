"""What the page about teachers shows, run with a teacher on this computer."""

from __future__ import annotations

from pathlib import Path

import pytest

from intentflow.records import Example, read_records, write_records
from intentflow.taxonomy import Intent, Taxonomy
from tests.docs.left_blocks import commands_left_to
from tests.docs.pages import ROOT, blocks
from tests.synthesis.teacher_server import WORDS, serve_teacher

HERE = "tests/docs/test_teacher_page.py"
PAGE = "docs/how-to/rows-from-a-teacher.md"


def test_a_rare_intent_gets_rows_of_the_teacher(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("OPENAI_API_KEY", "sk-not-a-key")
    (tmp_path / "sets").mkdir()
    given = [Example(f"play {word} for {i} hours", f"play({word})") for i, word in enumerate(WORDS)]
    given += [Example(f"please buy {word} now", f"buy({word})") for word in WORDS[:4]]
    write_records(tmp_path / "sets/train.jsonl", given)
    Taxonomy(
        intents={
            "play": Intent(parameters=["title"]),
            "buy": Intent(parameters=["thing"]),
        }
    ).write(tmp_path / "taxonomy.yaml")
    (teacher,) = (it for it in blocks(ROOT / PAGE) if it.title)
    (command,) = commands_left_to(HERE, PAGE)
    with serve_teacher() as server:
        text = teacher.code.replace("https://api.openai.com/v1", server.url)
        (tmp_path / "teacher.yaml").write_text(text, encoding="utf-8")
        assert command.run({}) == 0
    written = read_records(tmp_path / "balanced.jsonl")
    assert {row.output.partition("(")[0] for row in written if row.synthetic} == {"buy"}
