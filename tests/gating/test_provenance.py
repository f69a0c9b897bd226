"""Only what was scored may be deployed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from intentflow.artifacts.verdict import Verdict
from intentflow.gating.policy import GatePolicy
from intentflow.gating.provenance import Given, read_given
from intentflow.prompts import PROMPT_FILE
from intentflow.records import Example, write_records
from tests.gating.cases import ANY
from tests.gating.scores import judged, scores
from tests.real_parts.small_model import PROMPT

ALL = {**ANY, "subject": {"model": True, "data": True, "prompt": True}}


def _judge(policy: dict[str, Any], **given: str) -> Verdict:
    rules = GatePolicy.from_mapping(policy, "gate.yaml")
    return judged(scores(), rules, given=Given(**given))


@pytest.fixture
def model(tmp_path: Path) -> Path:
    folder = tmp_path / "model"
    folder.mkdir()
    PROMPT.write(folder / PROMPT_FILE)
    (folder / "chat_template.jinja").write_text("{{ messages }}")
    return folder


def test_the_scored_model_rows_and_prompt_pass() -> None:
    assert _judge(ALL, model="model", data="rows", prompt="prompt").passed


@pytest.mark.parametrize("what", ["model", "data", "prompt"])
@pytest.mark.parametrize("policy", [ANY, ALL], ids=["not asked for", "asked for"])
def test_another_one_fails_whether_the_policy_asks_or_not(
    what: str, policy: dict[str, Any]
) -> None:
    assert _judge(policy, **{what: "another"}).first_failed == f"subject.{what}"


def test_another_model_is_named_by_both_digests() -> None:
    (reason,) = _judge(ANY, model="0123456789abcdef").reasons
    assert reason == (
        "the model that was scored (model) is not the one given (0123456789ab…): evaluate it"
    )


def test_what_cannot_be_compared_is_reported() -> None:
    assert _judge(ALL, data="rows").skipped == [
        "subject.model: the scores contain a digest; give --model to compare it",
        "subject.prompt: the scores contain a digest; give --model to compare it",
    ]


def test_digests_are_those_that_evaluation_writes(model: Path, tmp_path: Path) -> None:
    from intentflow.records import content_digest
    from intentflow.storage import digest_of

    rows = [Example("rain in Rome", "rain(Rome)")]
    write_records(tmp_path / "test.jsonl", rows)
    given = read_given(str(model), str(tmp_path / "test.jsonl"))
    assert given == Given(digest_of(str(model)), content_digest(rows), PROMPT.digest)


def test_a_changed_file_makes_another_model(model: Path) -> None:
    before = read_given(str(model), None)
    (model / "weights").write_text("1")
    assert read_given(str(model), None).model != before.model
