"""The documented row read in one scan gives what parsing it gives."""

import json
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from intentflow.conversion.blocks import convert_block
from intentflow.conversion.export_format import Format, Options
from intentflow.conversion.formats import find_format
from intentflow.conversion.itag_lines import scan_lines

AUTO = find_format("auto")
PARSED = Format(AUTO.name, AUTO.recognises, AUTO.read)  # the same without the scan


def documented_row(text: str, output: str, system: str = "z()", **changes: Any) -> str:
    """A row as the labelling guide's sample has it."""
    label = {"results": [_result(output, "1947839763671740416")]}
    row = {
        "data": {"instruction": text, "_itag_index": ""},
        "label-7-system": {"fixedFlag": 0, "results": [_result(system, None)], "abandonFlag": 0},
        "label-7": label,
        "abandonFlag": 0,
        "abandonRemark": None,
    }
    return _dumps(row | changes) + "\n"


def _result(output: str, user: str | None) -> dict[str, Any]:
    annotation = {"id": None, "labels": {"output": output}, "exif": None}
    mark = {"tabId": "CommonExtensions", "annotations": [annotation]}
    return {
        "MarkResultId": "1947839554911772672",
        "MarkTitle": "Basic Template",
        "MarkResult": _dumps(mark | {"type": "CommonExtensions", "version": "v2"}),
        "QuestionId": "CommonExtensions",
        "ResultType": "OPEN_GROUP",
        "Progress": None,
        "Version": "1753236185165",
        "MarkTime": "Wed Jul 23 10:03:05 CST 2025",
        "UserMarkResultId": user,
        "IsNeedVoteJudge": False,
    }


def _dumps(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _is_scanned(row: str) -> bool:
    return not scan_lines(row.encode())[0][-1]


def test_a_human_label_like_the_systems_is_scanned() -> None:
    assert _is_scanned(documented_row("a", "f()", system="f()"))


@pytest.mark.parametrize("end", ["\n", "\r\n", ""])
def test_the_documented_row_is_scanned(end: str) -> None:
    assert _is_scanned(documented_row("杭州", "w(杭州)").rstrip() + end)


@pytest.mark.parametrize(
    "row",
    [
        documented_row("a", "f()", abandonFlag=1),
        documented_row("a", 'f("x")'),
        documented_row("a\n", "f()"),
        documented_row("a", "f()", extra=1),
        documented_row("a", "f()").replace("label-7-system", "label-8-system"),
        documented_row("a", "f()")[:-2],
        documented_row("a", "f()").replace('"v2', '"v"2'),
        documented_row("a", "f()").rstrip() + documented_row("b", "f()"),
    ],
)
def test_another_row_is_not(row: str) -> None:
    assert not _is_scanned(row)


TEXTS = st.text('aé杭（），；(),;"\\\u3000\u0085\u2028 \t', max_size=8)


ROWS = st.lists(st.tuples(TEXTS, TEXTS), min_size=1, max_size=4)


@given(ROWS, TEXTS, st.sampled_from(["", "\n", "x\n"]))
def test_scanning_gives_what_parsing_gives(
    rows: list[tuple[str, str]], system: str, between: str
) -> None:
    block = between.join(documented_row(*row, system) for row in rows).encode()
    assert convert_block(block, AUTO, Options()) == convert_block(block, PARSED, Options())


@given(st.integers(0, 1200), st.binary(max_size=3), st.integers(0, 3))
@example(702, b"\n", 0)
def test_damage_is_seen_as_parsing_sees_it(start: int, by: bytes, length: int) -> None:
    row = documented_row("杭州", "w(杭州)").encode()
    block = row + row[:start] + by + row[start + length :] + row
    quick, parsed = (convert_block(block, form, Options()) for form in (AUTO, PARSED))
    assert quick == parsed
