"""Requests that schemathesis derives from the OpenAPI document, valid and invalid, for a server.

``python -m tests.serving.api_cases URL --cases N`` sends N of them and prints what came back.
"""

from __future__ import annotations

import argparse
import json
import os
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from intentflow.serving.app import openapi_document

TOKEN_VARIABLE = "INTENTFLOW_TOKEN"  # as intentflow's own clients have it
_CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
]
_SECONDS = 60
_MAX_SHOWN = 300


@dataclass
class Outcome:
    """What came back.

    Attributes:
        statuses: Number of responses by operation and status.
        failures: Responses that break a promise of the document, shortened.
    """

    statuses: Counter[tuple[str, int]] = field(default_factory=Counter)
    failures: list[str] = field(default_factory=list)

    @property
    def cases(self) -> int:
        """Number of responses."""
        return self.statuses.total()

    def by_status(self) -> dict[int, int]:
        """Number of responses by status alone."""
        found: Counter[int] = Counter()
        for (_, status), count in self.statuses.items():
            found[status] += count
        return dict(sorted(found.items()))


def send_cases(url: str, token: str, cases: int, *, first_seed: int = 0) -> Outcome:
    """Send requests to every operation in turn, more of them to those that take a body.

    Args:
        url: The server.
        token: Bearer token of the server.
        cases: Number of requests in all, or a few more; operations without parameters get fewer.
        first_seed: Another one gives other requests.
    """
    open_, narrow = _operations(openapi_document()), _operations(_narrowed(openapi_document()))
    weights = [20 if operation.body else 1 for operation in open_]
    outcome = Outcome()
    with requests.Session() as session:
        session.headers["Authorization"] = f"Bearer {token}"
        check = _checker(url, session, outcome)
        for pair, weight in zip(zip(open_, narrow, strict=True), weights, strict=True):
            valid = pair[1].as_strategy(GenerationMode.POSITIVE)
            others = st.one_of([one for operation in pair for one in _strategies(operation)])
            mixed = st.booleans().flatmap({True: valid, False: others}.__getitem__)
            _draw(mixed, check, -(-cases * weight // sum(weights)), first_seed)
    return outcome


def _operations(document: dict[str, Any]) -> list[Any]:
    found = schemathesis.openapi.from_dict(document).get_all_operations()
    return [result.ok() for result in found]


def _narrowed(document: dict[str, Any]) -> dict[str, Any]:
    """The document with values that this service knows, so that requests are understood.

    It does not name the token, so that none is left out.
    """
    text = {"type": "string", "minLength": 1}
    schemas = document["components"]["schemas"]
    schemas["InputTensor"]["properties"] |= {
        "name": {"enum": ["utterance"]},
        "datatype": {"enum": ["BYTES"]},
        "data": {"type": "array", "items": text, "minItems": 1},
    }
    schemas["InputTensor"]["required"].append("data")
    schemas["InferenceRequest"]["properties"]["inputs"]["minItems"] = 1
    # Other keys have rules that no schema states: few drawn requests with them are answered.
    schemas["ChatMessage"] |= {
        "properties": {"role": {"enum": ["user"]}, "content": text},
        "required": ["role", "content"],
        "additionalProperties": False,
    }
    chat, whose = schemas["ChatRequest"]["properties"], {"enum": ["intent", None]}
    schemas["ChatRequest"] |= {
        "properties": {"model": whose, "messages": chat["messages"], "stream": chat["stream"]},
        "additionalProperties": False,
    }
    outputs = ["play_music()", "weather_search(Oslo)", 'play_music("a, b")', "nothing()"]
    schemas["CorrectionRequest"]["properties"] |= {
        "instruction": text,
        "output": {"enum": outputs},
    }
    schemas["CorrectionRequest"]["required"] = ["instruction", "output"]
    for methods in document["paths"].values():
        for operation in methods.values():
            operation.pop("security", None)
            for parameter in operation.get("parameters", []):
                if parameter["name"] == "name":
                    parameter["schema"] = {"enum": ["intent"]}
    return document


def _strategies(operation: Any) -> list[st.SearchStrategy[Any]]:
    """Valid requests and, where there is something to be wrong, invalid ones."""
    modes = [GenerationMode.POSITIVE]
    if operation.body or operation.path_parameters:
        modes.append(GenerationMode.NEGATIVE)
    return [operation.as_strategy(mode) for mode in modes]


def _draw(
    strategy: st.SearchStrategy[Any], check: Callable[[Any], None], count: int, first_seed: int
) -> None:
    @seed(first_seed)
    @settings(
        max_examples=count,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(strategy)
    def run(case: Any) -> None:
        check(case)

    run()


def _checker(url: str, session: requests.Session, outcome: Outcome) -> Callable[[Any], None]:
    def check(case: Any) -> None:
        response = case.call(base_url=url, session=session, timeout=_SECONDS)
        outcome.statuses[case.operation.label, response.status_code] += 1
        try:
            case.validate_response(response, checks=_CHECKS)
        except Exception as error:
            text = f"{case.operation.label} {response.status_code} {case.body!r}: {error}"
            outcome.failures.append(text[:_MAX_SHOWN])

    return check


def main() -> None:
    """Send, and print cases, statuses and failures."""
    parser = argparse.ArgumentParser()
    parser.add_argument("url")
    parser.add_argument("--cases", type=int, default=500)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    token = os.environ.get(TOKEN_VARIABLE, "")
    outcome = send_cases(given.url, token, given.cases, first_seed=given.seed)
    found = {"cases": outcome.cases, "statuses": outcome.by_status(), "failures": outcome.failures}
    print(json.dumps(found, indent=1))


if __name__ == "__main__":
    main()
