"""A linear classifier that decides on intents with a model, on the tokens that open calls."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import log_softmax

from intentflow.artifacts.fusion import (
    CLASSIFIER_FILE,
    CLASSIFIER_WEIGHTS_FILE,
    Fusion,
    IntentOccurrence,
)
from intentflow.baselines.labels import LabelledTexts
from intentflow.baselines.linear import LinearClassifier, fit_linear
from intentflow.baselines.saved_linear import digest_of_weights, load_linear, save_linear
from intentflow.errors import InputError
from intentflow.evaluation.fuse import fit_fusion, fuse_model, loses_rows
from intentflow.evaluation.run import evaluate_model
from intentflow.inference.fused_classifier import intent_logs, write_fused_classifier
from intentflow.inference.transformers_engine import TransformersEngine
from intentflow.models.model_facts import read_facts
from intentflow.recipe.recipe import Recipe
from intentflow.records import Example, write_records
from intentflow.training.files import TrainingFiles
from intentflow.training.launch import launch_training
from intentflow.training.sft import train
from tests.models import TAXONOMY, one_thread, recipe, rows, save_base_model

UTTERANCES = [row.instruction for row in rows()[:12]]
NAMES = tuple(TAXONOMY.intents)
WEIGHT = 2.0
# Utterances that each half of the rows calls by the other intent: the classifier contradicts.
CONTRARY = [
    Example(row.instruction, "play_music()" if "weather" in row.output else "weather_search(x)")
    for row in rows()
]


def fuse(folder: Path, training: list[Example], weight: float = WEIGHT) -> LinearClassifier:
    """Write a classifier of these rows into a model directory, whether it helps or not."""
    vocabulary, weights = save_linear(fit_linear(LabelledTexts.of(training)))
    fusion = Fusion(
        weight=weight,
        temperature=2.0,
        outputs=[
            [IntentOccurrence(intent=intent, nth=nth) for intent, nth in output]
            for output in vocabulary.outputs
        ],
        independent=vocabulary.independent,
        words=list(vocabulary.words),
        characters=list(vocabulary.characters),
        weights_digest=digest_of_weights(weights),
        train_rows=len(training),
        n=1,
        data_digest="",
        model_accuracy=0.0,
        classifier_accuracy=0.0,
        fused_accuracy=0.0,
    )
    write_fused_classifier(folder, fusion, weights)
    return load_linear(vocabulary, weights, "")


@pytest.fixture(scope="module")
def contradicted(ranking_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The model with a classifier that learned the other intent for every utterance."""
    folder = tmp_path_factory.mktemp("fused") / "model"
    shutil.copytree(ranking_model, folder)
    fuse(folder, CONTRARY)
    return folder


def _engine(folder: Path, *, constrained: bool = True) -> TransformersEngine:
    return TransformersEngine(folder, constrained=constrained, precision="fp32")


def test_the_first_intent_is_that_of_both_scores_together(contradicted: Path) -> None:
    with one_thread():
        engine = _engine(contradicted)
        own, answers = engine.rank(UTTERANCES), engine.answer(UTTERANCES)
    prior = intent_logs(engine.fused.classifier, UTTERANCES, NAMES)  # type: ignore[union-attr]
    for ranking, logs, answer in zip(own, prior, answers, strict=True):
        scores = np.log([ranking[name] for name in NAMES]) + WEIGHT * logs
        assert answer.text.startswith(f"{NAMES[int(scores.argmax())]}(")
        shares = np.exp(scores / 2) / np.exp(scores / 2).sum()
        expected = dict(zip(NAMES, shares.tolist(), strict=True))
        assert answer.ranking == pytest.approx(expected, abs=1e-3)
        assert answer.own_intent == next(iter(ranking))


def test_the_classifier_changes_answers(contradicted: Path, ranking_model: Path) -> None:
    with one_thread():
        alone = _engine(ranking_model).answer(UTTERANCES)
        fused = _engine(contradicted).answer(UTTERANCES)
    assert [a.text for a in alone] != [b.text for b in fused]


