"""Rejected rows are shown without personal data, and can be found again all the same."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from intentflow.cli.main import main
from intentflow.conversion import rejects
from intentflow.conversion.rejects import redact_raw
from tests.conversion.rows import convert_content, documented_row, itag_row, stage

GOOD = '{"instruction": "good", "output": "row()"}\n'
MAIL = "jane@example.com"
PHONE = "+1 415 555 0132"
CARD = "4111 1111 1111 1111"


def _raw(path: Path, row: Any, **options: Any) -> str:
    content = row if isinstance(row, str) else json.dumps(row, ensure_ascii=False)
    convert_content(path, GOOD + content, **options)
    return str(json.loads((path / "out.rejects.jsonl").read_text(encoding="utf-8"))["raw"])


@pytest.mark.parametrize("secret", [MAIL, PHONE, CARD])
@pytest.mark.parametrize(
    "row",
    [
        '{{"instruction": "reach {}", "output": ""}}',
        '{{"instruction": "reach {}, "output": "f()"}}',
        '{{"instruction": "reach {}", "outp',
        "reach {}",
        '{{"instruction": "a", "instruction": "reach {}", "output": "f()"}}',
        '{{"reach {}": 1}}',
        '{{"a": [{{"b": "reach {}"}}]}}',
    ],
)
def test_personal_data_does_not_stand_in_a_reject(tmp_path: Path, row: str, secret: str) -> None:
    raw = _raw(tmp_path, row.format(secret))
    assert secret not in raw
    assert "{{" in raw


def test_json_inside_a_text_is_redacted_too(tmp_path: Path) -> None:
    row = itag_row(f"mail {MAIL}", label=stage(f"mail({MAIL})", "b()"))
    raw = _raw(tmp_path, row)
    inner = json.loads(raw)["label-1947839552568066048"]["results"][0]["MarkResult"]
    assert MAIL not in raw
    assert json.loads(inner)["annotations"][0]["labels"]["output"] == "mail({{EMAIL}})"


def test_a_number_that_is_personal_is_redacted(tmp_path: Path) -> None:
    assert "4111111111111111" not in _raw(tmp_path, {"card": 4111111111111111})


def test_what_the_labelling_tool_made_stays(tmp_path: Path) -> None:
    row = documented_row(f"call {PHONE}", "f()", abandonFlag=1).replace(
        "label-7", "label-1947839552568066048"
    )
    kept = json.loads(_raw(tmp_path, row))
    expected = json.loads(row.replace(PHONE, "{{PHONE}}"))
    assert kept == expected


@pytest.mark.parametrize(
    "made",
    [
        '"label-1947839552568066048": 3',
        '"MarkResultId": "1947839554911772672"',
        '"Version": "1753236185165"',
        '"MarkTime": "Wed Jul 23 10:03:05 CST 2025"',
        '"creation-date": "2024-01-01T00:00:00.000000"',
        '"id": 4111111111111111',
        '"task_id": "0192f0c1-8c5e-7d1b-8a2e-3f6b1f0a9d11"',
    ],
)
@pytest.mark.parametrize("end", ["}", ""])
def test_ids_and_times_stay(tmp_path: Path, made: str, end: str) -> None:
    row = '{"text": "mail ' + MAIL + '", ' + made + end
    raw = _raw(tmp_path, row)
    assert made.replace(": ", ":") in raw.replace(": ", ":")
    assert MAIL not in raw


def test_an_address_does_not_stay_because_its_key_says_id(tmp_path: Path) -> None:
    assert MAIL not in _raw(tmp_path, {"user_id": MAIL})


def test_a_row_without_personal_data_is_shown_byte_for_byte(tmp_path: Path) -> None:
    row = '{ "instruction" : "a\\u0041",  "output": "" }'
    assert _raw(tmp_path, row) == row


def test_rows_stay_as_they_are_when_asked(tmp_path: Path) -> None:
    (tmp_path / "rows.jsonl").write_text(f"{GOOD}{MAIL}\n")
    out = tmp_path / "out.jsonl"
    main(["convert", str(tmp_path / "rows.jsonl"), "-o", str(out), "--no-redact"])
    rejected = tmp_path / "out.rejects.jsonl"
    assert MAIL in rejected.read_text()
    assert rejected.stat().st_mode & 0o777 == 0o600


def test_without_the_extra_rows_stay_and_it_is_reported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(rejects, "find_spec", lambda _name: None)
    assert _raw(tmp_path, MAIL) == MAIL
    assert "not redacted" in capsys.readouterr().err
    assert (tmp_path / "out.rejects.jsonl").stat().st_mode & 0o777 == 0o600


def test_a_record_is_kept_as_it_is(tmp_path: Path) -> None:
    row = json.dumps({"instruction": f"mail {MAIL}", "output": "f()"})
    convert_content(tmp_path, row)
    assert MAIL in (tmp_path / "out.jsonl").read_text()


def test_of_a_very_long_row_the_beginning_is_shown(tmp_path: Path) -> None:
    raw = _raw(tmp_path, f"mail {MAIL} " + "word " * 20_000)
    assert raw.startswith("mail {{EMAIL}} word")
    assert "word … (9" in raw[-40:]


def test_a_secret_anywhere_in_a_long_row_is_found(tmp_path: Path) -> None:
    raw = _raw(tmp_path, "".join(f"say {n} to user{n}@example.com and " for n in range(200)))
    assert "@" not in raw


def test_a_very_long_row_is_complete_when_asked(tmp_path: Path) -> None:
    assert len(_raw(tmp_path, "word " * 20_000, redact=False)) == 99_999


@given(st.text('{}[]":,\\ a1@.\n'))
def test_any_text_can_be_shown(text: str) -> None:
    assert isinstance(redact_raw(text).encode(), bytes)
