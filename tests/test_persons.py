"""Keyed hashes of persons."""

import pytest

from intentflow.errors import InputError
from intentflow.persons import PersonKey, is_person_hash

KEY = "a key of the tests, not a secret"


def test_another_key_gives_another_hash() -> None:
    assert PersonKey(KEY.encode()).hashed("c-1") != PersonKey(b"another key of tests").hashed("c-1")


def test_a_hash_is_hmac_sha256_of_the_id() -> None:
    # `printf c-1042 | openssl dgst -sha256 -hmac 'a key of 16 byte'`
    assert PersonKey(b"a key of 16 byte").hashed("c-1042") == (
        "hmac-sha256-0cc586ab9c87066f14fcd2cb7062da6096ace9757e6e18b3b72ca729a88f8340"
    )


def test_a_key_that_can_be_guessed_is_refused() -> None:
    with pytest.raises(InputError, match="fewer than 16 bytes"):
        PersonKey.find({"INTENTFLOW_PERSON_KEY": "short"})


def test_a_key_is_not_shown() -> None:
    assert KEY not in repr(PersonKey(KEY.encode()))


def test_an_id_is_no_hash() -> None:
    assert not is_person_hash("hmac-sha256-c-1042")
