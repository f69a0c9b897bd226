"""Tiny tensors are slower on several threads than on one."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.models import one_thread


@pytest.fixture(autouse=True)
def _one_thread() -> Iterator[None]:
    with one_thread():
        yield
