"""The evaluation report: one page that runs nothing and names nobody."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path

import pytest

from intentflow.artifacts.baselines import Baselines
from intentflow.artifacts.metrics import Metrics
from intentflow.errors import IntentflowError
from intentflow.evaluation.run import score
from intentflow.inference.engines import Answer
from intentflow.inference.subject import Subject
from intentflow.records import Example
from intentflow.report import percent
from tests.evaluation.report.pages import Row, evaluation, many, page

EVIL = "<script>alert(1)</script>"


def _page(folder: Path, *rows: Row) -> str:
    return page(folder, evaluation(*rows))


def _data(text: str) -> dict[str, object]:
    found = re.search(r'<script type="application/json" id="data">(.*?)</script>', text, re.DOTALL)
    assert found
    document: dict[str, object] = json.loads(found[1])
    return document


@pytest.mark.parametrize(
    "row",
    [
        (EVIL, "play()", "sing()"),
        ("x", f"play({EVIL})", "sing()"),
        ("x", "play()", EVIL),
        ("x", "play()", f"{EVIL.replace('(1)', '')}(x)"),
        ("x", f"play{EVIL.replace('(1)', '')}(x)", "sing()"),
    ],
    ids=["utterance", "gold", "prediction", "predicted name", "gold name"],
)
def test_markup_in_a_row_stays_text(row: Row, tmp_path: Path) -> None:
    text = _page(tmp_path, row)
    assert "<script>alert" not in text
    assert "&lt;script&gt;alert" in text


@pytest.mark.parametrize(
    "row",
    [
        ("mail anna@example.com", "mail(x)", "sing()"),
        ("x", "mail(anna@example.com)", "mail(x)"),
        ("x", "mail(x)", "mail(anna@example.com)"),
        ("x", "mail(x)", "I wrote to anna@example.com."),
    ],
    ids=["utterance", "gold", "prediction", "malformed"],
)
def test_personal_data_is_redacted(row: Row, tmp_path: Path) -> None:
    text = _page(tmp_path, row)
    assert "anna@example.com" not in text
    assert "{{EMAIL}}" in text


def test_the_page_fetches_nothing(tmp_path: Path) -> None:
    text = _page(tmp_path, ("a", "play()", "play()"), ("b", "play()", "sing(x)"))
    assert not any(mark in text for mark in (' src="', "@import", "url(", "<link", "://"))


def test_only_the_pages_own_scripts_may_run(tmp_path: Path) -> None:
    text = _page(tmp_path, ("a", "play()", "sing()"))
    policy = re.search(r"script-src ([^\"]*)", text)
    assert policy and policy[1].count("'sha256-") == text.count("<script>") == 3


@pytest.mark.parametrize("nasty", ["</script>", "<!--<script>", "\u2028", "'\"&", "\ud800", "\0"])
def test_what_an_utterance_holds_does_not_break_the_data(nasty: str, tmp_path: Path) -> None:
    rows = _data(_page(tmp_path, (f"a{nasty}b", "play()", "sing()")))["rows"]
    assert isinstance(rows, list) and rows[0][1] == f"a{nasty}b"


def test_malformed_answers_are_called_so(tmp_path: Path) -> None:
    assert 'data-label="What">malformed<' in _page(tmp_path, ("a", "play()", "play("))


def test_a_perfect_score_has_a_page_too(tmp_path: Path) -> None:
    text = _page(tmp_path, ("a", "play()", "play()"))
    assert "100.0%" in text and "No intent was confused" in text


def test_scores_of_older_files_that_lack_keys_have_a_page(tmp_path: Path) -> None:
    scored = evaluation(("a", "play()", "sing()"))
    lacking = {"calibration", "with_threshold", "outcomes", "taxonomy_digest", "served_by"}
    older = Metrics.from_mapping(scored.metrics.model_dump(exclude=lacking), "older")
    assert "No confidences are known" in page(tmp_path, replace(scored, metrics=older))


def test_the_headline_is_a_sentence_with_intervals(tmp_path: Path) -> None:
    text = _page(tmp_path, *[("a", "play()", "play()")] * 3, ("b", "play(x)", "play(y)"))
    assert re.search(r"Of 4 rows, 100\.0% \(95 % interval 100\.0% – 100\.0%\) got exactly", text)


def test_how_it_was_measured_stands_below_the_headline(tmp_path: Path) -> None:
    text = _page(tmp_path, ("a", "play()", "play()"))
    assert re.search(r"Engine given, unconstrained, rows sha256 [0-9a-f]{12}\.", text)


def test_rows_without_an_answer_are_reported(tmp_path: Path) -> None:
    scored = evaluation(("a", "play()", "play()"))
    failed = scored.metrics.model_copy(update={"failed_rows": 7})
    assert "7 rows got no answer and count as wrong" in page(
        tmp_path, replace(scored, metrics=failed)
    )


def test_scores_of_other_rows_are_refused(tmp_path: Path) -> None:
    champion = evaluation(("another", "play()", "play()")).metrics
    with pytest.raises(IntentflowError, match="other rows"):
        page(tmp_path, evaluation(("a", "play()", "play()")), champion=champion)


def test_a_refused_comparison_leaves_no_page(tmp_path: Path) -> None:
    with pytest.raises(IntentflowError):
        page(tmp_path, evaluation(("a", "play()", "x")), baselines=Baselines(baselines={}))
    assert list(tmp_path.iterdir()) == []


def test_five_thousand_rows_of_150_intents_stay_below_three_megabytes(tmp_path: Path) -> None:
    assert len(page(tmp_path, many(5_000, 150)).encode()) < 3_000_000


def test_long_utterances_are_cut_and_rows_without_room_are_reported(tmp_path: Path) -> None:
    rows = [(f"{n} " + "<" * 1_000, "play()", "sing()") for n in range(800)]
    text = page(tmp_path, evaluation(*rows))
    assert len(text.encode()) < 3_000_000
    assert "more characters" in text
    assert re.search(r"\d+ wrong rows are left out of this page", text)


def test_ranked_intents_and_what_the_classifier_changed_are_shown(tmp_path: Path) -> None:
    examples = [Example("put it on", "play()"), Example("quiet", "stop()")]
    ranking = {"play": 0.7, "stop": 0.2, "bye": 0.1}
    answers = [Answer("play()", 0.1, ranking=ranking, own_intent="stop") for _ in examples]
    text = page(tmp_path, score(examples, answers, Subject("transformers", True)))
    half = percent(0.5)
    assert (
        f"In {percent(1.0)} of the rows a labelled intent is among the three most probable ones"
        in text
    )
    assert f"right in {half} of the rows, without it in {half} (rows won: 1, lost: 1)" in text


def test_without_a_ranking_the_page_says_nothing_of_one(tmp_path: Path) -> None:
    assert "Ranked intents" not in _page(tmp_path, ("x", "play()", "play()"))


def test_rows_with_several_intents_are_counted(tmp_path: Path) -> None:
    text = _page(tmp_path, ("a", "play(x); stop()", "play(x)"), ("b", "play(y)", "play(y)"))
    assert "50.0% of the rows have two or more labelled calls" in text
    assert "Of all labelled calls 33.3% are missed" in text


def test_without_rows_of_several_intents_the_page_says_nothing_of_them(tmp_path: Path) -> None:
    assert 'id="several"' not in _page(tmp_path, ("a", "play(x)", "play(x)"))


def test_wrong_values_of_a_parameter_are_shown(tmp_path: Path) -> None:
    text = _page(tmp_path, ("a", "play(Abba)", "play(Queen)"), ("b", "stop()", "stop()"))
    (section,) = re.findall(r'<h2 id="parameters">.*?</table>', text, re.DOTALL)
    assert "Abba → Queen (1)" in section


def test_without_parameters_the_page_has_no_part_for_them(tmp_path: Path) -> None:
    assert "#parameters" not in _page(tmp_path, ("b", "stop()", "stop()"))
