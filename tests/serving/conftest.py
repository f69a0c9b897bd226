"""The two HTTP servers, started once for all tests that change nothing of them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.serving.servers import Servers, both_servers


@pytest.fixture(scope="session")
def servers(tiny_base_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Servers]:
    """Both servers with one model."""
    with both_servers(tiny_base_model, tmp_path_factory.mktemp("servers")) as both:
        yield both
