"""Addresses and host names that KServe makes of a service's options."""

from __future__ import annotations

import re

# KServe reads an address as a URL, and would fetch the part before such a character.
_NOT_IN_ADDRESSES = re.compile(r"[#?\s]")
_MAX_LABEL_LENGTH = 63
# The name of a canary's predictor, which it keeps as the predictor: see traffic_split.
_CANARY_NAME = "cNNNNNNNNb"


def address_fault(uri: str) -> str | None:
    """The reason why KServe cannot fetch a model from an address; None if it can."""
    found = _NOT_IN_ADDRESSES.search(uri)
    if found is None:
        return None
    kind = "a blank" if found[0].isspace() else found[0]
    return f"{uri!r} contains {kind}, which KServe cannot fetch: publish the model elsewhere"


def host_fault(name: str, namespace: str, *, transformer: bool, canary: bool) -> str | None:
    """The reason why a service's hosts are no DNS names; None if they are.

    Args:
        name: Name of the service.
        namespace: Namespace of the service.
        transformer: Whether it has a transformer.
        canary: Whether it has a canary.
    """
    parts = [f"{name}-predictor"]
    parts += [f"{name}-transformer"] if transformer else []
    parts += [f"{name}-{_CANARY_NAME}-predictor"] if canary else []
    longest = max((f"{part}-{namespace}" for part in parts), key=len)
    surplus = len(longest) - _MAX_LABEL_LENGTH
    if surplus <= 0:
        return None
    return (
        f"the host {longest} of KServe's default domain has {len(longest)} characters, and DNS "
        f"allows {_MAX_LABEL_LENGTH}: shorten name or namespace by {surplus}"
    )
