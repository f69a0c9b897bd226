"""Logs in, labels, pairs and the report out; with the faults that logs have."""

from __future__ import annotations

import gzip
import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path

import pytest

from intentflow.errors import InputError
from intentflow.feedback.collection import CollectedFeedback, FeedbackRules, collect_feedback
from intentflow.persons import PersonKey
from intentflow.records import MAX_ROW_BYTES, Example
from intentflow.taxonomy import Taxonomy
from tests.feedback.service_logs import NOW, correction, request, write_store

GOLD = [Example(f"gold {number}", "play()") for number in range(8)]


def _collect(
    folder: Path,
    lines: Sequence[Mapping[str, object]],
    rules: FeedbackRules | None = None,
    *,
    gold: Sequence[Example] = (),
    known: Sequence[Example] = (),
) -> CollectedFeedback:
    store = write_store(folder / "log", lines)
    now = datetime.fromisoformat(NOW)
    return collect_feedback([store], rules, gold=gold, known=known, now=now)


def _labels(found: CollectedFeedback) -> list[tuple[str, str]]:
    return [(label.instruction, label.output) for label in found.labels]


def _left_out(found: CollectedFeedback) -> list[tuple[str, str]]:
    return [(label.output, label.reason) for label in found.left_out]


def test_a_label_states_who_gave_it_when_and_for_which_model(tmp_path: Path) -> None:
    lines = [request("r1", "stop it", "play()"), correction("r1", "stop it", "stop()")]
    lines[1]["annotator"] = "ann"
    (label,) = _collect(tmp_path, lines).labels
    assert (label.annotator, label.time) == ("ann", "2026-11-02T09:01:00.000+00:00")
    assert (label.request_id, label.model_digest) == ("r1", "a" * 64)


def test_a_correction_is_a_pair_with_the_answer_of_its_request(tmp_path: Path) -> None:
    lines = [request("r1", "stop it", "play()"), correction("r1", "stop it", "stop()")]
    (pair,) = _collect(tmp_path, lines).pairs
    assert (pair.output, pair.prediction, pair.confidence) == ("stop()", "play()", 0.9)


def test_the_logged_answer_counts_before_the_one_that_a_client_states(tmp_path: Path) -> None:
    lines = [request("r1", "stop it", "play()"), correction("r1", "stop it", "stop()")]
    lines[1]["prediction"] = "invented()"
    assert [pair.prediction for pair in _collect(tmp_path, lines).pairs] == ["play()"]


def test_without_its_request_the_stated_answer_makes_the_pair(tmp_path: Path) -> None:
    lines = [correction("r1", "stop it", "stop()", prediction="play()")]
    assert [pair.prediction for pair in _collect(tmp_path, lines).pairs] == ["play()"]


def test_a_stated_answer_in_json_is_a_call_in_the_pair(tmp_path: Path) -> None:
    stated = '[{"intent": "play", "parameters": ["jazz"]}]'
    lines = [correction("r1", "stop it", "stop()", prediction=stated)]
    assert [pair.prediction for pair in _collect(tmp_path, lines).pairs] == ["play(jazz)"]


def test_a_label_without_any_answer_makes_no_pair(tmp_path: Path) -> None:
    found = _collect(tmp_path, [correction("r1", "stop it", "stop()")])
    assert (len(found.labels), found.pairs) == (1, [])


def test_utterances_of_one_request_are_joined_each_with_its_own_answer(tmp_path: Path) -> None:
    lines = [
        request("r1", "stop it", "play()"),
        request("r1", "rain in oslo", "stop()"),
        correction("r1", "rain in oslo", "weather(oslo)"),
    ]
    found = _collect(tmp_path, lines)
    assert [pair.prediction for pair in found.pairs] == ["stop()"]
    assert found.report.requests == 2


def test_a_correction_of_another_utterance_is_not_joined(tmp_path: Path) -> None:
    lines = [request("r1", "stop it", "play()"), correction("r1", "rain?", "weather()")]
    found = _collect(tmp_path, lines)
    assert (found.report.joined, found.report.other_utterance, found.pairs) == (0, 1, [])


