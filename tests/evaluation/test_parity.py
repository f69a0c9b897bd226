"""Rows that two engines answer differently."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from intentflow.artifacts.parity import Parity
from intentflow.artifacts.predictions import GivenPrediction, ScoredPrediction
from intentflow.cli.main import main
from intentflow.errors import InputError
from intentflow.evaluation.parity import compare_answers
from intentflow.evaluation.scored_rows import Scored, score_row
from intentflow.inference.transformers_engine import TransformersEngine
from intentflow.records import write_records
from tests.models import rows

EXAMPLES = rows()[:6]
PLANTED = "play_music(a planted answer)"


def _scored(prediction: str, margin: float | None, text: str = "play jazz") -> Scored:
    return replace(score_row(text, "play(jazz)", prediction), margin=margin)


def _given(prediction: str, margin: float | None, text: str = "play jazz") -> GivenPrediction:
    return GivenPrediction(
        instruction=text, output="play(jazz)", prediction=prediction, margin=margin
    )


def test_rows_with_the_same_answer_are_not_listed() -> None:
    parity = compare_answers([_scored("play(jazz)", 1.0)], [_given(" play(jazz)", 0.1)])
    assert (parity.n, parity.rows) == (1, [])


def test_each_different_row_has_both_margins_and_who_is_right() -> None:
    (row,) = compare_answers([_scored("play(x)", 0.5)], [_given("play(jazz)", None)]).rows
    assert (row.row, row.margin, row.other_margin) == (1, 0.5, None)
    assert (row.right, row.other_right) == (False, True)


def test_the_largest_margins_come_first() -> None:
    ours = [_scored("play(a)", 0.1), _scored("play(a)", None), _scored("play(a)", 0.2)]
    others = [_given("play(b)", 0.1), _given("play(b)", 3.0), _given("play(b)", 0.1)]
    assert [row.row for row in compare_answers(ours, others).rows] == [2, 3, 1]


@pytest.mark.parametrize("others", [[], [_given("play(a)", 1.0, "another utterance")]])
def test_other_rows_are_refused(others: list[GivenPrediction]) -> None:
    with pytest.raises(InputError, match="of other rows"):
        compare_answers([_scored("play(a)", 1.0)], others)


def test_a_margin_is_the_smallest_lead_over_the_second_best_token(tiny_model: Path) -> None:
    import torch

    from intentflow.prompts import prompt_token_ids

    engine = TransformersEngine(tiny_model, constrained=False, precision="fp32")
    (answer,) = engine.answer(["play Queen"])
    prompt = prompt_token_ids(engine.tokenizer, "play Queen")
    plain = engine.model.generate(
        torch.tensor([prompt]),
        max_new_tokens=128,
        do_sample=False,
        output_scores=True,
        return_dict_in_generate=True,
    )
    best = [scores.float().topk(2).values[0] for scores in plain.scores]
    assert answer.margin == pytest.approx(min(float(two[0] - two[1]) for two in best), abs=1e-3)


def _evaluate(model: Path, folder: Path, *flags: str) -> int:
    write_records(folder / "data.jsonl", EXAMPLES)
    files = ["--model", str(model), "--data", str(folder / "data.jsonl")]
    return main(["evaluate", *files, "-o", str(folder / "metrics.json"), *flags])


def plant(predictions: Path, row: int) -> None:
    """Put another answer into a file of predictions."""
    lines = [json.loads(line) for line in predictions.read_text().splitlines()]
    lines[row - 1]["prediction"] = PLANTED
    ScoredPrediction.write_rows(
        predictions, [ScoredPrediction.from_mapping(line, "line") for line in lines]
    )


@pytest.fixture
def planted(tiny_model: Path, tmp_path: Path) -> Path:
    """Predictions of the tiny model with another answer in the fourth row."""
    other = tmp_path / "other.jsonl"
    flags = ["--engine", "transformers", "--predictions", str(other)]
    assert _evaluate(tiny_model, tmp_path, *flags) == 0
    plant(other, 4)
    return other


def test_a_planted_difference_is_the_one_that_is_listed(
    tiny_model: Path, planted: Path, tmp_path: Path
) -> None:
    flags = ["--other-predictions", str(planted), "--parity", str(tmp_path / "parity.json")]
    assert _evaluate(tiny_model, tmp_path, "--engine", "transformers", *flags) == 0
    parity = Parity.read(tmp_path / "parity.json")
    assert (tmp_path / "parity.json").stat().st_mode & 0o077 == 0
    assert (parity.n, [row.row for row in parity.rows]) == (6, [4])
    assert parity.rows[0].other_prediction == PLANTED
    assert parity.rows[0].margin is not None
    assert parity.rows[0].other_margin == parity.rows[0].margin


def test_the_report_has_a_table_of_different_answers(
    tiny_model: Path, planted: Path, tmp_path: Path
) -> None:
    report = tmp_path / "report.html"
    flags = ["--other-predictions", str(planted), "--report", str(report)]
    assert _evaluate(tiny_model, tmp_path, "--engine", "transformers", *flags) == 0
    text = report.read_text()
    assert "1 of 6 rows are answered differently" in text and PLANTED in text


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["--parity", "p.json"], "give --other-predictions, too"),
        (["--other-predictions", "p.jsonl"], "--parity or --report"),
        (["--other-predictions", "p.jsonl", "--parity", "p.json"], "p.jsonl"),
    ],
)
def test_what_cannot_be_compared_is_refused_before_rows_are_answered(
    flags: list[str], message: str, tiny_model: Path, tmp_path: Path, capsys: Any
) -> None:
    assert _evaluate(tiny_model, tmp_path, *flags) == 2
    assert message in capsys.readouterr().err


@pytest.mark.real
def test_vllm_and_transformers_are_compared_with_the_margins_of_both(
    wide_model: Path, vllm_python: Path, tmp_path: Path
) -> None:
    other = tmp_path / "other.jsonl"
    flags = ["--engine", "vllm", "--predictions", str(other)]
    assert _evaluate(wide_model, tmp_path, *flags) == 0
    margins = [row.margin for row in GivenPrediction.read_rows(other)]
    assert all(margin is not None and margin >= 0 for margin in margins)
    plant(other, 4)
    parity = tmp_path / "parity.json"
    flags = ["--other-predictions", str(other), "--parity", str(parity)]
    assert _evaluate(wide_model, tmp_path, "--engine", "transformers", *flags) == 0
    found = {row.row: row for row in Parity.read(parity).rows}
    assert found[4].other_prediction == PLANTED
    assert all(None not in (row.margin, row.other_margin) for row in found.values())
