"""Majority, linear and encoder: labels learned from rows."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from intentflow.baselines.answers import Answers
from intentflow.baselines.encoder import answer_by_encoder, usual_epochs
from intentflow.baselines.labels import LabelledTexts, intents_label
from intentflow.baselines.linear import answer_by_linear
from intentflow.baselines.majority import answer_by_majority
from intentflow.errors import IntentflowError
from tests.baselines.conftest import TEST, TRAINING, save_encoder

LABELLED = LabelledTexts.of(TRAINING)
UTTERANCES = [row.instruction for row in TEST]
GOLD = [intents_label(row.output) for row in TEST]

Classifier = Callable[[LabelledTexts, Sequence[str]], Answers]


@pytest.fixture(params=["linear", "encoder"])
def classifier(
    request: pytest.FixtureRequest, tiny_encoder: Path, monkeypatch: pytest.MonkeyPatch
) -> Classifier:
    """A classifier that learns; random weights need larger steps."""
    monkeypatch.setattr("intentflow.baselines.encoder.LEARNING_RATE", 1e-2)

    def encoder(training: LabelledTexts, utterances: Sequence[str]) -> Answers:
        return answer_by_encoder(training, utterances, str(tiny_encoder), epochs=20)

    return answer_by_linear if request.param == "linear" else encoder


def test_majority_answers_the_most_frequent_label_for_every_row() -> None:
    training = LabelledTexts(["a", "b", "c"], ["go()", "find()", "go()"])
    assert answer_by_majority(training, ["x", "y"]).texts == ["go()", "go()"]


def test_majority_takes_the_first_of_equally_common_labels() -> None:
    assert answer_by_majority(LabelledTexts(["a", "b"], ["go()", "find()"]), ["x"]).texts == [
        "find()"
    ]


def test_a_classifier_learns_what_the_words_mean(classifier: Classifier) -> None:
    answers = classifier(LABELLED, UTTERANCES)
    right = sum(a == b for a, b in zip(answers.texts, GOLD, strict=True))
    assert right / len(GOLD) > 0.9


def test_a_classifier_answers_the_same_again(classifier: Classifier) -> None:
    assert classifier(LABELLED, UTTERANCES).texts == classifier(LABELLED, UTTERANCES).texts


def test_a_classifier_tells_combinations_of_intents_apart(classifier: Classifier) -> None:
    joined = [f"{text} and then go" for text in LABELLED.texts]
    both = [f"{label}; zoom()" for label in LABELLED.labels]
    training = LabelledTexts([*LABELLED.texts, *joined], [*LABELLED.labels, *both])
    answers = classifier(training, [f"{UTTERANCES[0]} and then go", UTTERANCES[0]])
    assert answers.texts == [f"{GOLD[0]}; zoom()", GOLD[0]]


def test_a_classifier_learns_where_each_intent_is_decided_by_itself(classifier: Classifier) -> None:
    music, weather = "play_music()", "weather_search()"
    rare = [f"{music}; {weather}", f"{music}; {music}", f"{weather}; {weather}"]
    training = LabelledTexts([*LABELLED.texts, "a", "b", "c"], [*LABELLED.labels, *rare])
    answers = classifier(training, UTTERANCES)
    assert "to decide on each" in answers.about
    assert sum(a == b for a, b in zip(answers.texts, GOLD, strict=True)) / len(GOLD) > 0.9


def test_linear_finds_a_combination_that_no_row_has() -> None:
    words = ["abba", "bach", "blur", "muse", "queen", "toto"]
    pairs = [(a, b) for a in words for b in words if a < b]
    rows = [([word], f"{word} please") for word in words * 4]
    rows += [([a, b], f"{a} and {b}") for a, b in pairs[1:]]
    labels = ["; ".join(f"{name}()" for name in names) for names, _ in rows]
    training = LabelledTexts([text for _, text in rows], labels)
    assert answer_by_linear(training, ["abba and bach"]).texts == ["abba(); bach()"]


def test_an_utterance_without_text_gets_a_label(classifier: Classifier) -> None:
    assert classifier(LABELLED, ["", " "]).texts[0] in LABELLED.names


def test_rows_of_one_label_are_refused(classifier: Classifier) -> None:
    with pytest.raises(IntentflowError, match=r"all training rows have the label go\(\)"):
        classifier(LabelledTexts(["a", "b"], ["go()", "go()"]), ["a"])


def test_linear_refuses_utterances_that_hold_nothing() -> None:
    with pytest.raises(IntentflowError, match="utterances contain no text"):
        answer_by_linear(LabelledTexts([" ", ""], ["go()", "find()"]), ["a"])


def test_linear_reads_a_script_without_blanks() -> None:
    training = LabelledTexts(["杭州的天气怎么样", "播放女王的歌"] * 3, ["weather()", "music()"] * 3)
    assert answer_by_linear(training, ["巴黎天气", "放一首歌"]).texts == ["weather()", "music()"]


def test_an_utterance_longer_than_the_encoder_reads_is_cut(tiny_encoder: Path) -> None:
    long = " ".join([UTTERANCES[0]] * 40)
    assert len(answer_by_encoder(LABELLED, [long], str(tiny_encoder), epochs=1).texts) == 1


def test_another_seed_trains_another_encoder(tiny_encoder: Path) -> None:
    texts = [f"w{i}" for i in range(64)]  # all unknown: one answer, as the head happens to say

    def answers(seed: int) -> Sequence[str]:
        training = LabelledTexts(LABELLED.texts, [f"i{i}()" for i in range(len(LABELLED.texts))])
        return answer_by_encoder(training, texts, str(tiny_encoder), epochs=1, seed=seed).texts

    assert len({tuple(answers(seed)) for seed in range(4)}) > 1


@pytest.mark.parametrize(("rows", "epochs"), [(10, 20), (352, 20), (700, 10), (8622, 5)])
def test_few_rows_are_seen_more_often(rows: int, epochs: int) -> None:
    assert usual_epochs(rows) == epochs


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("./nowhere", "there is no such folder"),
        ("bundled:minilmm", "did you mean bundled:minilm"),
        ("no-such-org/no-such-encoder", "no-such-org/no-such-encoder cannot be loaded"),
    ],
)
def test_an_encoder_that_is_not_there_is_named(
    name: str, message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    with pytest.raises(IntentflowError) as refused:
        answer_by_encoder(LABELLED, UTTERANCES, name)
    assert message in str(refused.value)
    assert "\n" not in str(refused.value)


def test_a_folder_without_a_model_is_refused(tmp_path: Path) -> None:
    with pytest.raises(IntentflowError, match=r"contains no config\.json"):
        answer_by_encoder(LABELLED, UTTERANCES, str(tmp_path))


def test_an_encoder_without_padding_is_refused(tmp_path: Path) -> None:
    with pytest.raises(IntentflowError, match="its tokenizer has no padding"):
        answer_by_encoder(LABELLED, UTTERANCES, str(save_encoder(tmp_path / "e", padding=False)))
