"""YAML from outside is read within limits, and never twice as much as it says."""

from __future__ import annotations

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from intentflow.errors import IntentflowError
from intentflow.io import safe_yaml
from intentflow.io.safe_yaml import load_yaml_text

_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


def _laughs(levels: int) -> str:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    for n in range(1, levels):
        lines.append(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]")
    return "\n".join(lines)


@given(value=_VALUES)
def test_what_is_written_is_read_back(value: object) -> None:
    assert load_yaml_text(yaml.safe_dump(value), "f.yaml") == value


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("a: 1\na: 2\n", "f.yaml line 2: not YAML: the key a is repeated"),
        ("a: [1", "f.yaml line 1: not YAML"),
        ("--- 1\n--- 2\n", "f.yaml: contains 2 documents; expected one"),
        ("a: &a [*a]", r"f.yaml: an alias \(\*\) is inside the value that it refers to"),
        ("[" * 200 + "]" * 200, "f.yaml: nested more than 100 levels deep"),
        ("[" * 200_000, "f.yaml: nested more than 100 levels deep"),
        ("when: 2026-99-99", "f.yaml: not YAML"),
        ('a: 1\nb: ["\\ud800"]', "f.yaml line 2: not YAML: half of a surrogate pair"),
        ('"\\UFFFFFFFF"', "f.yaml: not YAML: a value does not fit its tag"),
        ("!!int ''", "f.yaml: not YAML: a value does not fit its tag"),
        ("!!bool x", "f.yaml: not YAML: a value does not fit its tag"),
        ("!!timestamp x", "f.yaml: not YAML: a value does not fit its tag"),
        ('"\\udfff": 1', "f.yaml line 1: not YAML: half of a surrogate pair"),
    ],
)
def test_what_cannot_be_read_is_one_line(text: str, reason: str) -> None:
    with pytest.raises(IntentflowError, match=reason) as failure:
        load_yaml_text(text, "f.yaml")
    assert "\n" not in str(failure.value)


def test_aliases_of_aliases_are_refused_at_once() -> None:
    with pytest.raises(IntentflowError, match="more than 1000000 values"):
        load_yaml_text(_laughs(8), "f.yaml")


def test_merged_aliases_of_aliases_are_refused() -> None:
    lines = ["a0: &a0 {k: v}"]
    for n in range(1, 30):
        lines.append(f"a{n}: &a{n} {{<<: [*a{n - 1}, *a{n - 1}]}}")
    with pytest.raises(IntentflowError, match="more than 1000000 values"):
        load_yaml_text("\n".join(lines), "f.yaml")


def test_few_aliases_are_read() -> None:
    assert load_yaml_text("a: &x [1]\nb: *x\n", "f.yaml") == {"a": [1], "b": [1]}


def test_long_text_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(safe_yaml, "MAX_YAML_CHARACTERS", 10)
    with pytest.raises(IntentflowError, match="11 characters of YAML exceed the limit of 10"):
        load_yaml_text("a: 12345678", "f.yaml")
