"""The KFP API's mock refuses what the API's description does not allow."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from typing import Any

import pytest

from tests.real_parts.kfp import KfpApi

pytestmark = pytest.mark.real


def _status(api: KfpApi, path: str, body: Any = None, token: str = "Bearer a-token") -> int:
    headers = {"authorization": token, "content-type": "application/json"}
    content = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(f"{api.url}/apis/v2beta1{path}", content, headers)
    try:
        with urllib.request.urlopen(request) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code


def test_a_run_of_known_fields_is_taken(kfp_api: KfpApi) -> None:
    parameters = {"sources": ["s3://data/export.jsonl"], "seed": 1}
    body = {"display_name": "weekly", "runtime_config": {"parameters": parameters}}
    assert _status(kfp_api, "/runs", body) == 200


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/runs", {"displayname": "weekly"}),
        ("/runs", {"runtime_config": {"params": {}}}),
        ("/experiments", {"display_name": 3}),
        ("/recurringruns", {"mode": "NOW"}),
        ("/experiments?page_size=many", None),
    ],
    ids=["unknown field", "unknown field inside", "type", "value", "query"],
)
def test_a_request_outside_the_description_is_refused(
    kfp_api: KfpApi, path: str, body: Any
) -> None:
    assert _status(kfp_api, path, body) == 422


def test_a_call_that_is_not_described_is_not_found(kfp_api: KfpApi) -> None:
    assert _status(kfp_api, "/visualizations/team-a", {}) == 404
