"""What the typed clients send and read, without a service."""

from __future__ import annotations

import httpx
import pytest

from intentflow.client import IntentClient, ServiceFailure
from intentflow.client.requests import ClientOptions, ServiceRequests
from intentflow.errors import InputError, UsageError

URL = "http://127.0.0.1:9"


@pytest.mark.parametrize("content", [b"<html>", b"[]", b"{}", b'"stored"'])
def test_a_correction_that_something_else_answers_is_a_failure(content: bytes) -> None:
    requests = ServiceRequests(URL, ClientOptions())
    with pytest.raises(ServiceFailure, match="is no intent service"):
        requests.read_stored(httpx.Response(200, content=content))


def test_one_utterance_is_no_list_of_letters() -> None:
    with (
        IntentClient(URL, retries=0) as client,
        pytest.raises(UsageError, match="takes a list of utterances; recognize takes one"),
    ):
        client.recognize_all("stop it")


def test_half_of_a_surrogate_pair_is_not_sent() -> None:
    with (
        IntentClient(URL, retries=0) as client,
        pytest.raises(InputError, match="half of a surrogate pair"),
    ):
        client.recognize("stop \ud800")


@pytest.mark.parametrize("token", ["first\nsecond", "ключ"])
def test_a_token_that_no_header_holds_is_refused_and_not_repeated(token: str) -> None:
    with pytest.raises(InputError, match="characters that an HTTP header cannot hold") as caught:
        IntentClient(URL, token=token)
    assert token not in str(caught.value)
