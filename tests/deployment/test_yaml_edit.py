"""Edits of YAML files that are somebody's: what is asked for changes, and no other character."""

from __future__ import annotations

import difflib

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from intentflow.deployment.gitops.yaml_edit import Edit, apply_edits, parse
from intentflow.errors import IntentflowError

FILE = """\
# Ours since 2024, ask the platform team.
apiVersion: serving.kserve.io/v1beta1
kind: InferenceService
metadata:
    name: banking   # four blanks, as our linter wants it
    annotations:
        intentflow.dev/model-digest: "aaaa"
        owner: 'team-a'   # do not touch
spec:
    predictor:
        maxReplicas: 7  # raised for the sale
        model:
            storageUri: s3://models/old
            args:
            - --dtype=bfloat16   # measured
            # two by hand:
            - --gpu-memory-utilization=0.8
            resources: {limits: {cpu: "4"}}

---
kind: Other
"""


def _edited(text: str, *edits: Edit) -> str:
    return apply_edits(parse("banking.yaml", text)[0], edits)


def _changed_lines(before: str, after: str) -> list[str]:
    lines = difflib.ndiff(before.splitlines(), after.splitlines())
    return [line for line in lines if line[:1] in "+-"]


def test_one_value_changes_and_nothing_else() -> None:
    edit = Edit(("spec", "predictor", "model", "storageUri"), "s3://models/new")
    assert _changed_lines(FILE, _edited(FILE, edit)) == [
        "-             storageUri: s3://models/old",
        "+             storageUri: s3://models/new",
    ]


def test_quotes_and_comment_of_a_value_stay() -> None:
    edit = Edit(("metadata", "annotations", "intentflow.dev/model-digest"), "bbbb")
    assert '        intentflow.dev/model-digest: "bbbb"\n' in _edited(FILE, edit)


def test_new_key_stands_as_its_neighbours_do() -> None:
    edit = Edit(("metadata", "annotations", "intentflow.dev/verdict"), "passed")
    assert "# do not touch\n        intentflow.dev/verdict: passed\nspec:" in _edited(FILE, edit)


def test_new_mapping_is_written_completely() -> None:
    text = "metadata:\n  name: a\n  labels:\n    b: c\n\n# end\n"
    edited = _edited(text, Edit(("metadata", "annotations"), {"x": "1", "y": "z"}))
    assert edited == (
        "metadata:\n  name: a\n  labels:\n    b: c\n  annotations:\n    x: '1'\n    y: z\n\n# end\n"
    )


def test_new_item_follows_the_last() -> None:
    edit = Edit(("spec", "predictor", "model", "args", 2), "--quantization=awq")
    text = "            - --gpu-memory-utilization=0.8\n            - --quantization=awq\n"
    assert text in _edited(FILE, edit)


def test_item_goes_with_its_line() -> None:
    edited = _edited(FILE, Edit(("spec", "predictor", "model", "args", 0), None))
    assert _changed_lines(FILE, edited) == ["-             - --dtype=bfloat16   # measured"]


@pytest.mark.parametrize(
    ("edit", "wanted"),
    [
        (Edit(("args", 0), "x"), "args: [x, b]  # two\n"),
        (Edit(("args", 0), None), "args: [b]  # two\n"),
        (Edit(("args", 1), None), "args: [a]  # two\n"),
        (Edit(("args", 2), "c"), "args: [a, b, c]  # two\n"),
    ],
)
def test_list_on_one_line_stays_on_one_line(edit: Edit, wanted: str) -> None:
    assert _edited("args: [a, b]  # two\n", edit) == wanted


def test_mapping_on_one_line_stays_on_one_line() -> None:
    edit = Edit(("annotations", "verdict"), "passed")
    assert _edited("annotations: {a: b}\n", edit) == "annotations: {a: b, verdict: passed}\n"


def test_line_ends_of_windows_stay() -> None:
    text = "a:\r\n  b: c\r\n"
    assert _edited(text, Edit(("a", "d"), "e")) == "a:\r\n  b: c\r\n  d: e\r\n"


def test_file_without_a_last_line_break() -> None:
    assert _edited("a:\n  b: c", Edit(("a", "d"), "e")) == "a:\n  b: c\n  d: e"


def test_value_that_needs_quotes_gets_them() -> None:
    assert _edited("a: b\n", Edit(("a",), "true")) == "a: 'true'\n"


def test_part_of_a_block_changes_alone() -> None:
    text = "patch: |-\n  # old stays here? no: it is text\n  - {value: s3://old}\nnext: s3://old\n"
    edited = _edited(text, Edit(("patch",), "s3://new", part="s3://old"))
    assert edited == text.replace("{value: s3://old}", "{value: s3://new}")


def test_anchor_that_is_used_twice_is_refused() -> None:
    text = "a: &place s3://old\nb: *place\n"
    with pytest.raises(IntentflowError, match=r"banking\.yaml: a cannot be changed separately"):
        _edited(text, Edit(("a",), "s3://new"))


def test_empty_mapping_is_refused_by_name() -> None:
    with pytest.raises(IntentflowError, match="change it manually"):
        _edited("a: {}\n", Edit(("a", "b"), "c"))


def test_another_document_is_not_touched() -> None:
    text = "a: b\n---\na: b\n"
    assert apply_edits(parse("f", text)[1], [Edit(("a",), "c")]) == "a: b\n---\na: c\n"


_TEXT = st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cs")), max_size=12)
_KEY = st.from_regex(r"[a-z][a-z0-9./-]{0,8}", fullmatch=True)


@given(
    document=st.dictionaries(
        _KEY, st.dictionaries(_KEY, _TEXT, min_size=1, max_size=3), max_size=3
    ),
    key=_KEY,
    value=_TEXT,
    flow=st.sampled_from([None, True, False]),
)
def test_an_edited_document_says_the_new_value_and_all_others(
    document: dict[str, dict[str, str]], key: str, value: str, flow: bool | None
) -> None:
    document["own"] = {"a": "b"}
    text = yaml.safe_dump(document, allow_unicode=True, default_flow_style=flow, sort_keys=False)
    edited = _edited(text, Edit(("own", key), value))
    assert yaml.safe_load(edited) == {**document, "own": {**document["own"], key: value}}


@pytest.mark.parametrize("value", ["0,", "a, b", "x]", "{y", "- z", "# no", "", "yes"])
def test_a_value_with_syntax_of_yaml_is_quoted_in_braces(value: str) -> None:
    edited = _edited("own: {a: b, c: d}\n", Edit(("own", "a"), value))
    assert yaml.safe_load(edited) == {"own": {"a": value, "c": "d"}}


@given(items=st.lists(_TEXT, min_size=2, max_size=5), data=st.data())
def test_an_edited_list_keeps_its_other_items(items: list[str], data: st.DataObject) -> None:
    place = data.draw(st.integers(0, len(items) - 1))
    text = yaml.safe_dump({"args": items}, allow_unicode=True)
    edited = _edited(text, Edit(("args", place), None))
    assert yaml.safe_load(edited) == {"args": items[:place] + items[place + 1 :]}
