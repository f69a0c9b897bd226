"""What the routes answer to requests that reach no model."""

from __future__ import annotations

import pytest
from starlette.testclient import TestClient

from intentflow.serving.app import _application
from intentflow.serving.interpretation import _first_ranked

JSON = {"content-type": "application/json"}


@pytest.fixture(scope="module")
def http() -> TestClient:
    return TestClient(_application())


@pytest.mark.parametrize(("path", "method"), [("/v1/models", "GET"), ("/feedback", "POST")])
def test_a_method_that_a_route_lacks_is_answered_with_those_it_has(
    path: str, method: str, http: TestClient
) -> None:
    reply = http.delete(path)
    assert (reply.status_code, reply.headers["allow"]) == (405, method)


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("{", "the request is not JSON: Expecting property name"),
        ("[" * 100_000, "the request's JSON is nested too deeply"),
        ("9" * 5000, "or has a number of too many digits"),
    ],
)
def test_a_body_that_cannot_be_read_is_described(body: str, message: str, http: TestClient) -> None:
    reply = http.post("/feedback", content=body, headers=JSON)
    assert reply.status_code == 400
    assert message in reply.json()["error"]


def test_more_intents_than_any_index_are_all() -> None:
    found = _first_ranked({"play": 0.7, "stop": 0.3}, 10**30)
    assert [one.intent for one in found] == ["play", "stop"]
