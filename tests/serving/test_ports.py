"""Ports to listen on, looked at before anything is loaded."""

from __future__ import annotations

import pytest

from intentflow.errors import UsageError
from intentflow.serving.ports import require_free_port
from tests.real_parts.process import free_port


def test_an_address_of_ipv6_is_one_of_this_computer_where_it_has_ipv6() -> None:
    try:
        require_free_port("::1", free_port())
    except UsageError as error:
        assert "choose another --host" in str(error)


@pytest.mark.parametrize("host", ["nowhere.invalid", "a" * 300, "a..b"])
def test_a_host_that_is_none_is_named(host: str) -> None:
    with pytest.raises(UsageError, match=r"--host '.*' is no address of this computer"):
        require_free_port(host, free_port())
