"""No secret stands in an address that is used, and none in one that is shown."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from intentflow.errors import IntentflowError
from intentflow.io.addresses import mask_secrets, require_address

_SECRET = st.text(st.sampled_from("abcXYZ0123456789-_.~%"), min_size=8, max_size=20)
_FORMS = (
    "http://{}@host/v1",
    "https://me:{}@host:8080",
    "http://{}:x@host",
    "https://host/v1?access_token={}",
    "https://host/?page=1&api_key={}",
    "https://host?X-Amz-Signature={}&page=2",
    "https://host/v1?KEY={}",
)


@pytest.mark.parametrize("address", ["http://127.0.0.1:8000", "https://host/v1?api-version=2024"])
def test_address_without_a_secret_is_taken(address: str) -> None:
    assert require_address(address, "--url") == address


def test_slashes_at_the_end_do_not_count() -> None:
    assert require_address(" http://host/v1// ", "--url") == "http://host/v1"


@pytest.mark.parametrize(
    "address",
    ["", "host", "ftp://host", "http://", "http://host:port", "http://ho st", "http://[::1"],
)
def test_what_is_no_address_is_refused(address: str) -> None:
    with pytest.raises(IntentflowError, match=r"--url .*: expected http\(s\)://host"):
        require_address(address, "--url")


@pytest.mark.parametrize("form", _FORMS)
@given(secret=_SECRET)
def test_secret_is_refused_and_not_repeated(form: str, secret: str) -> None:
    with pytest.raises(IntentflowError) as refused:
        require_address(form.format(secret), "--url", "OPENAI_API_KEY")
    assert secret not in str(refused.value)
    assert "OPENAI_API_KEY" in str(refused.value) or "expected http" in str(refused.value)


@pytest.mark.parametrize("form", _FORMS)
@given(secret=_SECRET)
def test_secret_is_masked_within_a_message(form: str, secret: str) -> None:
    shown = mask_secrets(f"no reply from {form.format(secret)} (timeout)")
    assert secret not in shown
    assert shown.endswith("(timeout)")


def test_what_is_no_secret_is_shown() -> None:
    text = "https://host/v1?page=2&sort=asc: HTTP 500; user@example.com wrote"
    assert mask_secrets(text) == text
