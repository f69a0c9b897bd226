"""Smoke test of a ready service with a few known utterances."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tenacity import Retrying, retry_if_exception, stop_after_delay, wait_fixed

from intentflow.calls import Call, CallSyntaxError, parse_output, same_calls
from intentflow.errors import CheckFailed, InputError, IntentflowError
from intentflow.io.safe_yaml import load_yaml_text
from intentflow.records import read_rows
from intentflow.storage import read_file
from intentflow.taxonomy import Taxonomy

log = logging.getLogger(__name__)

_ROWS = 8
# Maximum time until the route to a ready service works.
_ROUTE_SECONDS = 30.0
_PAUSE_SECONDS = 0.5


@dataclass(frozen=True)
class Probe:
    """A known utterance.

    Attributes:
        where: File and row, for messages, because the utterance itself may be personal data.
        utterance: The utterance.
        evaluated: The evaluated answer; None if only its form is known.
    """

    where: str
    utterance: str
    evaluated: str | None


def read_probes(path: str | Path) -> list[Probe]:
    """The first rows of a data set, or of predictions that ``intentflow evaluate`` wrote.

    Raises:
        InputError: The file is missing or empty, or a row has no ``instruction``.
    """
    probes = []
    for where, row in read_rows(path):
        if not isinstance(row, dict) or not isinstance(row.get("instruction"), str):
            raise InputError(f"{path}: {where}: instruction is missing")
        evaluated = row.get("prediction")
        text = evaluated if isinstance(evaluated, str) else None
        probes.append(Probe(f"{path}: {where}", row["instruction"], text))
        if len(probes) == _ROWS:
            break
    return probes


def read_model_taxonomy(uri: str) -> Taxonomy | None:
    """The taxonomy of a model directory, local or published; None if it has none."""
    content = read_file(uri, "taxonomy.yaml")
    if content is None:
        return None
    where = f"{uri}/taxonomy.yaml"
    return Taxonomy.from_mapping(load_yaml_text(content.decode("utf-8", "replace"), where), where)


def ask(
    url: str,
    probes: Sequence[Probe],
    taxonomy: Taxonomy | None,
    *,
    served_model: str | None = None,
) -> None:
    """Send the utterances to the service and compare its answers.

    Args:
        url: URL of the OpenAI API.
        probes: The utterances.
        taxonomy: The model's taxonomy; None if it has none.
        served_model: Digest of one model behind the service; None for the service's own name.

    Raises:
        CheckFailed: An answer is missing, not a call of the taxonomy, or differs from the evaluated
            one.
    """
    log.info("testing %s with %d known utterances", url, len(probes))
    answers = _answers(url, [probe.utterance for probe in probes], served_model)
    wrong = [
        f"{probe.where}: {fault}"
        for probe, answer in zip(probes, answers, strict=True)
        if (fault := _fault(probe, answer, taxonomy))
    ]
    if wrong:
        raise CheckFailed(
            f"{url} answers {len(wrong)} of {len(probes)} utterances incorrectly: {wrong[0]}"
        )


def _answers(url: str, utterances: list[str], served_model: str | None) -> list[str]:
    """The service's answers; its route may become available later than the service."""
    from intentflow.inference.openai_engine import EndpointOptions, OpenAIEngine

    options = EndpointOptions(
        retries=0, served_model=served_model
    )  # of its own; all of it is repeated below

    def answer() -> list[str]:
        answers: list[Any] = list(OpenAIEngine(url, options).answer(utterances))
        return [str(answer.text) for answer in answers]

    retrying = Retrying(
        retry=retry_if_exception(_may_pass),
        stop=stop_after_delay(_ROUTE_SECONDS),
        wait=wait_fixed(_PAUSE_SECONDS),
        reraise=True,
    )
    try:
        return retrying(answer)
    except IntentflowError as error:
        raise CheckFailed(f"the service is ready but does not answer: {error}") from None


def _may_pass(error: BaseException) -> bool:
    return isinstance(error, IntentflowError) and "refused the key" not in str(error)


def _fault(probe: Probe, answer: str, taxonomy: Taxonomy | None) -> str | None:
    try:
        calls = _parse(answer)
    except CallSyntaxError:
        return "the answer is not a call"
    for call in calls:
        if taxonomy and not taxonomy.accepts(call):
            return f"the answer is not a call of the taxonomy ({call.intent})"
    if probe.evaluated is None or probe.evaluated == answer:
        return None
    try:
        same = same_calls(calls, _parse(probe.evaluated))
    except CallSyntaxError:
        same = False
    return None if same else "the answer differs from the evaluated one"


def _parse(text: str) -> list[Call]:
    return parse_output(text, "json" if text.startswith("[") else "call")