def test_a_replayed_batch_counts_once(tmp_path: Path) -> None:
    lines = [request("r1", "stop it", "play()"), correction("r1", "stop it", "stop()")]
    once = _collect(tmp_path, lines)
    write_store(tmp_path / "log", lines, day="2")
    store, now = tmp_path / "log", datetime.fromisoformat(NOW)
    twice = collect_feedback([store, store], now=now)
    assert (twice.labels, twice.pairs, twice.queue) == (once.labels, once.pairs, once.queue)
    assert (twice.report.repeated_requests, twice.report.replayed) == (3, 3)


def test_a_label_that_a_client_sends_again_is_a_duplicate(tmp_path: Path) -> None:
    lines = [correction("r1", "stop it", "stop()"), correction("r1", "stop it", "stop( )")]
    lines[1]["time"] = "2026-11-02T09:02:00.000+00:00"
    found = _collect(tmp_path, lines)
    assert (len(found.labels), found.report.duplicates) == (1, 1)


def test_a_later_label_replaces_an_earlier_one_which_is_listed(tmp_path: Path) -> None:
    lines = [
        correction("r2", "Stop it", "pause()", time="2026-11-02T10:00:00Z"),
        correction("r1", "stop it", "stop()", time="2026-11-02T09:00:00Z"),
    ]
    found = _collect(tmp_path, lines)
    assert _labels(found) == [("Stop it", "pause()")]
    assert _left_out(found) == [("stop()", "replaced")]
    assert found.left_out[0].by == "pause()"


def test_a_label_that_is_known_is_not_new(tmp_path: Path) -> None:
    known = [Example("stop  IT", "stop()")]
    found = _collect(tmp_path, [correction("r1", "stop it", "stop()")], known=known)
    assert (found.labels, found.report.known) == ([], 1)


def test_another_label_of_a_known_utterance_is_new(tmp_path: Path) -> None:
    known = [Example("stop it", "stop()")]
    found = _collect(tmp_path, [correction("r1", "stop it", "pause()")], known=known)
    assert _labels(found) == [("stop it", "pause()")]


def test_a_label_outside_the_taxonomy_is_listed(tmp_path: Path) -> None:
    rules = FeedbackRules(Taxonomy.infer([Example("x", "stop()")]))
    found = _collect(tmp_path, [correction("r1", "play", "play()")], rules)
    assert (found.labels, _left_out(found)) == ([], [("play()", "off_taxonomy")])


def _by(annotator: str, output: str, count: int) -> list[dict[str, object]]:
    """Labels of one annotator for gold rows, and one for another utterance."""
    rows = [
        correction(f"{annotator}{number}", f"gold {number}", output, annotator=annotator)
        for number in range(count)
    ]
    own = correction(f"{annotator}-own", f"by {annotator}", output, annotator=annotator)
    return [*rows, own]


def test_an_annotator_that_flips_labels_is_set_aside_and_named(tmp_path: Path) -> None:
    lines = [*_by("ann", "play()", 8), *_by("poisoned", "stop()", 8)]
    found = _collect(tmp_path, lines, gold=GOLD)
    assert found.report.set_aside == ["poisoned"]
    assert _labels(found) == [("by ann", "play()")]
    assert ("stop()", "set_aside") in _left_out(found)


def test_a_poisoned_label_does_not_replace_an_earlier_honest_one(tmp_path: Path) -> None:
    lines = [*_by("ann", "play()", 8), *_by("poisoned", "stop()", 8)]
    lines.append(
        correction("r9", "by ann", "stop()", annotator="poisoned", time="2026-11-03T00:00:00Z")
    )
    assert _labels(_collect(tmp_path, lines, gold=GOLD)) == [("by ann", "play()")]


def test_the_agreement_of_each_annotator_is_reported(tmp_path: Path) -> None:
    lines = [*_by("ann", "play()", 8), *_by("bob", "stop()", 2)]
    checks = _collect(tmp_path, lines, gold=GOLD).report.annotators
    assert list(checks) == ["bob", "ann"]
    assert (checks["ann"].agrees, checks["ann"].gold_rows) == (1.0, 8)
    assert (checks["bob"].agrees, checks["bob"].labels) == (0.0, 3)


def test_few_wrong_gold_rows_set_nobody_aside(tmp_path: Path) -> None:
    report = _collect(tmp_path, _by("bob", "stop()", 4), gold=GOLD).report
    assert report.set_aside == []


def test_a_careful_annotator_with_one_slip_is_kept(tmp_path: Path) -> None:
    lines = [*_by("ann", "play()", 7)]
    lines.append(correction("slip", "gold 7", "stop()", annotator="ann"))
    assert _collect(tmp_path, lines, gold=GOLD).report.set_aside == []


