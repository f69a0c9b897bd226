"""Everything that reads foreign bytes, by the name that the fuzzer is given."""

from __future__ import annotations

import json
from functools import partial
from typing import Any

from tests.fuzz import parsers, replies
from tests.fuzz.exports import NAMES, check_input
from tests.fuzz.parsers import Target
from tests.fuzz.shapes import SHAPES
from tests.serving.transformer.played_vllm import (
    ANSWER,
    PIECES,
    REPLIES,
    STREAMS,
    completion,
    events,
)

_ITAG = ("itag",)


def _exports(names: tuple[str, ...], file_name: str = "rows.manifest") -> Target:
    """Readers of labelling exports; an input's first byte chooses among them."""
    seeds = [bytes([names.index(form)]) + content for form, content in SHAPES if form in names]
    return Target(partial(check_input, names=names, file_name=file_name), tuple(seeds))


def _tensors() -> bytes:
    text = b"play"
    size = {"binary_data_size": 4 + len(text)}
    tensor = {"name": "utterance", "shape": [1], "datatype": "BYTES", "parameters": size}
    document = json.dumps({"inputs": [tensor]}).encode()
    return len(document).to_bytes(2, "little") + document + b"\x04\0\0\0" + text


def _json(document: Any) -> bytes:
    text = document if isinstance(document, str) else json.dumps(document)
    return text.encode()[:4096]


def _events(documents: list[Any]) -> bytes:
    return b"".join(b"data: " + _json(one) + b"\n\n" for one in documents[:9]) + b"data: [DONE]\n\n"


_ROWS = {"utterances": [{"instruction": "play", "output": "a()"}]}
_LABELS = {"labels": [{"number": 1, "output": "a()"}]}
TARGETS = {
    "exports": _exports(NAMES),
    "itag": _exports(_ITAG),
    "tables": _exports(NAMES, "rows.csv"),
    **parsers.TARGETS,
    "completion": Target(
        replies.check_completion,
        tuple(_json(reply) for reply in (completion(ANSWER, PIECES), *REPLIES.values())),
    ),
    "stream": Target(
        replies.check_stream, tuple(_events(each) for each in (events(ANSWER), *STREAMS.values()))
    ),
    "tensors": Target(replies.check_tensors, (_tensors(),)),
    "teacher": Target(replies.check_teacher, (_json(_ROWS), _json(_LABELS))),
}
