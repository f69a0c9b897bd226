"""Label Studio: answers that are no label of the utterance, in the JSON and the JSON-MIN export.

The situations are those of reports at HumanSignal/label-studio (1803, 1539, 1626) and
label-studio-frontend (53); the rows are this project's own.
"""

import json
from pathlib import Path
from typing import Any

import pytest

from intentflow.conversion import convert
from tests.conversion.rows import converted, reasons
from tests.conversion.test_label_studio import annotation, result, task

SPAN = {"start": 5, "end": 9, "text": "jazz", "labels": ["GENRE"]}
BOX = {"x": 10.0, "y": 4.5, "width": 8, "height": 3, "rotation": 0}


def region(kind: str, name: str, value: dict[str, Any], number: str = "r1") -> dict[str, Any]:
    """A result that belongs to a part of the data."""
    return {"id": number, "from_name": name, "to_name": "text", "type": kind, "value": value}


def flat(**fields: Any) -> dict[str, Any]:
    """A row of the JSON-MIN export."""
    about = {"annotator": 1, "annotation_id": 11, "created_at": "2025-01-02T03:04:05Z"}
    return {"id": 1, **fields, **about}


def choice(name: str, *labels: Any) -> dict[str, Any]:
    return result(*labels, name=name, kind="choices")


PAIRS = [
    pytest.param(
        [region("labels", "label", SPAN), choice("intent", "play(jazz)")],
        {"label": [SPAN], "intent": "play(jazz)"},
        id="spans of a control named label",
    ),
    pytest.param(
        [choice("sentiment", "glad"), choice("intent", "play(jazz)")],
        {"sentiment": "glad", "intent": "play(jazz)"},
        id="another question",
    ),
    pytest.param(
        [choice("label", "glad"), choice("Intent", "play(jazz)")],
        {"label": "glad", "Intent": "play(jazz)"},
        id="intent before label",
    ),
    pytest.param(
        [
            region("labels", "label", SPAN),
            region("choices", "norm", {"start": 5, "end": 9, "choices": ["jazz music"]}),
            choice("intent", "play(jazz)"),
        ],
        {
            "label": [SPAN],
            "norm": [{"start": 5, "end": 9, "choices": ["jazz music"]}],
            "intent": "play(jazz)",
        },
        id="a choice per region",
    ),
    pytest.param(
        [
            region("rectanglelabels", "bbox", {**BOX, "rectanglelabels": ["Line"]}),
            region("textarea", "transcription", {**BOX, "text": ["TOTAL 3.20"]}),
            choice("intent", "play(jazz)"),
        ],
        {
            "bbox": [{**BOX, "rectanglelabels": ["Line"]}],
            "transcription": "TOTAL 3.20",
            "intent": "play(jazz)",
        },
        id="the text in a box",
    ),
    pytest.param(
        [result(["play", "jazz"], ["play"], name="t", kind="taxonomy")],
        {"t": [{"taxonomy": [["play", "jazz"], ["play"]]}]},
        id="a path and its parent",
    ),
]


@pytest.mark.parametrize(("results", "fields"), PAIRS)
def test_both_exports_of_a_project_give_the_same_label(
    tmp_path: Path, results: list[Any], fields: dict[str, Any]
) -> None:
    full = {**task(annotation(*results)), "data": {"text": "play jazz"}}
    rows = converted(tmp_path, [full])
    assert converted(tmp_path, [flat(text="play jazz", **fields)]) == rows
    assert rows[0]["output"] in ("play(jazz)", "play/jazz")


@pytest.mark.parametrize("order", [1, -1])
def test_the_order_of_keys_does_not_matter(tmp_path: Path, order: int) -> None:
    row = flat(text="play jazz", intent="play(jazz)", label=[SPAN], note="loud")
    mixed = dict(sorted(row.items(), reverse=order < 0))
    assert converted(tmp_path, [mixed])[0]["output"] == "play(jazz)"


@pytest.mark.parametrize(
    "results",
    [
        [region("labels", "label", SPAN)],
        [
            region("labels", "label", SPAN),
            region("textarea", "norm", {"start": 5, "end": 9, "text": ["Jazz"]}),
        ],
        [region("textarea", "transcription", {**BOX, "text": ["TOTAL"]})],
        [{"id": "r1", "type": "choices", "from_name": "n", "value": {**SPAN, "choices": ["x"]}}],
    ],
)
def test_answers_about_parts_alone_are_no_label(tmp_path: Path, results: list[Any]) -> None:
    assert reasons(tmp_path, [task(annotation(*results))]) == ["spans"]


def test_a_regions_choice_without_its_positions_is_known_by_its_id(tmp_path: Path) -> None:
    about_it = {"id": "r1", "type": "choices", "from_name": "n", "value": {"choices": ["x"]}}
    row = task(annotation(region("labels", "label", SPAN), about_it))
    assert reasons(tmp_path, [row]) == ["spans"]


def test_a_flat_text_next_to_spans_may_be_about_one(tmp_path: Path) -> None:
    row = flat(text="play jazz", label=[SPAN], norm="Jazz Music")
    assert reasons(tmp_path, [row]) == ["several_questions"]