def test_the_text_of_parameters_is_the_models_own(contradicted: Path, ranking_model: Path) -> None:
    """Of answers with the same intent nothing else differs: biases stand on intents alone."""
    agreeing = contradicted.with_name("agreeing")
    shutil.copytree(ranking_model, agreeing)
    fuse(agreeing, rows(), weight=7.0)
    texts = [row.instruction for row in rows()]
    with one_thread():
        alone, fused = _engine(ranking_model).answer(texts), _engine(agreeing).answer(texts)
    same = [
        (a.text, b.text)
        for a, b in zip(alone, fused, strict=True)
        if a.text.partition("(")[0] == b.text.partition("(")[0]
    ]
    assert len(same) > 10
    assert all(ours == theirs for ours, theirs in same)


def test_biases_lie_within_what_vllm_takes(contradicted: Path) -> None:
    fused = _engine(contradicted).fused
    assert fused is not None
    biases = np.array(fused.biases([*UTTERANCES, "", "杭州天气 🎵"]))
    assert biases.max() <= 0 and biases.min() >= -100


def test_an_answer_without_the_constraint_is_the_models_alone(
    contradicted: Path, ranking_model: Path
) -> None:
    with one_thread():
        texts = [
            [answer.text for answer in _engine(folder, constrained=False).answer(UTTERANCES)]
            for folder in (contradicted, ranking_model)
        ]
    assert texts[0] == texts[1]


def test_rounds_of_a_dialogue_are_joined_for_the_classifier(contradicted: Path) -> None:
    engine = _engine(contradicted)
    rounds = [{"role": "user", "content": "put on"}, {"role": "user", "content": "Queen now"}]
    joined = [{"role": "user", "content": "put on Queen now"}]
    assert engine.biases(rounds) == engine.biases(joined) != engine.biases(rounds[:1])


def test_scores_state_what_the_classifier_changed(contradicted: Path) -> None:
    metrics = evaluate_model(str(contradicted), rows()[:12], engine="transformers").metrics
    assert metrics.ranking is not None and metrics.ranking.fused is not None
    found = metrics.ranking.fused
    assert found.won is not None and found.lost is not None
    assert found.own_accuracy is not None and found.fused_accuracy is not None
    gain = (found.fused_accuracy - found.own_accuracy) * 12
    assert gain == pytest.approx(found.won - found.lost) and found.lost > 0


def test_a_saved_classifier_gives_the_same_probabilities() -> None:
    classifier = fit_linear(LabelledTexts.of(rows()))
    vocabulary, weights = save_linear(classifier)
    loaded = load_linear(vocabulary, weights, "")
    texts = [*UTTERANCES, "", "something else"]
    assert loaded.probabilities(texts) == pytest.approx(classifier.probabilities(texts), abs=1e-3)


