"""API keys and tokens, and sentences about them. The keys are made up."""

import pytest

from intentflow.redaction.anonymizer import redact_text


@pytest.mark.parametrize(
    "key",
    [
        "sk-" + "proj-abcDEF1234567890abcd",
        "ghp" + "_abcdefghijklmnopqrstuvwxyz0123456789",
        "AKIA" + "IOSFODNN7EXAMPLE",
        "xoxb" + "-123456789012-abcdefghijkl",
        "AIza" + "SyA1234567890abcdefghijklmnopqrstuv",
        "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.dozjgNryP4J3jVmNHl0w5N",
    ],
)
def test_a_key_is_found_by_its_prefix(key: str) -> None:
    assert redact_text(f"use {key} please") == "use {{API_KEY}} please"


@pytest.mark.parametrize(
    "before",
    ["token: ", "api key is ", "密钥是", "aws_secret_access_key=", "Authorization: Bearer "],
)
def test_a_key_is_found_after_a_word_for_it(before: str) -> None:
    assert redact_text(f"{before}9f86d081884c7d659a2feaa0") == f"{before}{{{{API_KEY}}}}"


@pytest.mark.parametrize(
    "text",
    ["buy tokens at binance.com", "my token does not work", "what is a secret key", "token 12345"],
)
def test_a_sentence_about_a_key_stays(text: str) -> None:
    assert redact_text(text) == text
