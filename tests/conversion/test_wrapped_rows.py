"""Rows in a list of one object, and rows whose slots or entities are lists."""

import json
from pathlib import Path
from typing import Any

import pytest

from intentflow.errors import InputError
from intentflow.taxonomy import Intent, Taxonomy
from tests.conversion.rows import convert

ROWS = [{"text": "play some jazz", "label": "play()"}, {"text": "stop it", "label": "stop()"}]
PAIRS = [("play some jazz", "play()"), ("stop it", "stop()")]
MARKED = {
    "text": "play jazz by Adele",
    "intent": "play",
    "entities": [
        {"entity": "artist", "start": 13, "end": 18, "value": "Adele"},
        {"entity": "genre", "start": 5, "end": 9, "value": "jazz"},
    ],
}
TAXONOMY = Taxonomy(intents={"play": Intent(parameters=["genre", "artist"])})


def _converted(path: Path, document: Any, **options: Any) -> list[tuple[str, str]]:
    (path / "export.json").write_text(json.dumps(document))
    convert([str(path / "export.json")], path / "out.jsonl", **options)
    found = [json.loads(line) for line in (path / "out.jsonl").read_text().splitlines()]
    return [(row["instruction"], row["output"]) for row in found]


@pytest.mark.parametrize("name", ["data", "examples", "rows", "train"])
def test_rows_in_one_object_are_read(tmp_path: Path, name: str) -> None:
    assert _converted(tmp_path, {"version": 1, "license": None, name: ROWS}) == PAIRS


@pytest.mark.parametrize("other", [{"labels": ["play()"]}, {"meta": {"by": "jane"}}])
def test_an_object_with_other_lists_or_objects_is_no_list_of_rows(
    tmp_path: Path, other: dict[str, Any]
) -> None:
    with pytest.raises(InputError, match="no row was kept"):
        _converted(tmp_path, {**other, "data": ROWS})


VIEWED = [{"row_idx": at, "row": row, "truncated_cells": []} for at, row in enumerate(ROWS)]


@pytest.mark.parametrize("other", [{}, {"features": [], "num_rows_total": 2, "partial": False}])
def test_rows_of_the_dataset_viewer_are_read(tmp_path: Path, other: dict[str, Any]) -> None:
    assert _converted(tmp_path, {**other, "rows": VIEWED}) == PAIRS


def test_classes_of_the_dataset_viewer_have_their_names(tmp_path: Path) -> None:
    classes = {"_type": "ClassLabel", "names": ["play", "stop"]}
    features = [{"feature_idx": 1, "name": "label", "type": classes}]
    rows = [VIEWED[at] | {"row": ROWS[at] | {"label": at}} for at in (0, 1)]
    assert _converted(tmp_path, {"features": features, "rows": rows * 2}) == PAIRS * 2


def test_a_row_that_the_dataset_viewer_has_cut_is_rejected(tmp_path: Path) -> None:
    cut = VIEWED[0] | {"truncated_cells": ["text"]}
    assert _converted(tmp_path, {"rows": [cut, VIEWED[1]]}) == PAIRS[1:]
    (reject,) = (tmp_path / "out.rejects.jsonl").read_text().splitlines()
    assert json.loads(reject)["reason"] == "truncated"


def test_a_rejected_row_has_its_place_in_the_list(tmp_path: Path) -> None:
    _converted(tmp_path, {"data": [*ROWS, {"text": "", "label": "stop()"}]})
    (reject,) = (tmp_path / "out.rejects.jsonl").read_text().splitlines()
    assert json.loads(reject)["line"] == 3


@pytest.mark.parametrize(
    "slots",
    [
        [{"name": "artist", "value": "Adele"}, {"name": "genre", "value": "jazz"}],
        [{"slotName": "genre", "rawValue": "jazz"}, {"slotName": "artist", "rawValue": "Adele"}],
    ],
)
def test_a_list_of_slots_gives_parameters(tmp_path: Path, slots: list[dict[str, str]]) -> None:
    row = {"text": MARKED["text"], "intent": "play", "slots": slots}
    found = _converted(tmp_path, [row], taxonomy=TAXONOMY)
    assert found == [("play jazz by Adele", "play(jazz,Adele)")]


def test_marked_entities_are_parameters_where_they_are_asked_for(tmp_path: Path) -> None:
    found = _converted(tmp_path, [MARKED], taxonomy=TAXONOMY, parameters_from_spans=True)
    assert found == [("play jazz by Adele", "play(jazz,Adele)")]


def test_marked_entities_are_left_out_otherwise(tmp_path: Path) -> None:
    assert _converted(tmp_path, [MARKED], taxonomy=TAXONOMY) == [("play jazz by Adele", "play()")]


def test_an_entity_without_a_place_rejects_the_row(tmp_path: Path) -> None:
    row = MARKED | {"entities": [{"entity": "genre", "value": "jazz"}]}
    with pytest.raises(InputError, match="spans 1"):
        _converted(tmp_path, [row], taxonomy=TAXONOMY, parameters_from_spans=True)
