"""Requests that schemathesis makes of the OpenAPI document, for every route of both servers."""

from __future__ import annotations

import os

import pytest

from tests.serving.api_cases import send_cases
from tests.serving.servers import Servers
from tests.serving.transformer.conftest import TOKEN

pytestmark = pytest.mark.real

CASES = int(os.environ.get("INTENTFLOW_API_CASES", "500"))
"""For both servers together."""


@pytest.mark.timeout(300 + CASES)
@pytest.mark.parametrize("server", [0, 1], ids=["laptop", "cluster"])
def test_every_response_is_as_the_document_describes_it(servers: Servers, server: int) -> None:
    outcome = send_cases(servers.urls[server], TOKEN, CASES // 2)
    assert outcome.failures == []
    assert outcome.cases >= 0.9 * (CASES // 2)
    answered = {label for label, status in outcome.statuses if status < 300}
    assert answered == {label for label, _ in outcome.statuses}
