"""A small file of every shape that the readers know, for mutation."""

from __future__ import annotations

import gzip
import json
from typing import Any

from tests.conversion import (
    test_dialogues,
    test_ground_truth,
    test_itag,
    test_label_studio,
    test_votes,
)
from tests.conversion.rows import documented_row, itag_row, stage
from tests.public_sets import sample_export


def _lines(*rows: Any) -> bytes:
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows).encode()


def _array(*rows: Any) -> bytes:
    return json.dumps(rows, ensure_ascii=False, indent=1).encode()


_PLAIN = ({"instruction": "play", "output": "a()"}, {"content": "杭州", "output": "w（杭州）"})
_TASK = test_label_studio.task(test_label_studio.A, test_label_studio.B)
_FLAT = [test_votes.flat(n, output=label) for n, label in enumerate("aab")]
_TRUTH = test_ground_truth.SOURCE | test_ground_truth.job("x", "a()")
_DOCCANO = [{"id": n // 2, "text": "play", "label": ["a()"], "Comments": []} for n in range(3)]
_STAGES: list[dict[str, Any]] = [
    {"label": stage("a()", "b()", "a()"), "check": stage("")},
    {"label": {"results": [test_itag.CUSTOM, test_itag.REMARK]}},
    {"label": {"results": [test_itag.OLDER]}},
]

SHAPES: list[tuple[str, bytes]] = [
    ("auto", documented_row("杭州", "w(杭州)").encode() + documented_row("a", "f()").encode()),
    ("itag", _lines(*(itag_row("play", **stages) for stages in _STAGES))),
    ("auto", gzip.decompress(sample_export("crosswoz_zh").read_bytes())[:4000]),
    ("auto", _array(*_PLAIN)),
    ("jsonl", _lines(*_PLAIN)),
    ("json", _lines(*_PLAIN)),
    ("label-studio", _array(_TASK)),
    ("label-studio", _array(*_FLAT)),
    ("ground-truth", _lines(_TRUTH, _TRUTH | test_ground_truth.MULTI)),
    ("doccano", _lines(*_DOCCANO)),
    ("messages", _lines(test_dialogues.dialogue("a?", "b?", "c", "f(c)"))),
    ("transcript", test_dialogues.LINES.encode()),
    ("transcript", test_dialogues.CHINESE.encode()),
    ("csv", b'instruction,output\nplay,a()\n"x, ""y""\nz",b()\n'),
    ("csv", b"annotation_id,annotator,id,intents,text\n1,1,7,a(),play\n"),
    ("csv", b"id,text,Comments,label\n1,play,,a()#b()\n"),
]
