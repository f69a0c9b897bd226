"""Rows whose layout was learned give what parsing them gives."""

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from intentflow.conversion.blocks import Part, convert_block, convert_by_layout
from intentflow.conversion.export_format import Options
from intentflow.conversion.formats import find_format
from intentflow.conversion.row_scanner import NO_RECORD, RowScanner
from tests.conversion.rows import compact, documented, documented_row

AUTO = find_format("auto")
PARSED = replace(AUTO, layouts=None)
Row = dict[str, Any]


def spaced(row: Row) -> str:
    return json.dumps(row | _marks(row, json.dumps), ensure_ascii=False)


def reordered(row: Row) -> str:
    return compact(_reversed(row | _marks(row, lambda mark: compact(_reversed(mark)))))


def extra_keys(row: Row) -> str:
    data = row["data"] | {"channel": "app", "turn": 3.5}
    return compact(row | {"data": data, "exif": {"width": 10, "tags": ["a", None, True]}})


def escaped(row: Row) -> str:
    return json.dumps(row, separators=(",", ":"))


def escaped_twice(row: Row) -> str:
    return json.dumps(row | _marks(row, json.dumps)).replace("/", "\\/")


def multi_stage(row: Row) -> str:
    return compact(row | {"label-7-check": row["label-7"], "label-7-verify": row["label-7"]})


def titled(row: Row) -> str:
    return compact(row).replace("Basic Template", "基础模板")


def indented_marks(row: Row) -> str:
    return compact(row | _marks(row, lambda mark: json.dumps(mark, indent=1)))


def unpacked_marks(row: Row) -> str:
    return compact(row | _marks(row, lambda mark: mark))


LAYOUTS = [
    compact,
    spaced,
    reordered,
    extra_keys,
    escaped,
    escaped_twice,
    multi_stage,
    titled,
    indented_marks,
    unpacked_marks,
]


def _marks(row: Row, write: Callable[[Any], Any]) -> Row:
    copy = json.loads(json.dumps(row))
    labels = {key: value for key, value in copy.items() if key.startswith("label-")}
    for label in labels.values():
        result = label["results"][0]
        result["MarkResult"] = write(json.loads(result["MarkResult"]))
    return labels


def _reversed(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _reversed(value[key]) for key in reversed(value)}
    return [_reversed(item) for item in value] if isinstance(value, list) else value


def learned(*lines: str, options: Options = Options()) -> RowScanner:  # noqa: B008 - frozen
    """A scanner that has seen these rows."""
    assert AUTO.layouts is not None
    scanner = RowScanner(lambda row: AUTO.read(row, options), AUTO.layouts)
    scanner.learn([line.encode() + b"\n" for line in lines])
    return scanner


def parsed(block: bytes) -> Part:
    return convert_block(block, PARSED, Options())


def is_scanned(scanner: RowScanner, line: str) -> bool:
    return NO_RECORD not in scanner.scan(line.encode())


@pytest.mark.parametrize("layout", LAYOUTS)
def test_the_layout_of_one_row_is_that_of_others(layout: Callable[[Row], str]) -> None:
    scanner = learned(layout(documented("play 音乐", "play(音乐)")))
    assert is_scanned(
        scanner, layout(documented("weather in 上海 today", "weather(上海,today)", "x()"))
    )


@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_label_like_the_systems_is_found(layout: Callable[[Row], str]) -> None:
    scanner = learned(layout(documented("a", "f(1)", "f(1)")))
    block = "".join(layout(documented("b", "g(2)", system)) + "\n" for system in ("g(2)", "h()"))
    part = convert_by_layout(block.encode(), scanner, AUTO, Options())
    assert [json.loads(row)["output"] for row in part.kept.splitlines()] == ["g(2)", "g(2)"]


@pytest.mark.parametrize("end", ["\n", "\r\n", ""])
def test_a_row_ends_with_its_line(end: str) -> None:
    assert is_scanned(
        learned(documented_row("a", "f()")), documented_row("b", "g()").rstrip() + end
    )