def test_a_classifier_is_scikit_learns() -> None:
    """The probabilities that scikit-learn's own one-versus-rest gives, for three labels and two."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.multiclass import OneVsRestClassifier

    for training in (rows(), [*rows(), *[Example(f"stop it {i}", "stop()") for i in range(9)]]):
        texts = LabelledTexts.of(training)
        classifier = fit_linear(texts)
        inputs = np.hstack([it.transform(texts.texts).toarray() for it in classifier.features])
        regression = LogisticRegression(
            solver="liblinear", dual=True, C=10, tol=0.01, max_iter=1000, random_state=0
        )
        theirs = OneVsRestClassifier(regression).fit(
            inputs, classifier.targets.learned(texts.labels)
        )
        ours = classifier.probabilities(texts.texts)
        assert ours == pytest.approx(theirs.predict_proba(inputs), abs=0.02)


def test_an_intent_without_training_rows_is_neither_favoured_nor_excluded() -> None:
    classifier = fit_linear(LabelledTexts.of(rows()))
    logs = intent_logs(classifier, UTTERANCES, [*NAMES, "new"])
    assert np.exp(logs[:, 2]) == pytest.approx(1 / 3)


def test_rows_with_several_intents_favour_each_of_them() -> None:
    both = [
        Example(f"{a.instruction} and {b.instruction}", f"{b.output}; {a.output}")
        for a, b in zip(rows()[::2], rows()[1::2], strict=True)
    ]
    classifier = fit_linear(LabelledTexts.of([*rows(), *both]))
    logs = intent_logs(classifier, [both[0].instruction], NAMES)
    assert np.exp(logs).min() > 0.5


def test_a_classifier_that_knows_more_gets_weight_and_one_that_guesses_little() -> None:
    random = np.random.default_rng(0)
    gold = random.integers(0, 5, 400)
    knowing = np.log(np.where(np.eye(5)[gold] > 0, 0.8, 0.05))
    guessing = np.log(random.dirichlet(np.ones(5), 400))
    assert fit_fusion(guessing, knowing, gold).weight > 1
    assert fit_fusion(knowing, guessing, gold).weight < 0.2


@given(st.integers(0, 10_000), st.integers(2, 6), st.floats(0.1, 4))
def test_the_weight_puts_no_fewer_gold_intents_first(seed: int, intents: int, skill: float) -> None:
    random = np.random.default_rng(seed)
    gold = random.integers(0, intents, 40)
    hint = np.eye(intents)[gold]
    model, classifier = (
        log_softmax(random.normal(size=hint.shape) + known * hint, axis=1) for known in (skill, 1)
    )
    fit = fit_fusion(model, classifier, gold)
    right = (fit.first(model, classifier) == gold).sum()
    assert right >= (model.argmax(1) == gold).sum()


def test_a_weight_that_is_likely_and_loses_rows_is_lowered() -> None:
    # The classifier gives the gold intents of one row in three much more probability, which decides
    # on the likelihood, and of the others less than the model alone needs to have them right.
    gold = np.zeros(12, np.int64)
    model = np.log(np.tile([[0.55, 0.45], [0.55, 0.45], [0.02, 0.98]], (4, 1)))
    classifier = np.log(np.tile([[0.4, 0.6], [0.4, 0.6], [0.7, 0.3]], (4, 1)))
    fit = fit_fusion(model, classifier, gold)
    assert (fit.first(model, classifier) == gold).sum() == 8


@pytest.fixture(scope="module")
def unskilled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model with intent tokens that has learned next to nothing."""
    folder = tmp_path_factory.mktemp("unskilled")
    settings = recipe(save_base_model(folder / "base"), intent_tokens=True, max_steps=1)
    with one_thread():
        train(settings, rows()[:40], rows()[40:], folder / "model", TAXONOMY)
    return folder / "model"


