"""The engine of a service: what ``manifests/base`` and the deployment's options make of it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from intentflow.artifacts.verdict import ServingEngine
from intentflow.deployment.kustomize import build
from intentflow.environment import resource

_IMAGE = "vllm/vllm-openai"
_VERSION = re.compile(r"v?(\d+(?:\.\d+)+(?:(?:a|b|rc|\.post|\.dev)\d+)*)")
_STRUCTURED = "--structured-outputs-config"
_QUANTIZATION = ("--quantization", "-q")


def serving_engine(vllm_version: str | None, vllm_args: Sequence[str]) -> ServingEngine:
    """The engine that serves with these options.

    Args:
        vllm_version: Tag of vLLM's image; None for that of ``manifests/base``.
        vllm_args: Further arguments of vLLM, which override those of ``manifests/base``.

    Example:
        >>> serving_engine("v0.31.2-cu130", ["--quantization=awq"]).engine_version
        '0.31.2'
    """
    container = _container()
    arguments = [*container["args"], *vllm_args]
    tag = vllm_version or str(container["image"]).rpartition(":")[2]
    return ServingEngine(
        engine="vllm",
        engine_version=public_version(tag),
        quantization=_last(value for name, value in _flags(arguments) if name in _QUANTIZATION),
        grammar_backend=_last(_backends(arguments)),
    )


def public_version(text: str | None) -> str | None:
    """The version in an image's tag or in a package's version; None if there is none.

    Example:
        >>> public_version("v0.32.0"), public_version("0.32.0+cpu"), public_version("nightly")
        ('0.32.0', '0.32.0', None)
    """
    found = _VERSION.match(text or "")
    return found[1] if found else None


def _container() -> dict[str, Any]:
    for item in build(resource("manifests/base"), []):
        for container in item.get("spec", {}).get("containers", []):
            if str(container.get("image", "")).startswith(_IMAGE):
                found: dict[str, Any] = container
                return found
    raise LookupError(f"manifests/base has no container with {_IMAGE}")


def _flags(arguments: Iterable[str]) -> Iterator[tuple[str, str]]:
    """Name and value of every argument that has one, in either of its two forms."""
    words = list(arguments)
    for word, following in zip(words, [*words[1:], ""], strict=True):
        name, equals, value = word.partition("=")
        if name.startswith("-"):
            yield name.replace("_", "-"), value if equals else following


def _backends(arguments: Iterable[str]) -> Iterator[str]:
    for name, value in _flags(arguments):
        if name == f"{_STRUCTURED}.backend":
            yield value
        elif name == _STRUCTURED:
            try:
                yield str(json.loads(value).get("backend", "auto"))
            except (ValueError, AttributeError):
                yield value


def _last(values: Iterable[str]) -> str | None:
    found = list(values)
    return found[-1] if found else None
