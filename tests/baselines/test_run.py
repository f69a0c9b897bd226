"""Baselines by the library: what the file holds."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from intentflow.artifacts.baselines import Seconds
from intentflow.artifacts.scores import Outcomes
from intentflow.baselines.answers import Answers
from intentflow.baselines.kinds import KINDS, parse_kinds
from intentflow.errors import IntentflowError
from intentflow.evaluation.baseline_scores import (
    BaselineOptions,
    run_baselines,
    score_answers,
)
from intentflow.evaluation.metrics import compute_metrics
from intentflow.evaluation.scored_rows import score_row
from intentflow.records import Example, content_digest
from tests.baselines.conftest import TEST, TRAINING

ROWS = [Example("a", "go(x)"), Example("b", "find()"), Example("c", "go(); find()")]


def _given(texts: Sequence[str], asked: Sequence[int] | None = None, **more: bool) -> Answers:
    return Answers(texts, "Given.", 1.0, 2.0, asked, **more)  # type: ignore[arg-type]


def test_every_asked_kind_is_in_the_file() -> None:
    found = run_baselines(TRAINING, TEST, BaselineOptions())
    assert list(found.baselines) == ["majority", "linear"]


def test_the_file_names_the_rows_by_digest() -> None:
    found = run_baselines(TRAINING, TEST, BaselineOptions(kinds=["majority"]))
    assert (found.train_digest, found.data_digest, found.n) == (
        content_digest(TRAINING),
        content_digest(TEST),
        len(TEST),
    )


def test_the_same_seed_gives_the_same_scores() -> None:
    runs = [run_baselines(TRAINING, TEST, BaselineOptions(["linear"], seed=3)) for _ in range(2)]
    first, second = (run.baselines["linear"] for run in runs)
    timed = {"seconds", "rows_per_second"}
    assert first.model_dump(exclude=timed) == second.model_dump(exclude=timed)


def test_a_baseline_is_scored_as_a_tuned_model_is() -> None:
    texts = ["go()", "go()", "find(); go()"]
    rows = [score_row(r.instruction, r.output, t) for r, t in zip(ROWS, texts, strict=True)]
    metrics = compute_metrics(rows)
    scored = score_answers(ROWS, _given(texts, parameters=True))
    names = {"n", "intent_accuracy", "parameter_accuracy", "intent_f1_macro"}
    assert scored.model_dump(include=names) == metrics.model_dump(include=names)


def test_intents_count_as_a_multiset() -> None:
    scored = score_answers(ROWS, _given(["go()", "go()", "find(); go()"]))
    assert scored.outcomes == Outcomes(intent="101")


def test_a_classifier_has_no_score_of_parameters() -> None:
    scored = score_answers(ROWS, _given(["go()", "find()", "go()"]))
    assert scored.parameter_accuracy is None
    assert set(scored.ci95) == {"intent_accuracy", "intent_f1_macro"}


def test_an_interval_holds_its_score() -> None:
    scored = score_answers(ROWS, _given(["go(x)", "go()", "go(); find()"], parameters=True))
    assert set(scored.ci95) == {"intent_accuracy", "parameter_accuracy", "intent_f1_macro"}
    assert all(low <= scored.value(name) <= high for name, (low, high) in scored.ci95.items())


def test_a_sample_has_its_own_number_of_rows_and_no_outcomes() -> None:
    scored = score_answers(ROWS, _given(["go()", "go(); find()"], asked=[0, 2]))
    assert (scored.n, scored.intent_accuracy, scored.outcomes) == (2, 1.0, Outcomes(intent=None))


def test_time_is_reported_by_training_and_rows_per_second() -> None:
    scored = score_answers(ROWS, _given(["go()"] * 3))
    assert (scored.seconds, scored.rows_per_second) == (Seconds(train=1.0, predict=2.0), 1.5)


def test_a_label_that_training_lacks_is_wrong() -> None:
    found = run_baselines(TRAINING, [*TEST, Example("zoom in", "zoom()")], BaselineOptions())
    assert [entry.outcomes.intent[-1] for entry in found.baselines.values()] == ["0", "0"]


def test_a_gold_answer_that_does_not_parse_is_wrong_for_every_one(
    capsys: pytest.CaptureFixture[str],
) -> None:
    found = run_baselines(TRAINING, [*TEST, Example("x", "find(")], BaselineOptions())
    assert [entry.outcomes.intent[-1] for entry in found.baselines.values()] == ["0", "0"]
    assert "1 rows to score do not parse" in capsys.readouterr().err


def test_training_rows_that_do_not_parse_are_counted(capsys: pytest.CaptureFixture[str]) -> None:
    rows = [*TRAINING, Example("x", "find(")]
    found = run_baselines(rows, TEST, BaselineOptions(kinds=["majority"]))
    assert (found.train_rows, found.train_rows_left_out) == (len(rows), 1)
    assert "1 training rows do not parse" in capsys.readouterr().err


def test_the_training_rows_themselves_are_not_scored() -> None:
    with pytest.raises(IntentflowError, match="the rows to score are the training rows"):
        run_baselines(TRAINING, TRAINING, BaselineOptions())


@pytest.mark.parametrize(
    ("text", "kinds"),
    [
        ("linear", ["linear"]),
        ("linear, majority", ["majority", "linear"]),
        ("linear,linear,", ["linear"]),
        ("all", list(KINDS)),
        ("few-shot,untuned", ["untuned", "few-shot"]),
    ],
)
def test_kinds_are_read_in_one_order(text: str, kinds: list[str]) -> None:
    assert parse_kinds(text) == kinds


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("liner", "unknown baseline liner; did you mean linear?"),
        ("fewshot", "did you mean few-shot?"),
        ("xyz", "unknown baseline xyz; choose from majority, linear"),
        (" , ", "no baseline is given; choose from majority"),
    ],
)
def test_a_kind_that_is_none_is_reported_with_the_nearest(text: str, message: str) -> None:
    with pytest.raises(IntentflowError, match=message.replace("?", r"\?")):
        parse_kinds(text)