def test_a_classifier_that_helps_is_written_with_what_it_gave(
    unskilled: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "model"
    shutil.copytree(unskilled, folder)
    before = read_facts(str(folder))
    fusion = fuse_model(folder, rows()[:36], rows()[36:])
    assert fusion is not None and fusion == Fusion.read(folder / CLASSIFIER_FILE)
    assert fusion.fused_accuracy > fusion.model_accuracy
    assert (fusion.n, fusion.train_rows) == (24, 36)
    after = read_facts(str(folder))
    assert before.digest != after.digest and before.interface_digest != after.interface_digest
    engine = _engine(folder)
    right = sum(
        answer.text.partition("(")[0] == row.output.partition("(")[0]
        for row, answer in zip(rows(), engine.answer([r.instruction for r in rows()]), strict=True)
    )
    assert right > 50


def test_a_classifier_that_does_not_help_is_not_written(
    ranking_model: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    folder = tmp_path / "model"
    shutil.copytree(ranking_model, folder)
    caplog.set_level("INFO")
    assert fuse_model(folder, CONTRARY[:36], rows()[36:]) is None
    assert not (folder / CLASSIFIER_FILE).exists()
    assert "it does not help on these rows" in caplog.text


@pytest.mark.parametrize(("lost", "won", "expected"), [(1, 0, False), (3, 1, False), (8, 1, True)])
def test_only_rows_lost_beyond_chance_speak_against_a_classifier(
    lost: int, won: int, expected: bool
) -> None:
    gold = np.zeros(60, np.int64)
    own, fused = gold.copy(), gold.copy()
    fused[:lost], own[lost : lost + won] = 1, 1
    assert loses_rows(own == gold, fused == gold) is expected


@pytest.mark.parametrize(
    ("model", "validation", "reason"),
    [
        ("tiny_model", rows()[36:], "not every intent has a token"),
        ("ranking_model", rows()[36:41], "5 validation rows have one intent, and 20 are needed"),
        ("ranking_model", rows()[:36], "0 validation rows have one intent"),
    ],
)
def test_the_reason_for_fusing_nothing_is_logged(
    model: str,
    validation: list[Example],
    reason: str,
    request: pytest.FixtureRequest,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level("INFO")
    assert fuse_model(request.getfixturevalue(model), rows()[:36], validation) is None
    assert reason in caplog.text


@pytest.mark.parametrize("damage", ["missing", "other", "vocabulary"])
def test_damaged_files_are_refused(damage: str, contradicted: Path, tmp_path: Path) -> None:
    folder = tmp_path / "model"
    shutil.copytree(contradicted, folder)
    weights, document = folder / CLASSIFIER_WEIGHTS_FILE, folder / CLASSIFIER_FILE
    if damage == "missing":
        weights.unlink()
    elif damage == "other":
        weights.write_bytes(weights.read_bytes()[:-1] + b"x")
    else:
        known = json.loads(document.read_text())
        document.write_text(json.dumps(known | {"words": known["words"][1:]}))
    with pytest.raises(InputError, match="classifier"):
        _engine(folder)


def test_a_training_with_intent_tokens_fuses_before_it_calibrates(tmp_path: Path) -> None:
    base = save_base_model(tmp_path / "base")
    train_file, validation = str(tmp_path / "t.jsonl"), str(tmp_path / "v.jsonl")
    write_records(train_file, rows()[:36])
    write_records(validation, rows()[36:])
    settings: Recipe = recipe(base, intent_tokens=True, max_steps=1, calibration_rows=24)
    files = TrainingFiles(train_file, validation, TAXONOMY)
    with one_thread():
        launch_training(settings, files, str(tmp_path / "model"))
    written = [tmp_path / "model" / name for name in (CLASSIFIER_FILE, "calibration.json")]
    assert written[0].stat().st_mtime_ns <= written[1].stat().st_mtime_ns


def test_a_recipe_may_leave_the_classifier_out(tmp_path: Path) -> None:
    base = save_base_model(tmp_path / "base")
    train_file, validation = str(tmp_path / "t.jsonl"), str(tmp_path / "v.jsonl")
    write_records(train_file, rows()[:36])
    write_records(validation, rows()[36:])
    settings = recipe(
        base, intent_tokens=True, fuse_classifier=False, max_steps=1, calibration_rows=0
    )
    with one_thread():
        launch_training(
            settings, TrainingFiles(train_file, validation, TAXONOMY), str(tmp_path / "model")
        )
    assert not (tmp_path / "model" / CLASSIFIER_FILE).exists()


@pytest.mark.real
def test_vllm_answers_as_transformers_do(contradicted: Path, vllm_python: Path) -> None:
    theirs = evaluate_model(str(contradicted), rows()[:12], engine="vllm").rows
    with one_thread():
        ours = _engine(contradicted).answer(UTTERANCES)
    for row, answer in zip(theirs, ours, strict=True):
        assert (row.prediction, row.own_intent) == (answer.text, answer.own_intent)
        assert row.ranking == pytest.approx(answer.ranking, abs=0.02)