def test_equal_leaves_under_different_parents_are_different_labels(tmp_path: Path) -> None:
    rows = [
        task(annotation(result([parent, "cancel"], name="t", kind="taxonomy")))
        for parent in ("flight", "hotel")
    ]
    labels = [row["output"] for row in converted(tmp_path, rows)]
    assert labels == ["flight/cancel", "hotel/cancel"]


def test_two_paths_are_two_intents(tmp_path: Path) -> None:
    row = task(annotation(result(["a", "b"], ["c", "b"], name="t", kind="taxonomy")))
    assert converted(tmp_path, [row])[0]["output"] == "a/b; c/b"


TURNS = [
    {"author": "Customer", "text": "my card was swallowed"},
    {"author": "Agent", "text": "which branch?"},
    {"author": "Customer", "text": "Main Street"},
]


@pytest.mark.parametrize("field", [None, "dialogue"])
@pytest.mark.parametrize("export", ["full", "flat"])
def test_the_users_turns_of_a_dialogue_are_the_utterance(
    tmp_path: Path, export: str, field: str | None
) -> None:
    full = {**task(annotation(choice("intent", "swallowed()"))), "data": {"dialogue": TURNS}}
    row = full if export == "full" else flat(dialogue=TURNS, intent="swallowed()")
    expected = {"instruction": "my card was swallowed Main Street", "output": "swallowed()"}
    assert converted(tmp_path, [row], field=field) == [expected | {"rounds": 2}]


@pytest.mark.parametrize(
    ("speakers", "user"),
    [
        (("Agent", "Ms Lee"), "second"),
        (("A", "B"), "first"),
        (("user", "bot"), "first"),
    ],
)
def test_the_user_is_found_by_the_speakers_names(
    tmp_path: Path, speakers: tuple[str, str], user: str
) -> None:
    texts = zip(speakers, ("first", "second"), strict=True)
    turns = [{"speaker": speaker, "utterance": text} for speaker, text in texts]
    row = {**task(annotation(choice("intent", "a()"))), "data": {"chat": turns}}
    assert converted(tmp_path, [row])[0]["instruction"] == user


def test_a_dialogue_of_three_unknown_speakers_is_rejected(tmp_path: Path) -> None:
    turns = [{"author": name, "text": "hm"} for name in ("A", "B", "C")]
    row = {**task(annotation(choice("intent", "a()"))), "data": {"chat": turns}}
    assert reasons(tmp_path, [row]) == ["dialogue"]


def test_turns_next_to_the_text_are_no_answer(tmp_path: Path) -> None:
    row = flat(turns=TURNS[:1], text="close my account", resp1="close_account()")
    assert converted(tmp_path, [row])[0]["output"] == "close_account()"


REJECTED = {"reviews": [{"accepted": False, "created_at": "2025-02-01"}]}
FIXED = {
    "reviews": [
        {"accepted": True, "created_at": "2025-02-02"},
        {"accepted": False, "created_at": "2025-02-01"},
    ]
}


@pytest.mark.parametrize(
    ("reason", "extra"),
    [
        ("rejected", REJECTED),
        ("rejected", {"last_action": "rejected"}),
        ("abandoned", {"skipped": True}),
        ("abandoned", {"was_cancelled": True}),
    ],
)
def test_an_annotation_that_does_not_count_is_no_label(
    tmp_path: Path, reason: str, extra: dict[str, Any]
) -> None:
    assert reasons(tmp_path, [task(annotation(result("a()"), **extra))]) == [reason]


def test_the_last_review_decides(tmp_path: Path) -> None:
    row = task(annotation(result("a()"), **FIXED))
    assert converted(tmp_path, [row])[0]["output"] == "a()"


def test_another_annotation_counts_where_one_was_rejected(tmp_path: Path) -> None:
    row = task(annotation(result("b()"), **REJECTED), annotation(result("a()")))
    assert converted(tmp_path, [row])[0]["output"] == "a()"


def test_a_flat_annotation_that_a_review_rejected_is_no_label(tmp_path: Path) -> None:
    assert reasons(tmp_path, [flat(text="play", intent="a()", **REJECTED)]) == ["rejected"]


def _stored(folder: Path, number: int, label: str, who: int, *, indent: int | None = None) -> None:
    stored = annotation(choice("intent", label), completed_by=who)
    stored["task"] = {"id": 7, "data": {"text": "play"}}
    (folder / str(number)).write_text(json.dumps(stored, indent=indent))


def test_a_target_storage_gives_one_row_for_each_task(tmp_path: Path) -> None:
    folder = tmp_path / "storage"
    folder.mkdir()
    for number, label in enumerate(("a()", "b()", "a()")):
        _stored(folder, number, label, number, indent=number or None)
    summary = convert([str(folder)], tmp_path / "out.jsonl")
    assert (summary.kept, summary.merged) == (1, 2)
    assert json.loads((tmp_path / "out.jsonl").read_text())["output"] == "a()"


def test_a_file_without_an_ending_that_is_not_json_is_no_data(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    folder = tmp_path / "storage"
    folder.mkdir()
    _stored(folder, 1, "a()", 1)
    (folder / "LICENSE").write_text("MIT")
    assert convert([str(folder)], tmp_path / "out.jsonl").rows == 1
    assert "LICENSE: skipped" in caplog.text
