"""What replies state about their tokens, and endpoints that refuse to state it."""

from __future__ import annotations

from typing import Any

import pytest

from intentflow.artifacts.metrics import TokensPerRequest
from intentflow.evaluation.run import evaluate_model
from intentflow.inference.engine_selection import EngineOptions
from intentflow.inference.openai_engine import EndpointOptions, OpenAIEngine
from intentflow.inference.vllm_engine import VLLMEngine
from tests.evaluation.endpoint_server import EXAMPLES, Endpoint, completion, echo

UTTERANCES = [example.instruction for example in EXAMPLES[:3]]
ONE_AT_A_TIME = EndpointOptions(concurrency=1)


def _token(text: str, log: float, *others: float) -> dict[str, Any]:
    likely = [{"token": text, "logprob": log, "bytes": None}]
    likely += [{"token": "x", "logprob": other, "bytes": None} for other in others]
    return {**likely[0], "bytes": list(text.encode()), "top_logprobs": likely if others else []}


def _answering(endpoint: Endpoint, *refused: str) -> None:
    """Let it answer with all facts that are asked for, and refuse requests for some."""

    def reply(body: dict[str, Any]) -> Any:
        if any(body.get(name) for name in refused):
            return 400, {"message": f"{refused[0]} is greater than the maximum of 0"}, {}
        others = (-3.0,) if body.get("top_logprobs") else ()
        listed = {"content": [_token(echo(body), -0.5, *others)]} if body.get("logprobs") else None
        return completion(echo(body), logprobs=listed)

    endpoint.chat = reply


def test_vllm_gives_confidences_and_margins(endpoint: Endpoint) -> None:
    _answering(endpoint)
    (answer,) = VLLMEngine(endpoint.url).answer(["play 1"])
    assert (answer.confidence, answer.margin) == (pytest.approx(2.718281828**-0.5), 2.5)


def test_a_vllm_that_lists_no_alternatives_is_asked_for_confidences_alone(
    endpoint: Endpoint,
) -> None:
    _answering(endpoint, "top_logprobs")
    answers = VLLMEngine(endpoint.url, ONE_AT_A_TIME).answer(UTTERANCES)
    assert [answer.margin for answer in answers] == [None] * 3
    assert all(answer.confidence is not None for answer in answers)


def test_one_that_refuses_probabilities_is_asked_for_the_text_alone(endpoint: Endpoint) -> None:
    _answering(endpoint, "logprobs")
    answers = VLLMEngine(endpoint.url, ONE_AT_A_TIME).answer(UTTERANCES)
    assert [answer.text for answer in answers] == [example.output for example in EXAMPLES[:3]]
    assert [answer.confidence for answer in answers] == [None] * 3


def test_what_was_refused_is_not_asked_for_again(endpoint: Endpoint) -> None:
    _answering(endpoint, "top_logprobs")
    VLLMEngine(endpoint.url, ONE_AT_A_TIME).answer(UTTERANCES)
    assert [body.get("top_logprobs") for body in endpoint.asked] == [2, None, None, None]


@pytest.mark.parametrize(
    ("refused", "message"),
    [
        ("top_logprobs", "refuses top_logprobs: its answers have no margin"),
        ("logprobs", "refuses logprobs: its answers have no confidence"),
    ],
)
def test_a_refusal_is_logged_once(
    refused: str, message: str, endpoint: Endpoint, caplog: pytest.LogCaptureFixture
) -> None:
    _answering(endpoint, refused)
    endpoint.delay_seconds = 0.05
    VLLMEngine(endpoint.url).answer([example.instruction for example in EXAMPLES])
    assert caplog.text.count(" refuses ") == 1
    assert message in caplog.text


def test_an_utterance_that_is_refused_in_all_forms_changes_nothing(endpoint: Endpoint) -> None:
    _answering(endpoint)
    answer = endpoint.chat
    endpoint.chat = lambda body: (
        (400, {"message": "too long"}, {}) if "long" in str(body) else answer(body)
    )
    options = EndpointOptions(concurrency=1, allow_failures=True)
    long, short = VLLMEngine(endpoint.url, options).answer(["long", "play 1"])
    assert long.failed
    assert short.margin == 2.5


def test_tokens_that_the_grammar_excludes_are_no_alternatives(endpoint: Endpoint) -> None:
    listed = [_token("bye", -0.5, -9999.0), _token("()", -0.25, -1.25)]
    endpoint.chat = completion("bye()", logprobs={"content": listed})
    assert VLLMEngine(endpoint.url).answer(["x"])[0].margin == 1.0


def test_an_endpoint_with_the_openai_api_is_asked_for_no_alternatives(endpoint: Endpoint) -> None:
    _answering(endpoint)
    OpenAIEngine(endpoint.url).answer(["play 1"])
    assert "top_logprobs" not in endpoint.asked[0]


def _charging(endpoint: Endpoint, *usages: Any) -> None:
    """Let it state these numbers of tokens, one after another."""
    stated = iter(usages)

    def reply(body: dict[str, Any]) -> Any:
        return {**completion(echo(body)), "usage": next(stated)}

    endpoint.chat = reply


def _usage(prompt: Any, answer: Any) -> dict[str, Any]:
    return {"prompt_tokens": prompt, "completion_tokens": answer, "total_tokens": 0}


def test_the_tokens_that_an_endpoint_states_are_averaged_over_requests(endpoint: Endpoint) -> None:
    _charging(endpoint, _usage(400, 10), _usage(401, 12), _usage(402, 14))
    metrics = evaluate_model(endpoint.url, EXAMPLES[:3], options=EngineOptions(None, ONE_AT_A_TIME))
    assert metrics.metrics.tokens_per_request == TokensPerRequest(prompt=401.0, answer=12.0)


@pytest.mark.parametrize("usage", [None, {}, _usage(None, 3), _usage(-1, 3)])
def test_tokens_that_one_reply_does_not_state_are_not_guessed(
    endpoint: Endpoint, usage: Any
) -> None:
    _charging(endpoint, _usage(400, 10), usage, _usage(402, 14))
    metrics = evaluate_model(endpoint.url, EXAMPLES[:3], options=EngineOptions(None, ONE_AT_A_TIME))
    assert metrics.metrics.tokens_per_request is None
