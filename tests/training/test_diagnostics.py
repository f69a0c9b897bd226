"""Findings about a training's course."""

from __future__ import annotations

from pathlib import Path

import pytest

from intentflow.models.history import History
from intentflow.records import Example
from intentflow.training.diagnostics import loss_findings, unseen_in_validation
from intentflow.training.sft import train
from tests.models import TAXONOMY, recipe, rows


def _codes(*losses: float, validation: tuple[float, ...] = ()) -> list[str]:
    history = History(
        training=[(step, loss, 1e-4) for step, loss in enumerate(losses, 1)],
        validation=list(enumerate(validation, 1)),
    )
    return [finding.code for finding in loss_findings(history)]


def test_a_loss_that_falls_is_not_worth_a_word() -> None:
    assert _codes(2.0, 1.0, 0.5, 0.2, 0.1, validation=(1.0, 0.5, 0.5)) == []


def test_a_loss_that_falls_too_slowly_is_found() -> None:
    assert _codes(2.0, 1.99, 1.97, 1.95, 1.94, 1.9) == ["loss_falls_too_slowly"]


def test_a_loss_that_rises_is_found() -> None:
    assert _codes(2.0, 2.1, 2.2, 2.4) == ["loss_does_not_fall"]


def test_a_curve_of_three_points_is_not_judged() -> None:
    assert _codes(2.0, 2.1, 2.2) == []


def test_a_validation_loss_that_rises_again_is_found() -> None:
    assert _codes(2.0, 1.0, 0.4, 0.1, validation=(1.0, 0.5, 0.9)) == ["validation_loss_rises"]


def test_a_loss_of_exactly_zero_is_found() -> None:
    assert _codes(2.0, 1.0, 0.0) == ["loss_is_zero"]


def test_the_advice_is_the_guides() -> None:
    history = History(training=[(step, 2.0, 1e-4) for step in range(8)])
    (finding,) = loss_findings(history)
    assert "raise learning_rate" in finding.advice
    assert "labels" in finding.advice


def test_an_intent_without_validation_rows_is_named() -> None:
    training = [Example("a", "greet()"), Example("b", "play(x)"), Example("c", "broken(")]
    (finding,) = unseen_in_validation(training, [Example("d", "greet()")])
    assert finding.message == "no validation row for play"


def test_no_validation_set_is_no_finding() -> None:
    assert unseen_in_validation([Example("a", "greet()")], []) == []


def test_findings_are_reported_and_kept(
    tiny_base_model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    slow = recipe(tiny_base_model, learning_rate=1e-12, max_steps=8, logging_steps=1)
    record = train(slow, rows()[:16], rows()[16:17], tmp_path / "m", TAXONOMY)
    codes = [finding.code for finding in record.findings]
    assert "intents_not_in_validation" in codes
    assert {"loss_falls_too_slowly", "loss_does_not_fall"} & set(codes)
    assert "intents_not_in_validation" in capsys.readouterr().err
    assert "Raise learning_rate" in (tmp_path / "m" / "training.html").read_text(encoding="utf-8")
