"""YAML from outside: one loader, whose limits keep a small file from taking minutes or memory.

Aliases let a file of a few hundred bytes stand for billions of values ("billion laughs"). The
values are therefore counted as they would be written out, before any is made.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import yaml

from intentflow.errors import IntentflowError

MAX_YAML_CHARACTERS = 16_000_000
MAX_YAML_VALUES = 1_000_000
"""Values of one document, aliases written out."""
MAX_YAML_DEPTH = 100


class _SafeLoader(yaml.SafeLoader):
    """Refuses a key that stands twice, of which YAML would silently take the last."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        """The mapping, its keys looked at first."""
        seen = set()
        for key, _ in node.value:
            if key.tag != "tag:yaml.org,2002:merge" and isinstance(key, yaml.ScalarNode):
                if key.value in seen:
                    raise yaml.constructor.ConstructorError(
                        None, None, f"the key {key.value} stands twice", key.start_mark
                    )
                seen.add(key.value)
        return super().construct_mapping(node, deep)


def load_yaml_text(text: str, where: str) -> Any:
    """The value of one YAML document.

    Args:
        text: The document.
        where: File name for messages.

    Returns:
        Mappings, lists and plain values; None for an empty document.

    Raises:
        IntentflowError: Not one YAML document, a key that stands twice, or more than the limits of
            this module allow; with the file and the line.

    Example:
        >>> load_yaml_text("minimum_rows: 200", "policy.yaml")
        {'minimum_rows': 200}
    """
    documents = [value for _, value in yaml_documents(text, where)]
    if len(documents) > 1:
        raise IntentflowError(f"{where}: holds {len(documents)} documents; one was expected")
    return documents[0] if documents else None


def yaml_documents(text: str, where: str) -> list[tuple[yaml.Node, Any]]:
    """Every document of a YAML stream: its node, which knows its place in the text, and its value.

    Raises:
        IntentflowError: As for :func:`load_yaml_text`.
    """
    if len(text) > MAX_YAML_CHARACTERS:
        raise IntentflowError(
            f"{where}: {len(text)} characters of YAML; at most {MAX_YAML_CHARACTERS} are read"
        )
    try:
        return list(_documents(text, where))
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = f" line {mark.line + 1}" if mark else ""
        reason = getattr(error, "problem", None) or "cannot be read"
        raise IntentflowError(f"{where}{line}: not YAML: {reason}") from None
    except RecursionError:
        raise _too_deep(where) from None
    except ValueError as error:  # a date or a number that there is not
        raise IntentflowError(f"{where}: not YAML: {error}") from None


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
    """How many values a node stands for, its aliases written out."""
    if id(node) in above:
        raise IntentflowError(f"{where}: an alias (*) stands within what it names")
    if len(above) > MAX_YAML_DEPTH:
        raise _too_deep(where)
    if id(node) not in counted:
        inner = (*above, id(node))
        counted[id(node)] = 1 + sum(
            _count_values(child, where, counted, inner) for child in _children(node)
        )
    if counted[id(node)] > MAX_YAML_VALUES:
        raise IntentflowError(
            f"{where}: stands for more than {MAX_YAML_VALUES} values, by aliases (*) of aliases "
            "or by its length; write out what is needed"
        )
    return counted[id(node)]


def _children(node: yaml.Node) -> list[yaml.Node]:
    if isinstance(node, yaml.MappingNode):
        return [part for pair in node.value for part in pair]
    return list(node.value) if isinstance(node, yaml.SequenceNode) else []


def _too_deep(where: str) -> IntentflowError:
    return IntentflowError(f"{where}: nested more than {MAX_YAML_DEPTH} levels deep")
