"""Entries of ``spec.canary``: the canary, which may get requests, and the shadow, which gets none.

The name of an entry tells which it is. It is part of its Deployment's name.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from intentflow.deployment.kustomize import Manifest

_SHADOW = re.compile(r"s[0-9a-f]{8}")
_DIGITS = 8


def canary_name(model_digest: str) -> str:
    """The name of a model's canary.

    Example:
        >>> canary_name("0af37c21b9")
        'c0af37c21'
    """
    return f"c{model_digest[:_DIGITS]}"


def shadow_name(model_digest: str) -> str:
    """The name of a model's shadow.

    Example:
        >>> shadow_name("0af37c21b9")
        's0af37c21'
    """
    return f"s{model_digest[:_DIGITS]}"


def canary_entries(service: Mapping[str, Any]) -> list[Manifest]:
    """The entries of an InferenceService that are no shadow."""
    return [entry for entry in _entries(service) if not is_shadow(entry)]


def shadow_entries(service: Mapping[str, Any]) -> list[Manifest]:
    """The entries of an InferenceService that are its shadow: one, or none."""
    return [entry for entry in _entries(service) if is_shadow(entry)]


def is_shadow(entry: Mapping[str, Any]) -> bool:
    """Whether an entry is a shadow.

    Example:
        >>> is_shadow({"predictor": {"name": "s0af37c21"}, "trafficPercent": 0})
        True
    """
    return bool(_SHADOW.fullmatch(str(entry["predictor"].get("name", ""))))


def _entries(service: Mapping[str, Any]) -> list[Manifest]:
    return list((service.get("spec") or {}).get("canary") or ())
