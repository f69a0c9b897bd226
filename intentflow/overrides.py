"""Settings of the form ``key.sub=value``, which override keys of a configuration file.

Their values are YAML, as in the file.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Self

from intentflow.errors import IntentflowError, UsageError
from intentflow.io.safe_yaml import load_yaml_text


@dataclass(frozen=True)
class Override:
    """A setting of one key.

    Attributes:
        text: The setting as it was given, such as ``recipe.seed=1``.
        keys: Keys that lead to the value from the top of the document.
        value: The value.

    Example:
        >>> Override.parse("recipe.seed=1")
        Override(text='recipe.seed=1', keys=('recipe', 'seed'), value=1)
    """

    text: str
    keys: tuple[str, ...]
    value: Any

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read a setting.

        Raises:
            UsageError: The setting has no key or no ``=``, or its value is not YAML.
        """
        key, equals, value = text.partition("=")
        keys = tuple(key.split("."))
        if not equals or not all(keys):
            raise UsageError(f"--set {text}: expected key=value")
        try:
            return cls(text, keys, load_yaml_text(value, text))
        except IntentflowError:
            raise UsageError(f"--set {text}: the value is not YAML") from None

    @property
    def below(self) -> Self:
        """The same setting for the document under its first key."""
        return type(self)(self.text, self.keys[1:], self.value)


Overrides = Iterable[str | Override]
"""Settings, some of them parsed already."""


def parsed(overrides: Overrides) -> list[Override]:
    """The settings, parsed.

    Raises:
        UsageError: One of them cannot be read.
    """
    return [Override.parse(one) if isinstance(one, str) else one for one in overrides]


def apply_overrides(document: Any, overrides: Overrides) -> Any:
    """Apply ``key.sub=value`` settings to a parsed document; values are read as YAML.

    Raises:
        UsageError: A setting has no ``=``, or addresses a key below a plain value.

    Example:
        >>> apply_overrides({"recipe": {"seed": 1}}, ["recipe.method=lora"])
        {'recipe': {'seed': 1, 'method': 'lora'}}
    """
    result = dict(document or {})
    for override in parsed(overrides):
        _set_key(result, override)
    return result


def origin(location: Sequence[str], overrides: Iterable[Override]) -> Override | None:
    """The last setting that gave the value at a location of the document; None if none did.

    Args:
        location: Keys that lead to the value.
        overrides: The settings that were applied.
    """
    found = [one for one in overrides if tuple(location[: len(one.keys)]) == one.keys]
    return found[-1] if found else None


def _set_key(target: dict[str, Any], override: Override) -> None:
    for part in override.keys[:-1]:
        inner = target.get(part)
        if inner is not None and not isinstance(inner, dict):
            raise UsageError(f"--set {override.text}: {part} is not a section")
        target[part] = dict(inner or {})
        target = target[part]
    target[override.keys[-1]] = override.value