@pytest.mark.parametrize(
    "line",
    [
        documented_row("a", "f()", abandonFlag=1),
        documented_row("\t", "f()"),
        documented_row("a", " "),
        documented_row("", "f()"),
        documented_row("a", "f()", extra=1),
        documented_row("a", "f()", abandonRemark=[1]),
        documented_row("a", "f()").replace("label-7-system", "label-8-system"),
        documented_row("a", "f()").replace('"_itag_index":', '"instruction":'),
        documented_row("a", "f()").replace('"fixedFlag":0', '"fixedFlag":00'),
        documented_row("a", "f()").replace("Basic Template", "Basic\tTemplate"),
        documented_row("a", "f()").replace("Basic Template", "\\ud800"),
        documented_row("a", "f()")[:-2],
        documented_row("a", "f()").replace('"v2', '"v"2'),
        documented_row("a", "f()").rstrip() + documented_row("b", "f()"),
    ],
)
def test_a_row_that_differs_in_more_than_its_values_is_parsed(line: str) -> None:
    scanner = learned(compact(documented("a", "f()")), escaped(documented("é", "f(é)")))
    assert not is_scanned(scanner, line.removesuffix("\n"))


def test_a_value_seen_in_another_kind_is_learned() -> None:
    remarked = documented("a", "f()") | {"abandonRemark": "unsure"}
    scanner = learned(compact(documented("a", "f()")), compact(remarked))
    assert is_scanned(scanner, compact(remarked | {"abandonRemark": "sure"}))


@pytest.mark.parametrize("first", ["{}", '{"results":[{"x":1}]}', "[1,2]", "3", '"{"'])
def test_a_repeated_key_is_parsed_whatever_its_first_value_is(first: str) -> None:
    line = compact(documented("a", "f()")).replace('"label-7":', f'"label-7":{first},"label-7":', 1)
    scanner = learned(line)
    assert not scanner.knows_layouts
    block = (line + "\n").encode() * 3
    assert convert_by_layout(block, scanner, AUTO, Options()) == parsed(block)


def test_a_dialogue_is_parsed() -> None:
    row = documented("a", "f()")
    row["data"]["dialogue_id"] = ""
    other = row | {"data": row["data"] | {"dialogue_id": "d1"}}
    assert not is_scanned(learned(compact(row)), compact(other))


def test_several_annotators_are_parsed() -> None:
    row = documented("a", "f()")
    row["label-7"]["results"] *= 3
    assert not is_scanned(learned(compact(row)), compact(row))


def test_jobs_that_have_to_agree_are_parsed() -> None:
    row = documented("a", "f()")
    row["label-8"] = row["label-7"]
    assert not is_scanned(learned(compact(row)), compact(row))


def test_a_chosen_job_decides() -> None:
    row = documented("a", "f()")
    row["label-8"] = documented("a", "g()")["label-7"]
    scanner = learned(compact(row), options=Options(job="8"))
    assert json.loads(scanner.scan(compact(row).encode()))["output"] == "g()"


TEXTS = st.text('aé杭😀（），；(),;"\\/\n\x00\x7f\u3000\u0085\u2028 \t', max_size=6)
ROWS = st.lists(st.tuples(st.sampled_from(LAYOUTS), TEXTS, TEXTS, TEXTS), min_size=1, max_size=6)


@given(ROWS, ROWS, st.sampled_from(["\n", "\r\n", "\n\n", "\nx\n"]))
def test_scanning_gives_what_parsing_gives(
    lessons: list[tuple[Any, str, str, str]], rows: list[tuple[Any, str, str, str]], between: str
) -> None:
    known = [layout(documented(*texts)) for layout, *texts in lessons]
    scanner = learned(*known, *(layout(documented("a", "f()")) for layout, *_ in rows[::2]))
    block = between.join(layout(documented(*texts)) for layout, *texts in rows).encode()
    assert convert_by_layout(block, scanner, AUTO, Options()) == parsed(block)


@given(st.sampled_from(LAYOUTS), st.integers(0, 1500), st.binary(max_size=3), st.integers(0, 3))
@example(compact, 702, b"\n", 0)
@example(escaped, 40, b"\\u00", 0)
def test_damage_is_seen_as_parsing_sees_it(
    layout: Callable[[Row], str], start: int, by: bytes, length: int
) -> None:
    row = layout(documented("é杭州", 'w("é杭州")')).encode() + b"\n"
    block = row + row[:start] + by + row[start + length :] + row
    scanner = learned(row.decode().rstrip(), layout(documented("a", "f()")))
    try:
        block.decode()
    except UnicodeDecodeError:
        return  # such a block is not scanned
    assert convert_by_layout(block, scanner, AUTO, Options()) == parsed(block)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_large_block_is_learned_from_itself(layout: Callable[[Row], str]) -> None:
    rows = [layout(documented(f"{n} 杭州", f"f({n}）", f"g({n % 3})")) for n in range(400)]
    block = "".join(row + "\n" for row in rows).encode()
    assert convert_block(block, AUTO, Options()) == parsed(block)
