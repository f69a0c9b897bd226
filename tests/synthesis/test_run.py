"""What a synthesis makes: rows of rare intents, marked, the same whatever the order in time."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from intentflow.calls import parse_calls
from intentflow.curation import split
from intentflow.errors import IntentflowError
from intentflow.records import Example, read_records
from intentflow.synthesis import Teacher, TeacherError, synthesise
from intentflow.taxonomy import Taxonomy
from tests.public_sets import in_both
from tests.synthesis.conftest import KEY
from tests.synthesis.teacher_server import LABELS, TeacherServer, write_phrasings

Configure = Callable[..., Teacher]


def test_a_rare_intent_gets_what_it_lacks(
    server: TeacherServer, teacher: Configure, rows: list[Example]
) -> None:
    result = synthesise(rows, teacher())
    assert [parse_calls(row.output)[0].intent for row in result.examples] == ["buy"] * 8
    assert (result.missing, result.rejected, result.budget_exhausted) == ({}, {}, False)


def test_made_rows_are_marked_and_stay_in_train(
    server: TeacherServer, teacher: Configure, rows: list[Example]
) -> None:
    made = synthesise(rows, teacher()).examples
    assert made and all(row.synthetic for row in made)
    parts = split([*rows, *made], test=0.2, validation=0.2)
    assert not any(row.synthetic for row in [*parts.validation, *parts.test])


def test_the_median_is_the_target_where_growth_allows_it(
    server: TeacherServer, teacher: Configure, rows: list[Example]
) -> None:
    assert len(synthesise(rows, teacher(max_growth=10)).examples) == 10


def test_a_target_of_ones_own_goes_before_the_median(
    server: TeacherServer, teacher: Configure, rows: list[Example]
) -> None:
    assert len(synthesise(rows, teacher(target_rows=6)).examples) == 2


def test_nothing_is_asked_where_nothing_lacks(server: TeacherServer, teacher: Configure) -> None:
    rows = [Example("play", "play()"), Example("find", "find()")]
    assert synthesise(rows, teacher()).requests == len(server.bodies) == 0


def test_the_result_does_not_depend_on_concurrency(
    server: TeacherServer, teacher: Configure, rows: list[Example]
) -> None:
    chance = random.Random(1)
    server.delay_seconds = lambda _: chance.random() / 50
    settings = {"max_growth": 10, "phrasings_per_request": 2, "target_rows": 20}
    one = synthesise(rows, teacher(concurrency=1, **settings))
    many = synthesise(rows, teacher(concurrency=8, **settings))
    assert one.examples and one.examples == many.examples


def test_a_refused_answer_format_is_asked_for_more_plainly(
    server: TeacherServer, teacher: Configure, rows: list[Example]
) -> None:
    server.refuses = lambda body: "response_format" in body
    assert len(synthesise(rows, teacher()).examples) == 8
    formats = [json.loads(body).get("response_format", {}).get("type") for body in server.bodies]
    assert formats == ["json_schema", "json_object", None, None, None, None]


def test_limits_go_by_the_name_that_the_server_knows(
    server: TeacherServer, teacher: Configure, rows: list[Example]
) -> None:
    synthesise(rows, teacher(max_tokens_parameter="max_tokens", temperature=None))
    sent = json.loads(server.bodies[0])
    assert sent["max_tokens"] == 2000
    assert "temperature" not in sent and "max_completion_tokens" not in sent


def test_an_intent_that_never_stands_alone_is_asked_for_in_company(
    server: TeacherServer, teacher: Configure, rows: list[Example]
) -> None:
    rows += [Example(f"the {w} one, cheaper", f"pick({w}); less()") for w in ("red", "blue")]
    server.write = lambda _: '{"utterances": []}'
    synthesise(rows, teacher())
    assert ["less", "pick"] in [content["asked"] for content in server.asked]


def test_a_rare_intent_without_a_row_to_show_is_named(
    server: TeacherServer, teacher: Configure, rows: list[Example]
) -> None:
    taxonomy = Taxonomy.infer([*rows, Example("x", "unseen()")])
    assert synthesise(rows, teacher(), taxonomy=taxonomy).unasked == ["unseen"]


def test_a_new_seed_shows_other_rows(
    server: TeacherServer, teacher: Configure, rows: list[Example]
) -> None:
    for seed in (1, 2):
        synthesise(rows, teacher(examples_per_request=2), seed=seed)
    first, second = (c["examples"] for c in server.asked if c["request"] == 1)
    assert first != second


def test_an_intent_is_given_up_after_requests_without_a_row(
    server: TeacherServer, teacher: Configure, rows: list[Example]
) -> None:
    server.write = lambda _: '{"reasoning": "no idea", "utterances": []}'
    result = synthesise(rows, teacher(phrasings_per_request=1))
    assert result.missing == {"buy": 8}
    assert result.requests <= 6


def test_a_teacher_that_gives_no_row_at_all_is_not_paid_to_the_end(
    server: TeacherServer, teacher: Configure
) -> None:
    rows = [Example(f"{i} {n} times", f"i{n}()") for n in range(60) for i in range(1 + n % 9)]
    server.write = lambda _: "I would rather not."
    with pytest.raises(TeacherError, match=r"none of its \d\d answers .*malformed_answer"):
        synthesise(rows, teacher())
    assert len(server.bodies) < 40


def test_the_labelling_pass_does_not_say_what_was_asked_for(
    server: TeacherServer, teacher: Configure, rows: list[Example]
) -> None:
    synthesise(rows, teacher())
    assert {frozenset(content) for content in server.labelled} == {
        frozenset({"utterances", "intents"})
    }
    assert [i["intent"] for i in server.labelled[0]["intents"]] == ["buy", "find", "play"]


@pytest.mark.parametrize("file", in_both("snips", "crosswoz_zh", "nlupp_multi", "banking77"))
def test_real_sets_are_asked_about_in_their_own_words(
    file: Path, server: TeacherServer, teacher: Configure
) -> None:
    examples = read_records(file)[:600]
    real = {example.instruction for example in examples}
    server.write = lambda _: '{"utterances": []}'
    synthesise(examples, teacher(budget={"max_requests": 20}, phrasings_per_request=20))
    shown = [row["instruction"] for content in server.asked for row in content["examples"]]
    assert shown
    assert sum(text in real for text in shown) >= 0.9 * len(shown)  # the rest was redacted


def test_a_key_that_is_not_set_is_reported_before_anything_is_sent(
    server: TeacherServer,
    teacher: Configure,
    rows: list[Example],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("OPENAI_API_KEY")
    with pytest.raises(IntentflowError, match="OPENAI_API_KEY is not set"):
        synthesise(rows, teacher())
    assert not server.bodies


def test_an_endpoint_without_keys_needs_none(
    server: TeacherServer,
    teacher: Configure,
    rows: list[Example],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("OPENAI_API_KEY")
    assert synthesise(rows, teacher(api_key_env=None)).examples


def test_the_key_is_read_from_the_variable_that_is_named(
    server: TeacherServer,
    teacher: Configure,
    rows: list[Example],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("ANOTHER_KEY", "sk-another-key")
    synthesise(rows, teacher(api_key_env="ANOTHER_KEY"))
    assert server.keys == {"Bearer sk-another-key"}


def test_a_key_that_the_teacher_repeats_is_written_nowhere(
    server: TeacherServer, teacher: Configure, rows: list[Example], tmp_path: Path
) -> None:
    def repeat(content: dict[str, Any]) -> str:
        answer = json.loads(write_phrasings(content))
        text = f"purchase {KEY}"
        LABELS.update({text: "buy(purchase)", "purchase ***": "buy(purchase)"})
        answer["utterances"][0] = {"instruction": text, "output": "buy(purchase)"}
        return json.dumps(answer)

    server.write = repeat
    journal = tmp_path / "out.synthesis.jsonl"
    result = synthesise(rows, teacher(), journal=journal)
    assert KEY not in journal.read_text() + repr(result)