def test_corrections_without_an_annotator_are_checked_together(tmp_path: Path) -> None:
    lines = [correction(f"r{at}", f"gold {at}", "stop()") for at in range(8)]
    assert _collect(tmp_path, lines, gold=GOLD).report.set_aside == ["(unknown)"]


def test_gold_rows_become_no_labels(tmp_path: Path) -> None:
    found = _collect(tmp_path, _by("ann", "play()", 1), gold=GOLD)
    assert _labels(found) == [("by ann", "play()")]
    assert found.report.left_out == {"gold": 1}


def test_a_clock_behind_does_not_put_a_correction_before_its_request(tmp_path: Path) -> None:
    lines = [
        correction("r1", "stop it", "pause()", time="2026-11-02T08:59:00Z"),
        request("r2", "stop it", "play()", time="2026-11-02T10:00:00Z"),
        correction("r2", "stop it", "stop()", time="2026-11-02T08:00:00Z"),
    ]
    found = _collect(tmp_path, lines)
    assert _labels(found) == [("stop it", "stop()")]
    assert (found.report.before_request, found.report.max_skew_seconds) == (1, 7200.0)


def test_a_clock_ahead_does_not_replace_other_labels(tmp_path: Path) -> None:
    lines = [
        correction("r1", "stop it", "pause()", time="2031-01-01T00:00:00Z"),
        correction("r2", "stop it", "stop()"),
        correction("r3", "rain?", "weather()", time="2031-01-01T00:00:00Z"),
    ]
    found = _collect(tmp_path, lines)
    assert sorted(_labels(found)) == [("rain?", "weather()"), ("stop it", "stop()")]
    assert found.report.in_future == 2


BROKEN = {
    '{"request_id": "r1", "ti': "not_json",
    "[1]": "not_a_log_line",
    '{"instruction": "a", "output": "b()"}': "not_a_log_line",
    '{"request_id": 1}': "not_a_log_line",
    "\x00\xff": "not_json",
    json.dumps(request("r1", "half \ud800", "play()")): "not_unicode",
    json.dumps(correction("r1", " ", "play()")): "blank_text",
    json.dumps(request("r1", "x" * MAX_ROW_BYTES, "play()")): "too_long",
}


@pytest.mark.parametrize(("text", "reason"), BROKEN.items(), ids=range(len(BROKEN)))
def test_a_broken_line_is_listed_and_the_others_count(
    tmp_path: Path, text: str, reason: str
) -> None:
    store = write_store(tmp_path / "log", [correction("r1", "stop it", "stop()")])
    file = next((store / "feedback").rglob("*.jsonl"))
    file.write_bytes(text.encode("latin-1") + b"\n\n" + file.read_bytes())
    found = collect_feedback([store])
    (reject,) = found.rejects
    assert (reject.line, reject.reason, len(found.labels)) == (1, reason, 1)
    assert reject.source.endswith("feedback/2026-11-02/1.jsonl")


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"time": "yesterday"}, "bad_time"),
        ({"output": "no call"}, "malformed_output"),
        ({"output": ""}, "malformed_output"),
    ],
)
def test_a_correction_that_cannot_be_used_is_listed(
    tmp_path: Path, changes: dict[str, object], reason: str
) -> None:
    lines = [correction("r1", "stop it", "stop()") | changes, correction("r2", "a", "b()")]
    assert _collect(tmp_path, lines).report.rejected == {reason: 1}


def test_a_compressed_file_of_a_log_counts(tmp_path: Path) -> None:
    store = write_store(tmp_path / "log", [request("r1", "stop it", "play()")])
    line = json.dumps(correction("r1", "stop it", "stop()")).encode()
    (store / "feedback" / "2026-11-02" / "2.jsonl.gz").write_bytes(gzip.compress(line))
    assert _labels(collect_feedback([store])) == [("stop it", "stop()")]


def test_a_damaged_compressed_file_is_named(tmp_path: Path) -> None:
    line = json.dumps(correction("r1", "stop it", "stop()")).encode()
    (tmp_path / "log.jsonl.gz").write_bytes(gzip.compress(line)[:-9])
    with pytest.raises(InputError, match=r"log\.jsonl\.gz: damaged gzip data"):
        collect_feedback([tmp_path / "log.jsonl.gz"])


