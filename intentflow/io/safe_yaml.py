"""Loader for untrusted YAML, with limits on time and memory.

Aliases let a file of a few hundred bytes expand to billions of values ("billion laughs"). Values
are therefore counted with aliases expanded before any of them is constructed.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import yaml

from intentflow.errors import InputError
from intentflow.io.surrogates import is_unicode

MAX_YAML_CHARACTERS = 16_000_000
MAX_YAML_VALUES = 1_000_000
"""Maximum number of values in one document, aliases expanded."""
MAX_YAML_DEPTH = 100

# As for the tagged values !!int '', !!bool x and !!timestamp x, and the escape "\UFFFFFFFF".
_UNEXPECTED_BY_THE_LIBRARY = (ArithmeticError, AttributeError, LookupError, TypeError)


class _SafeLoader(yaml.SafeLoader):
    """Refuses a repeated key, of which YAML would silently take the last."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        """Construct a mapping after checking its keys for repeats."""
        seen = set()
        for key, _ in node.value:
            if key.tag != "tag:yaml.org,2002:merge" and isinstance(key, yaml.ScalarNode):
                if key.value in seen:
                    raise yaml.constructor.ConstructorError(
                        None, None, f"the key {key.value} is repeated", key.start_mark
                    )
                seen.add(key.value)
        return super().construct_mapping(node, deep)


def load_yaml_text(text: str, where: str) -> Any:
    """The value of one YAML document.

    Args:
        text: The document.
        where: File name for error messages.

    Returns:
        Mappings, lists and plain values; None for an empty document.

    Raises:
        InputError: The text is not one YAML document, repeats a key, or exceeds the limits of
            this module; the message names the file and the line.

    Example:
        >>> load_yaml_text("minimum_rows: 200", "policy.yaml")
        {'minimum_rows': 200}
    """
    documents = [value for _, value in yaml_documents(text, where)]
    if len(documents) > 1:
        raise InputError(f"{where}: contains {len(documents)} documents; expected one")
    return documents[0] if documents else None


def yaml_documents(text: str, where: str) -> list[tuple[yaml.Node, Any]]:
    """Every document of a YAML stream: its node, which has positions in the text, and its value.

    Raises:
        InputError: The text is not YAML, or exceeds the limits of this module.
    """
    if len(text) > MAX_YAML_CHARACTERS:
        raise InputError(
            f"{where}: {len(text)} characters of YAML exceed the limit of {MAX_YAML_CHARACTERS}"
        )
    try:
        return list(_documents(text, where))
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = f" line {mark.line + 1}" if mark else ""
        reason = getattr(error, "problem", None) or "cannot be read"
        raise InputError(f"{where}{line}: not YAML: {reason}") from None
    except RecursionError:
        raise _too_deep(where) from None
    except ValueError as error:  # an impossible date or number
        raise InputError(f"{where}: not YAML: {error}") from None
    except _UNEXPECTED_BY_THE_LIBRARY:
        raise InputError(
            f"{where}: not YAML: a value does not fit its tag (!!), or an escape is no character"
        ) from None


def _documents(text: str, where: str) -> Iterator[tuple[yaml.Node, Any]]:
    loader = _SafeLoader(text)
    try:
        while loader.check_node():
            node = loader.get_node()
            assert node is not None  # as check_node has found
            _count_values(node, where, {}, ())
            yield node, loader.construct_document(node)
    finally:
        loader.dispose()


def _count_values(
    node: yaml.Node, where: str, counted: dict[int, int], above: tuple[int, ...]
) -> int:
    """Number of values of a node, its aliases expanded."""
    if id(node) in above:
        raise InputError(f"{where}: an alias (*) is inside the value that it refers to")
    if len(above) > MAX_YAML_DEPTH:
        raise _too_deep(where)
    if isinstance(node, yaml.ScalarNode):
        _require_characters(node, where)
    if id(node) not in counted:
        inner = (*above, id(node))
        counted[id(node)] = 1 + sum(
            _count_values(child, where, counted, inner) for child in _children(node)
        )
    if counted[id(node)] > MAX_YAML_VALUES:
        raise InputError(
            f"{where}: expands to more than {MAX_YAML_VALUES} values, by aliases (*) of aliases or "
            "by its length; shorten it or write out the values that are needed"
        )
    return counted[id(node)]


def _require_characters(node: yaml.ScalarNode, where: str) -> None:
    """Refuse an escape of half a character, which no file can hold."""
    if not is_unicode(node.value):
        line = node.start_mark.line + 1
        raise InputError(
            f"{where} line {line}: not YAML: half of a surrogate pair is not a character"
        )


def _children(node: yaml.Node) -> list[yaml.Node]:
    if isinstance(node, yaml.MappingNode):
        return [part for pair in node.value for part in pair]
    return list(node.value) if isinstance(node, yaml.SequenceNode) else []


def _too_deep(where: str) -> InputError:
    return InputError(f"{where}: nested more than {MAX_YAML_DEPTH} levels deep")
