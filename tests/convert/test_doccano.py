"""doccano exports."""

from pathlib import Path
from typing import Any

import pytest

from tests.convert.rows import converted, reasons


@pytest.mark.parametrize(
    ("row", "label"),
    [
        ({"id": 1, "text": "play", "label": ["a()"], "Comments": []}, "a()"),
        ({"id": 1, "text": "play", "labels": ["a()"], "annotation_approver": None}, "a()"),
        ({"text": "play", "label": ["a()", "b()"]}, "a(); b()"),
        ({"text": "play", "label": ["a()", "a()"]}, "a()"),
        ({"text": "play", "label": "a()"}, "a()"),
        ({"text": "play", "cats": ["a()"], "entities": []}, "a()"),
        ({"text": "play", "annotations": [{"label": "a()", "user": 1}]}, "a()"),
        (
            {"text": "play", "annotations": [{"text": "a()", "user": user} for user in (1, 2)]},
            "a()",
        ),
    ],
)
def test_a_labelled_text_is_kept(tmp_path: Path, row: dict[str, Any], label: str) -> None:
    assert converted(tmp_path, [row]) == [{"instruction": "play", "output": label}]


@pytest.mark.parametrize(
    ("reason", "row"),
    [
        ("no_label", {"text": "play", "label": []}),
        ("no_label", {"text": "play", "annotations": []}),
        ("spans", {"text": "play", "label": [[0, 4, "verb"]]}),
        ("spans", {"text": "play", "cats": ["a"], "entities": [[0, 4, "verb"]]}),
        ("spans", {"text": "play", "annotations": [{"label": 1, "start_offset": 0, "user": 1}]}),
        ("not_text", {"text": "play", "annotations": [{"label": 4, "user": 1}]}),
        ("not_text", {"text": "play", "label": [4]}),
        ("blank_text", {"text": " ", "label": ["a()"]}),
        ("tie", {"text": "p", "annotations": [{"text": t, "user": t} for t in ("a()", "b()")]}),
    ],
)
def test_other_rows_are_rejected(tmp_path: Path, reason: str, row: dict[str, Any]) -> None:
    assert reasons(tmp_path, [row]) == [reason]