def test_logs_of_several_services_are_read_below_one_folder(tmp_path: Path) -> None:
    for name in ("a", "b"):
        lines = [request(name, f"stop {name}", "play()"), correction(name, f"stop {name}", "no()")]
        write_store(tmp_path / "logs" / name, lines)
    report = collect_feedback([tmp_path / "logs"]).report
    assert (report.requests, report.joined) == (2, 2)


def _with_disagreement(folder: Path) -> Path:
    """A log with a request, and another one that only the shadow's disagreement shows."""
    store = write_store(folder / "log", [request("r1", "stop it", "play()")])
    shadow = {"shadow_prediction": "go()", "shadow_latency_seconds": 0.1}
    shadow |= dict.fromkeys(("shadow_digest", "shadow_confidence"))
    line = request("r2", "go", "play()") | shadow
    (store / "disagreements").mkdir()
    (store / "disagreements" / "1.jsonl").write_text(json.dumps(line))
    return store


def test_a_disagreement_of_the_shadow_is_no_second_request(tmp_path: Path) -> None:
    report = collect_feedback([_with_disagreement(tmp_path)]).report
    assert (report.requests, report.disagreements) == (1, 1)


def test_what_the_shadow_answered_differently_is_queued_first(tmp_path: Path) -> None:
    (row,) = collect_feedback([_with_disagreement(tmp_path)], FeedbackRules(budget=1)).queue
    assert (row.instruction, row.prediction, row.reason) == ("go", "play()", "models_differ")


def test_a_correction_is_joined_with_a_disagreement(tmp_path: Path) -> None:
    store = _with_disagreement(tmp_path)
    (store / "feedback" / "2.jsonl").write_text(json.dumps(correction("r2", "go", "go()")))
    found = collect_feedback([store])
    assert ([pair.prediction for pair in found.pairs], found.report.joined) == (["play()"], 1)


def test_files_in_no_folder_of_a_log_are_named(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    store = write_store(tmp_path / "log", [request("r1", "stop it", "play()")])
    (store / "older.jsonl").write_text("{}\n")
    collect_feedback([store])
    assert "the first is older.jsonl" in caplog.text


def test_a_listed_line_shows_no_personal_data(tmp_path: Path) -> None:
    lines = [correction("r1", "mail jane@example.com", "no call"), correction("r2", "a", "b()")]
    (reject,) = _collect(tmp_path, lines).rejects
    assert "jane" not in reject.raw
    assert "{{EMAIL}}" in reject.raw


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "the log contains no requests and no corrections"),
        ("{}\n[]\n", r"none of 2 lines is .* correction; the first, .* line 1, lacks what"),
        ("text,intent\n", r"the first, .*log\.jsonl line 1, is not JSON$"),
    ],
)
def test_a_log_without_a_usable_line_is_refused(tmp_path: Path, content: str, message: str) -> None:
    (tmp_path / "log.jsonl").write_text(content)
    with pytest.raises(InputError, match=message):
        collect_feedback([tmp_path / "log.jsonl"])


def test_every_correction_is_a_label_or_is_accounted_for(tmp_path: Path) -> None:
    lines = [
        *_by("ann", "play()", 8),
        *_by("poisoned", "stop()", 8),
        correction("r1", "one", "a()"),
        correction("r1", "one", "b()", time="2026-11-03T00:00:00Z"),
        correction("r1", "one", "b()", time="2026-11-04T00:00:00Z"),
        correction("r2", "known", "c()"),
    ]
    report = _collect(tmp_path, lines, gold=GOLD, known=[Example("known", "c()")]).report
    accounted = report.labels + report.duplicates + report.known + sum(report.left_out.values())
    assert report.corrections == len(lines) == accounted


def test_a_label_keeps_the_person_and_the_rounds_of_its_request(tmp_path: Path) -> None:
    person = PersonKey(b"0" * 16).hashed("c-1042")
    asked = request("r1", "play it stop it", "play()", person=person, rounds=2)
    (label,) = _collect(tmp_path, [asked, correction("r1", "play it stop it", "stop()")]).labels
    assert (label.person, label.rounds) == (person, 2)


def test_a_line_with_an_id_of_a_person_is_rejected(tmp_path: Path) -> None:
    lines = [request("r1", "a", "play()"), request("r2", "b", "play()", person="c-1042")]
    found = _collect(tmp_path, lines)
    assert found.report.rejected == {"not_a_log_line": 1}
