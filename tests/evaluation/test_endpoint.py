"""Endpoints: answers of a good one, one readable line from a bad one."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from intentflow.artifacts.metrics import Metrics
from intentflow.cli.main import main
from intentflow.errors import IntentflowError
from intentflow.evaluation.run import evaluate_model
from intentflow.inference.engine_selection import EngineOptions
from intentflow.inference.openai_engine import EndpointOptions, OpenAIEngine
from intentflow.prompts import PromptSpec, TaxonomyInPrompt
from intentflow.records import write_records
from tests.evaluation.endpoint_server import EXAMPLES, Endpoint, completion, echo
from tests.models import TAXONOMY

UTTERANCES = [example.instruction for example in EXAMPLES]


def _options(**changes: Any) -> EngineOptions:
    return EngineOptions(endpoint=EndpointOptions(**changes))


def test_answers_come_in_the_order_of_the_utterances(endpoint: Endpoint) -> None:
    answers = OpenAIEngine(endpoint.url).answer(UTTERANCES)
    assert [answer.text for answer in answers] == [example.output for example in EXAMPLES]


def test_a_right_endpoint_scores_1(endpoint: Endpoint) -> None:
    metrics = evaluate_model(endpoint.url, EXAMPLES, taxonomy=TAXONOMY).metrics
    assert (metrics.parameter_accuracy, metrics.off_taxonomy_rate) == (1.0, 0.0)


def test_what_answered_is_recorded(endpoint: Endpoint) -> None:
    metrics = evaluate_model(endpoint.url, EXAMPLES).metrics
    assert (metrics.engine, metrics.constrained) == ("openai", False)
    assert metrics.latency_seconds.p50 > 0


def test_a_json_endpoint_is_read_as_json(endpoint: Endpoint) -> None:
    answer = '[{"intent": "play_music", "parameters": ["0"]}]'
    endpoint.chat = completion(answer)
    metrics = evaluate_model(endpoint.url, EXAMPLES[:1], output_format="json").metrics
    assert metrics.parameter_accuracy == 1.0


def test_the_bare_utterance_is_sent_and_asked_greedily(endpoint: Endpoint) -> None:
    OpenAIEngine(endpoint.url).answer(["play 1"])
    request = endpoint.asked[0]
    assert request["messages"] == [{"role": "user", "content": "play 1"}]
    assert (request["model"], request["temperature"]) == ("intents", 0)


def _prompted(endpoint: Endpoint, folder: Path, *flags: str) -> int:
    """Evaluate with a taxonomy and further flags."""
    write_records(folder / "rows.jsonl", EXAMPLES[:2])
    TAXONOMY.write(folder / "taxonomy.yaml")
    files = ["--data", str(folder / "rows.jsonl"), "-o", str(folder / "metrics.json")]
    known = ["--taxonomy", str(folder / "taxonomy.yaml")]
    return main(["evaluate", "--model", endpoint.url, *files, *known, *flags])


@pytest.mark.parametrize("part", ["none", "names", "full"])
def test_an_untuned_model_is_sent_the_prompt_that_training_would_give(
    part: TaxonomyInPrompt, endpoint: Endpoint, tmp_path: Path
) -> None:
    assert _prompted(endpoint, tmp_path, "--taxonomy-in-prompt", part) == 0
    prompt = PromptSpec.build(taxonomy=TAXONOMY, taxonomy_in_prompt=part)
    (system, user) = endpoint.asked[0]["messages"]
    assert system == {"role": "system", "content": prompt.system}
    assert user["role"] == "user"


def test_a_system_text_of_ones_own_stands_before_the_taxonomy(
    endpoint: Endpoint, tmp_path: Path
) -> None:
    flags = ["--taxonomy-in-prompt", "names", "--system-prompt", "Answer with one call."]
    assert _prompted(endpoint, tmp_path, *flags) == 0
    sent = endpoint.asked[0]["messages"][0]["content"]
    assert sent.startswith("Answer with one call.\n")
    assert [name for name in TAXONOMY.intents if name not in sent] == []


def test_the_scores_name_the_prompt_that_was_sent(endpoint: Endpoint, tmp_path: Path) -> None:
    assert _prompted(endpoint, tmp_path, "--taxonomy-in-prompt", "full") == 0
    prompt = PromptSpec.build(taxonomy=TAXONOMY, taxonomy_in_prompt="full")
    assert Metrics.read(tmp_path / "metrics.json").prompt_digest == prompt.digest


def test_a_taxonomy_in_the_prompt_needs_the_taxonomy(
    endpoint: Endpoint, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    files = ["--data", str(tmp_path / "rows.jsonl"), "-o", str(tmp_path / "metrics.json")]
    flags = ["--taxonomy-in-prompt", "full"]
    assert main(["evaluate", "--model", endpoint.url, *files, *flags]) == 2
    assert "needs a taxonomy" in capsys.readouterr().err


def test_a_model_directory_has_a_prompt_of_its_own(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_records(tmp_path / "rows.jsonl", EXAMPLES[:2])
    files = ["--data", str(tmp_path / "rows.jsonl"), "-o", str(tmp_path / "metrics.json")]
    flags = ["--taxonomy-in-prompt", "none"]
    assert main(["evaluate", "--model", str(tmp_path), *files, *flags]) == 2
    assert "has its own taxonomy, prompt and output format" in capsys.readouterr().err


@pytest.mark.parametrize("end", ["", "/", "/v1", "/v1/"])
def test_the_address_is_taken_with_and_without_its_version(endpoint: Endpoint, end: str) -> None:
    assert OpenAIEngine(endpoint.url + end).model == "intents"


@pytest.mark.parametrize("value", ["sesame", "sesame\nformer\n"])
def test_the_key_comes_from_the_environment(
    value: str, endpoint: Endpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", value)
    OpenAIEngine(endpoint.url)
    assert endpoint.keys == {"Bearer sesame"}


def test_an_empty_answer_is_malformed(endpoint: Endpoint) -> None:
    endpoint.chat = completion(None)
    assert evaluate_model(endpoint.url, EXAMPLES[:2]).metrics.malformed_rate == 1.0


def test_an_overloaded_endpoint_is_asked_again(endpoint: Endpoint) -> None:
    def once_busy(body: dict[str, Any]) -> Any:
        return (503, {}, {}) if len(endpoint.asked) == 1 else completion(echo(body))

    endpoint.chat = once_busy
    assert OpenAIEngine(endpoint.url).answer(["play 3"])[0].text == "play_music(3)"


def _listed(log: float, octets: int | None = None) -> dict[str, Any]:
    token = {"token": "a()", "logprob": log, "bytes": octets, "top_logprobs": []}
    return completion("a()", logprobs={"content": [token]})


def _set(**changes: Any) -> Callable[[Endpoint], None]:
    return lambda endpoint: endpoint.__dict__.update(changes)


FAULTS: dict[str, tuple[Callable[[Endpoint], None], str]] = {
    "no key": (_set(models=(401, {}, {})), "refused the key (HTTP 401): set OPENAI_API_KEY"),
    "key for models only": (_set(chat=(403, {}, {})), "refused the key (HTTP 403)"),
    "not the API": (_set(models=(404, b"<h1>Not Found</h1>", {})), "HTTP 404"),
    "a web page": (_set(models=b"<html>hello</html>"), "does not answer as an OpenAI endpoint"),
    "another JSON": (_set(models=[1, 2]), "does not answer as an OpenAI endpoint"),
    "no list": (_set(models={"models": ["a"]}), "does not answer as an OpenAI endpoint"),
    "nothing served": (_set(models={"object": "list", "data": []}), "serves no model"),
    "broken": (_set(chat=(500, b"oh\nno", {})), "HTTP 500"),
    "chat is a web page": (_set(chat=b"<html>hello</html>"), "does not answer as"),
    "no choices": (_set(chat={**completion("a"), "choices": []}), "does not answer as"),
    "choices of none": (_set(chat={**completion("a"), "choices": None}), "does not answer as"),
    "no message": (_set(chat={"choices": [{"index": 0}]}), "does not answer as"),
    "content is a number": (_set(chat=completion(7)), "does not answer as"),  # type: ignore[arg-type]
    "half a character": (_set(chat=completion("\ud800()")), "does not answer as"),
    "a probability that is no number": (_set(chat=_listed(math.nan)), "does not answer as"),
    "a probability beyond numbers": (_set(chat=_listed(-(10**400))), "does not answer as"),
    "bytes without end": (_set(chat=_listed(-1.0, octets=10**15)), "does not answer as"),
    "another address": (
        _set(chat=(302, {}, {"Location": "http://127.0.0.1:9/"})),
        "redirects to another address (HTTP 302)",
    ),
    "asks for too long a wait": (
        _set(chat=(429, {}, {"Retry-After": "3600"})),
        "asks for a pause of 3,600 seconds (HTTP 429)",
    ),
    "busy for ever": (_set(chat=(429, {}, {})), "lower concurrency, or try later"),
    "says what it refuses": (
        _set(chat=(400, {"message": "the prompt is too long"}, {})),
        "the prompt is too long",
    ),
    "compressed": (
        _set(chat=(200, b"x", {"Content-Encoding": "gzip"})),
        "does not answer (compressed",
    ),
}


def _evaluate(url: str, folder: Path) -> int:
    write_records(folder / "data.jsonl", EXAMPLES[:3])
    data, output = str(folder / "data.jsonl"), str(folder / "metrics.json")
    return main(["evaluate", "--model", url, "--data", data, "-o", output])


@pytest.mark.parametrize("fault", sorted(FAULTS))
def test_a_bad_endpoint_is_one_readable_line(
    fault: str, endpoint: Endpoint, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    change, message = FAULTS[fault]
    change(endpoint)
    assert _evaluate(endpoint.url, tmp_path) == 2
    line = capsys.readouterr().err.splitlines()[-1]
    assert line.startswith(f"intentflow evaluate: error: {endpoint.url}/v1 ")
    assert message in line
    assert not (tmp_path / "metrics.json").exists()


def test_an_endpoint_that_is_down_is_one_readable_line(
    endpoint: Endpoint, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert _evaluate("http://127.0.0.1:9", tmp_path) == 2
    line = capsys.readouterr().err.splitlines()[-1]
    assert line.startswith("intentflow evaluate: error: http://127.0.0.1:9/v1 does not answer")


@pytest.mark.parametrize(
    ("engine", "model", "message"),
    [
        ("openai", "folder", "--engine openai needs the URL of an endpoint, not folder"),
        ("transformers", "http://x", "--engine transformers needs a model directory"),
    ],
)
def test_an_engine_that_does_not_go_with_the_model_is_refused(
    engine: str, model: str, message: str
) -> None:
    with pytest.raises(IntentflowError, match=message):
        evaluate_model(model, EXAMPLES, engine=engine)


def test_several_requests_are_asked_together(endpoint: Endpoint) -> None:
    endpoint.delay_seconds = 0.05
    OpenAIEngine(endpoint.url, EndpointOptions(concurrency=4)).answer(UTTERANCES)
    assert endpoint.most_at_once == 4


def test_speed_is_that_of_the_clock_and_latency_that_of_a_request(endpoint: Endpoint) -> None:
    endpoint.delay_seconds = 0.1
    started = time.perf_counter()
    metrics = evaluate_model(endpoint.url, EXAMPLES, options=_options(concurrency=10)).metrics
    seconds = time.perf_counter() - started
    assert metrics.rows_per_second >= len(EXAMPLES) / seconds
    assert metrics.rows_per_second <= len(EXAMPLES) / 0.2
    assert 0.1 <= metrics.latency_seconds.p50 < seconds


def test_the_wait_that_an_endpoint_asks_for_is_kept(endpoint: Endpoint) -> None:
    endpoint.chat = lambda body: (
        (429, {}, {"Retry-After": "0.3"}) if len(endpoint.asked) == 1 else completion(echo(body))
    )
    started = time.perf_counter()
    OpenAIEngine(endpoint.url).answer(["play 1"])
    assert time.perf_counter() - started >= 0.3


def test_a_long_wait_is_reported_once(
    endpoint: Endpoint, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    # A clock that stands still: the eight refusals come within the wait on the slowest compute.
    monkeypatch.setattr(
        "intentflow.inference.openai_engine.time",
        SimpleNamespace(monotonic=lambda: 0.0, perf_counter=time.perf_counter),
    )
    monkeypatch.setattr("intentflow.inference.openai_engine._MIN_LOGGED_SECONDS", 0.2)
    endpoint.chat = lambda body: (
        (429, {}, {"Retry-After": "1"}) if len(endpoint.asked) <= 8 else completion(echo(body))
    )
    OpenAIEngine(endpoint.url).answer(UTTERANCES[:8])
    assert capsys.readouterr().err.count("or try later; retrying in 1 s") == 1


def test_a_slow_endpoint_is_one_readable_line(endpoint: Endpoint) -> None:
    endpoint.delay_seconds = 0.5
    options = _options(timeout_seconds=0.1, retries=1)
    with pytest.raises(IntentflowError, match=r"no complete reply within 0\.1 seconds: raise"):
        evaluate_model(endpoint.url, EXAMPLES[:1], options=options)


def test_the_others_are_not_asked_once_one_has_failed(endpoint: Endpoint) -> None:
    endpoint.chat = (400, {}, {})
    with pytest.raises(IntentflowError, match="HTTP 400"):
        evaluate_model(endpoint.url, EXAMPLES, options=_options(concurrency=1))
    assert set(endpoint.utterances) == {"play 0"}


def _fails_on(utterance: str, endpoint: Endpoint) -> None:
    endpoint.chat = lambda body: (
        (400, {}, {}) if body["messages"][-1]["content"] == utterance else completion(echo(body))
    )


def test_a_failed_row_is_wrong_and_counted_where_failures_are_allowed(endpoint: Endpoint) -> None:
    _fails_on("play 3", endpoint)
    evaluation = evaluate_model(endpoint.url, EXAMPLES, options=_options(allow_failures=True))
    assert evaluation.metrics.failed_rows == 1
    assert [row.intent_right for row in evaluation.rows].index(False) == 3


def test_an_answer_never_counts_as_failed(endpoint: Endpoint) -> None:
    assert evaluate_model(endpoint.url, EXAMPLES).metrics.failed_rows == 0


def test_nothing_is_scored_where_every_request_failed(endpoint: Endpoint) -> None:
    endpoint.chat = (400, {}, {})
    with pytest.raises(IntentflowError, match="every request failed"):
        evaluate_model(endpoint.url, EXAMPLES, options=_options(allow_failures=True))


def test_a_refused_key_is_no_failure_of_a_row(endpoint: Endpoint) -> None:
    endpoint.chat = (403, {}, {})
    with pytest.raises(IntentflowError, match="refused the key"):
        evaluate_model(endpoint.url, EXAMPLES, options=_options(allow_failures=True))


TWO = {"object": "list", "data": [{"id": "intents"}, {"id": "base"}]}


def test_of_several_models_one_is_chosen_by_name(endpoint: Endpoint) -> None:
    endpoint.models = TWO
    OpenAIEngine(endpoint.url, EndpointOptions(served_model="base")).answer(["play 1"])
    assert endpoint.asked[0]["model"] == "base"


def test_of_a_name_and_a_digest_the_name_is_chosen(endpoint: Endpoint) -> None:
    endpoint.models = {"object": "list", "data": [{"id": "intents"}, {"id": "d" * 64}]}
    assert OpenAIEngine(endpoint.url).model == "intents"


def test_a_model_that_is_not_listed_is_chosen_if_the_endpoint_knows_it(endpoint: Endpoint) -> None:
    endpoint.unlisted = {"d" * 64}
    options = EndpointOptions(served_model="d" * 64)
    assert OpenAIEngine(endpoint.url, options).model == "d" * 64


@pytest.mark.parametrize(
    ("asked", "message"),
    [(None, "serves intents, base: choose one with --served-model"), ("x", "base, not x")],
)
def test_a_model_that_cannot_be_meant_is_refused(
    asked: str | None, message: str, endpoint: Endpoint
) -> None:
    endpoint.models = TWO
    with pytest.raises(IntentflowError, match=message):
        OpenAIEngine(endpoint.url, EndpointOptions(served_model=asked))


def test_another_model_that_begins_to_answer_ends_the_evaluation(endpoint: Endpoint) -> None:
    endpoint.chat = lambda body: completion(
        echo(body), model="old" if len(endpoint.asked) < 10 else "new"
    )
    with pytest.raises(IntentflowError, match="answered as old first, now as new"):
        evaluate_model(endpoint.url, EXAMPLES, options=_options(concurrency=1))


def _tokens(*tokens: tuple[str, float]) -> dict[str, Any]:
    content = [
        {"token": text, "logprob": log, "bytes": list(text.encode()), "top_logprobs": []}
        for text, log in tokens
    ]
    return {"content": content}


def test_confidence_is_that_of_the_tokens_outside_of_values(endpoint: Endpoint) -> None:
    listed = _tokens(("play_music", -0.5), ("(", 0.0), ("Que", -3.0), ("en", -1.0), (")", -0.5))
    endpoint.chat = completion("play_music(Queen)", logprobs=listed)
    answer = OpenAIEngine(endpoint.url).answer(["play Queen"])[0]
    assert answer.confidence == pytest.approx(2.718281828**-1.0)


def test_the_end_counts_in_the_confidence(endpoint: Endpoint) -> None:
    listed = _tokens(("bye()", 0.0), ("<|im_end|>", -1.0))
    endpoint.chat = completion("bye()", logprobs=listed)
    assert OpenAIEngine(endpoint.url).answer(["x"])[0].confidence == pytest.approx(2.718281828**-1)


def test_tokens_of_another_text_give_no_confidence(endpoint: Endpoint) -> None:
    endpoint.chat = completion("bye()", logprobs=_tokens(("hello", 0.0)))
    assert OpenAIEngine(endpoint.url).answer(["x"])[0].confidence is None


def test_an_endpoint_that_refuses_probabilities_is_asked_without(endpoint: Endpoint) -> None:
    endpoint.chat = lambda body: (400, {}, {}) if "logprobs" in body else completion(echo(body))
    answers = OpenAIEngine(endpoint.url, EndpointOptions(concurrency=1)).answer(UTTERANCES[:3])
    assert [answer.confidence for answer in answers] == [None] * 3
    assert ["logprobs" in body for body in endpoint.asked] == [True, False, False, False]
