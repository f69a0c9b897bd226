"""Confidences in the scores, the out-of-scope threshold, and what came of each row."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from intentflow.artifacts.calibration import Calibration
from intentflow.cli.main import main
from intentflow.evaluation.run import Evaluation, score, write_predictions
from intentflow.inference.engines import Answer
from intentflow.inference.subject import Subject
from intentflow.records import Example
from intentflow.taxonomy import Taxonomy

TAXONOMY = Taxonomy.model_validate(
    {"intents": {"play": {"parameters": ["artist"]}, "stop": {}}, "out_of_scope": "oos"}
)
HALVED = Calibration(
    slope=0.5,
    intercept=0.0,
    oos_threshold=0.6,
    n=100,
    data_digest="d",
    ece_raw=0.2,
    ece=0.1,
    engine="transformers",
    constrained=True,
)
Row = tuple[str, str, float | None]
ROWS: list[Row] = [
    ("play(a)", "play(a)", 0.9),
    ("oos()", "play(b)", 0.5),
    ("stop()", "play()", 0.5),
    ("oos()", "oos()", 0.99),
]


def _evaluate(
    rows: Sequence[Row],
    calibration: Calibration | None = None,
    taxonomy: Taxonomy | None = TAXONOMY,
) -> Evaluation:
    examples = [Example(f"row {i}", gold) for i, (gold, *_) in enumerate(rows)]
    answers = [Answer(text, 0.25, sure) for _, text, sure in rows]
    subject = Subject("transformers", True, taxonomy=taxonomy, calibration=calibration)
    return score(examples, answers, subject, 1.0)


def _metrics(*arguments: Any) -> dict[str, Any]:
    return _evaluate(*arguments).metrics.as_dict()


# --- outcomes


def test_each_row_has_its_outcomes_in_the_order_of_the_data() -> None:
    found = _metrics([("play(a)", "play(b)", None), ("stop()", "oos()", None), *ROWS])["outcomes"]
    assert (found["intent"], found["parameters"]) == ("101001", "001001")


def test_a_label_is_the_gold_intents_in_alphabetical_order_with_repeats() -> None:
    golds = ["stop(); play(a)", "play(b); stop()", "play(a); play(b)", "stop()"]
    found = _metrics([(gold, "", None) for gold in golds])["outcomes"]
    assert [found["labels"][place] for place in found["gold"]] == [
        "play; stop",
        "play; stop",
        "play; play",
        "stop",
    ]


def test_a_gold_answer_that_does_not_parse_has_a_label_too() -> None:
    found = _metrics([("play(a", "play(a", None), ("", "", None)])["outcomes"]
    assert [found["labels"][place] for place in found["gold"]] == ["play", "(none)"]


@settings(max_examples=25)
@given(
    st.lists(
        st.tuples(
            st.sampled_from(["play(a)", "stop()", "oos()", "play(a); stop()", "broken("]),
            st.sampled_from(["play(a)", "stop()", "oos()", "play(b); stop()", ""]),
        ),
        min_size=1,
        max_size=12,
    )
)
def test_outcomes_add_up_to_the_accuracies(rows: list[tuple[str, str]]) -> None:
    metrics = _metrics([(*row, None) for row in rows])
    found = metrics["outcomes"]
    assert len(found["intent"]) == len(found["parameters"]) == len(found["gold"]) == len(rows)
    assert found["intent"].count("1") / len(rows) == metrics["intent_accuracy"]
    assert found["parameters"].count("1") / len(rows) == metrics["parameter_accuracy"]


# --- calibration


def test_without_confidences_there_is_no_calibration() -> None:
    metrics = _metrics([("stop()", "stop()", None)], HALVED)
    assert (metrics["calibration"], metrics["with_threshold"]) == (None, None)


def test_without_a_calibration_both_errors_are_the_raw_one() -> None:
    found = _metrics([("stop()", "stop()", 0.7), ("stop()", "oos()", 0.7)])["calibration"]
    assert (found["fitted"], found["ece"], found["ece_raw"]) == (False, *[pytest.approx(0.2)] * 2)


def test_with_a_calibration_the_error_is_that_of_calibrated_confidences() -> None:
    found = _metrics([("stop()", "stop()", 0.9)], HALVED)["calibration"]
    assert found["fitted"]
    assert found["ece_raw"] == pytest.approx(0.1)
    assert found["ece"] == pytest.approx(1 - 0.75)  # half of the logit of 0.9 is that of 0.75


def test_rows_without_a_confidence_are_left_out_of_the_calibration() -> None:
    found = _metrics([("stop()", "stop()", 0.7), ("stop()", "", None)])["calibration"]
    assert [b["n"] for b in found["bins"]] == [1]


def test_one_row_has_all_scores() -> None:
    metrics = _metrics([("stop()", "stop()", 1.0)], HALVED)
    assert metrics["calibration"]["coverage"][0]["accuracy"] == 1.0
    assert metrics["with_threshold"]["intent_accuracy"] == 1.0


def test_metrics_with_confidences_are_plain_json() -> None:
    metrics = _metrics(ROWS, HALVED)
    assert json.loads(json.dumps(metrics, allow_nan=False)) == metrics


# --- the threshold


def test_unsure_answers_count_as_out_of_scope_next_to_the_models_own_scores() -> None:
    metrics = _metrics(ROWS, HALVED)
    assert metrics["intent_accuracy"] == 0.5
    assert metrics["with_threshold"] == {
        "threshold": 0.6,
        "intent_accuracy": 0.75,
        "parameter_accuracy": 0.75,
        "oos_precision": pytest.approx(2 / 3),
        "oos_recall": 1.0,
        "false_alarm_rate": 0.5,
        "in_scope_accuracy_lost": 0.0,
        "replaced": 2,
    }


def test_scores_with_the_threshold_have_intervals() -> None:
    found = _metrics(ROWS, HALVED)["ci95"]
    names = (
        "intent_accuracy",
        "parameter_accuracy",
        "oos_precision",
        "oos_recall",
        "false_alarm_rate",
    )
    assert {f"with_threshold.{name}" for name in names} <= set(found)


@pytest.mark.parametrize(
    ("calibration", "taxonomy"),
    [
        (None, TAXONOMY),
        (HALVED.model_copy(update={"oos_threshold": None}), TAXONOMY),
        (HALVED, None),
        (HALVED, Taxonomy(intents=TAXONOMY.intents)),
    ],
    ids=["no calibration", "no threshold", "no taxonomy", "no out of scope"],
)
def test_what_has_no_threshold_has_no_scores_with_it(
    calibration: Calibration | None, taxonomy: Taxonomy | None
) -> None:
    metrics = _metrics(ROWS, calibration, taxonomy)
    assert metrics["with_threshold"] is None
    assert not any(name.startswith("with_threshold") for name in metrics["ci95"])


def test_a_row_without_a_confidence_keeps_its_answer() -> None:
    rows: list[Row] = [("stop()", "stop()", None), ("stop()", "stop()", 0.1)]
    assert _metrics(rows, HALVED)["with_threshold"]["replaced"] == 1


# --- out of scope in the intervals


def test_out_of_scope_scores_have_intervals() -> None:
    metrics = _metrics(ROWS * 20)
    for name in ("oos_precision", "oos_recall"):
        low, high = metrics["ci95"][name]
        assert low <= metrics[name] <= high


def test_out_of_scope_that_nobody_meant_or_predicted_has_no_interval() -> None:
    found = _metrics([("stop()", "stop()", None)])["ci95"]
    assert not {"oos_precision", "oos_recall"} & set(found)


# --- digests and files


def test_the_taxonomy_scored_against_is_known_by_digest() -> None:
    found = [_metrics(ROWS, None, taxonomy)["taxonomy_digest"] for taxonomy in (TAXONOMY, None)]
    assert found == [TAXONOMY.digest, None]


def test_written_predictions_hold_calibrated_confidences_and_seconds(tmp_path: Path) -> None:
    evaluation = _evaluate([("stop()", "stop()", 0.9), ("stop()", "stop()", None)], HALVED)
    write_predictions(tmp_path / "p.jsonl", evaluation.rows)
    rows = [json.loads(line) for line in (tmp_path / "p.jsonl").read_text().splitlines()]
    assert [(row["confidence"], row["seconds"]) for row in rows] == [
        (pytest.approx(0.75), 0.25),
        (None, 0.25),
    ]


def _score_given(folder: Path, confidences: Sequence[Any]) -> tuple[int, Any]:
    rows = [
        {"instruction": "x", "output": "stop()", "prediction": "stop()", "confidence": value}
        for value in confidences
    ]
    (folder / "given.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    output = folder / "metrics.json"
    status = main(["evaluate", "--predictions-in", str(folder / "given.jsonl"), "-o", str(output)])
    return status, json.loads(output.read_text())["calibration"] if not status else None


def test_given_confidences_are_used_where_every_row_has_one(tmp_path: Path) -> None:
    _, found = _score_given(tmp_path, [0.9, 1])
    assert found["ece"] == pytest.approx(0.05)


def test_given_confidences_of_some_rows_only_are_not_used(tmp_path: Path) -> None:
    assert _score_given(tmp_path, [0.9, None]) == (0, None)


@pytest.mark.parametrize("value", [1.5, -0.1, True, "high", float("nan")])
def test_a_given_confidence_that_is_none_is_refused_with_its_line(
    value: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert _score_given(tmp_path, [0.9, value])[0] == 2
    assert "line 2: confidence is not a number from 0 to 1" in capsys.readouterr().err
