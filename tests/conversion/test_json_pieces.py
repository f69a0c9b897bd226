"""Taking the text of a document apart loses no character."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from intentflow.conversion.json_pieces import RepeatedKey, Scalar, set_value, split_json

SCALARS = (
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5)
)
DOCUMENTS = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3)
    ),
    max_leaves=12,
)


@given(DOCUMENTS, DOCUMENTS, st.booleans(), st.sampled_from([None, 2]))
def test_the_pieces_joined_are_the_text(
    document: object, nested: object, ascii_only: bool, indent: int | None
) -> None:
    complete = {"a": document, "opened": json.dumps({"b": nested}, ensure_ascii=ascii_only)}
    text = json.dumps(complete, ensure_ascii=ascii_only, indent=indent)
    pieces = split_json(text, lambda key: key == "opened")
    assert "".join(piece if isinstance(piece, str) else piece.raw for piece in pieces) == text


def test_a_value_is_set_inside_a_text() -> None:
    document = {"a": json.dumps({"b": [1]})}
    (value,) = (
        p for p in split_json(json.dumps(document), lambda _: True) if isinstance(p, Scalar)
    )
    assert json.loads(set_value(document, value.path, 2)["a"]) == {"b": [2]}


@pytest.mark.parametrize("text", ['{"a": 1, "a": 1}', '{"a": "{\\"b\\": 1, \\"b\\": 2}"}'])
def test_a_repeated_key_is_refused(text: str) -> None:
    with pytest.raises(RepeatedKey):
        split_json(text, lambda _: True)
