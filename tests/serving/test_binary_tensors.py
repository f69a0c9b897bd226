"""Lengths of binary requests that are no lengths."""

from __future__ import annotations

import pytest

from intentflow.serving.binary_tensors import as_json
from intentflow.serving.errors import ReplyError


@pytest.mark.parametrize("length", ["9" * 5000, "", "-1", "²", "1.5"])
def test_a_length_that_is_none_is_refused(length: str) -> None:
    with pytest.raises(ReplyError, match="missing or wrong"):
        as_json(b'{"inputs": []}', length)


def test_a_truth_value_is_no_size() -> None:
    body = b'{"inputs": [{"parameters": {"binary_data_size": true}}]}'
    with pytest.raises(ReplyError, match="binary_data_size does not fit"):
        as_json(body + b"x", str(len(body)))
