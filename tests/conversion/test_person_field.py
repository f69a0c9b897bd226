"""The person whose utterance a row is: a keyed hash in records, and an id nowhere."""

import json
from pathlib import Path

import pytest

from intentflow.cli.main import main
from intentflow.errors import InputError
from intentflow.persons import PERSON_KEY_VARIABLE, PersonKey
from intentflow.records import Example, content_digest, read_records
from tests.conversion.rows import convert, itag_row, stage
from tests.test_persons import KEY

HASH = PersonKey(KEY.encode()).hashed("c-1042")
TABLE = "User ID,text,label\nc-1042,play some jazz,play(jazz)\n,stop it,stop()\n"
TASK = {
    "id": 1,
    "data": {"text": "play some jazz", "user_id": "c-1042"},
    "annotations": [
        {"result": [{"type": "textarea", "from_name": "a", "value": {"text": ["play(jazz)"]}}]}
    ],
}
DIALOGUE = {
    "user_id": "c-1042",
    "messages": [
        {"role": "user", "content": "play some jazz"},
        {"role": "assistant", "content": "play(jazz)"},
    ],
}
ITAG = itag_row("play some jazz", label=stage("play(jazz)"))
ITAG["data"]["user_id"] = "c-1042"


@pytest.fixture(autouse=True)
def key(monkeypatch: pytest.MonkeyPatch) -> None:
    """The key of the hashes."""
    monkeypatch.setenv(PERSON_KEY_VARIABLE, KEY)


def _converted(folder: Path, content: str, suffix: str = ".csv") -> list[Example]:
    source, out = folder / f"export{suffix}", folder / "records.jsonl"
    source.write_text(content)
    summary = convert([str(source)], out, person_field="user_id")
    found = read_records(out)
    assert summary.digest == content_digest(found)
    return found


def test_a_column_becomes_a_keyed_hash(tmp_path: Path) -> None:
    assert [row.person for row in _converted(tmp_path, TABLE)] == [HASH, None]


@pytest.mark.parametrize(
    "row",
    [
        TASK,
        DIALOGUE,
        {"user_id": "c-1042", "instruction": "play some jazz", "output": "play(jazz)"},
        {
            "user_id": " c-1042 ",
            "instruction": "play",
            "output": "p()",
            "history": [["Hello", "Hi there!"]],
        },
        ITAG,
    ],
)
def test_every_tool_keeps_the_person(tmp_path: Path, row: dict[str, object]) -> None:
    (found,) = _converted(tmp_path, json.dumps(row), ".jsonl")
    assert found.person == HASH


def test_a_large_export_keeps_each_person(tmp_path: Path) -> None:
    rows = [
        {"user_id": f"c-{number}" if number % 3 else None, "text": f"row {number}", "label": "a()"}
        for number in range(9000)
    ]
    found = _converted(tmp_path, "".join(json.dumps(row) + "\n" for row in rows), ".jsonl")
    hashed = PersonKey(KEY.encode()).hashed
    assert [row.person for row in found] == [
        hashed(f"c-{number}") if number % 3 else None for number in range(9000)
    ]


def test_the_id_is_in_no_file(tmp_path: Path) -> None:
    bad = 'c-1042,,label\nc-1042,too,many,cells\nc-1042,"open\n'
    _converted(tmp_path, TABLE + bad)
    written = [file.read_text() for file in tmp_path.iterdir() if file.name != "export.csv"]
    assert len(written) == 2
    assert not any("c-1042" in text for text in written)


def test_the_key_is_in_no_file(tmp_path: Path) -> None:
    _converted(tmp_path, TABLE)
    assert not any(KEY in file.read_text() for file in tmp_path.iterdir())


def test_a_hash_stays_when_records_are_converted_again(tmp_path: Path) -> None:
    _converted(tmp_path, TABLE)
    convert([str(tmp_path / "records.jsonl")], tmp_path / "again.jsonl")
    assert read_records(tmp_path / "again.jsonl") == read_records(tmp_path / "records.jsonl")


@pytest.mark.parametrize("to", ["itag", "label-studio", "doccano", "jsonl-chat"])
def test_a_file_for_another_tool_has_no_person(tmp_path: Path, to: str) -> None:
    (tmp_path / "export.csv").write_text(TABLE)
    out = tmp_path / ("tasks.json" if to == "label-studio" else "tasks.jsonl")
    arguments = ["convert", str(tmp_path / "export.csv"), "-o", str(out), "--to", to]
    assert main([*arguments, "--person-field", "User ID"]) == 0
    assert not any(part in out.read_text() for part in ("hmac", "c-1042"))


def test_a_field_that_no_row_has_is_named_and_nothing_written(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "export.csv").write_text(TABLE)
    arguments = ["convert", str(tmp_path / "export.csv"), "-o", str(tmp_path / "out.jsonl")]
    assert main([*arguments, "--person-field", "costumer"]) == 2
    assert "a field named costumer" in capsys.readouterr().err
    assert not (tmp_path / "out.jsonl").exists()


def test_without_a_key_no_person_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(PERSON_KEY_VARIABLE)
    with pytest.raises(InputError, match=f"set {PERSON_KEY_VARIABLE}"):
        _converted(tmp_path, TABLE)


def test_records_with_an_id_are_refused(tmp_path: Path) -> None:
    file = tmp_path / "rows.jsonl"
    file.write_text('{"instruction": "a", "output": "b()", "person": "c-1042"}\n')
    with pytest.raises(InputError, match="line 1: person is no keyed hash"):
        read_records(file)


def test_curate_and_split_keep_the_hash(tmp_path: Path) -> None:
    words = [
        "Oslo",
        "rain",
        "please",
        "today",
        "Lima",
        "forecast",
        "tomorrow",
        "morning",
        "Rome",
        "snow",
        "depth",
        "Bonn",
    ]
    phrases = [" ".join([first, *words[at::5]]) for first in words for at in range(5)]
    lines = [f"c-{number % 4},{it},w()\n" for number, it in enumerate(phrases)]
    _converted(tmp_path, "User ID,text,label\n" + "".join(lines))
    records, clean = str(tmp_path / "records.jsonl"), str(tmp_path / "clean.jsonl")
    assert main(["curate", records, "-o", clean, "--redact", "--dedup", "near"]) == 0
    assert main(["split", clean, "-o", str(tmp_path / "sets")]) == 0
    parts = [read_records(file) for file in (tmp_path / "sets").glob("[tv]*.jsonl")]
    assert {row.person for part in parts for row in part} == {
        PersonKey(KEY.encode()).hashed(f"c-{number}") for number in range(4)
    }


def test_a_report_of_the_checks_has_no_person(tmp_path: Path) -> None:
    _converted(tmp_path, TABLE)
    page = tmp_path / "page.html"
    main(["validate", str(tmp_path / "records.jsonl"), "--report", str(page)])
    assert "hmac-sha256" not in page.read_text()
