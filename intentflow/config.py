"""Configuration files: pydantic models read from YAML that refuse unknown keys by name."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self, TypeVar

from pydantic import (
    AliasChoices,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    GetJsonSchemaHandler,
    ValidationError,
    model_validator,
)
from pydantic.json_schema import JsonSchemaValue

from intentflow.errors import InputError, IntentflowError, UsageError
from intentflow.io.safe_yaml import load_yaml_text
from intentflow.io.validation_messages import plain_message

Mark = TypeVar("Mark")

DNS_LABEL = r"^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$"
"""Pattern of a Kubernetes name that is also a host name's label (RFC 1123)."""

QUANTITY = r"^[0-9]+(\.[0-9]+)?(m|k|M|G|T|Ki|Mi|Gi|Ti)?$"
"""Pattern of a Kubernetes quantity, such as ``500m`` or ``16Gi``."""


class DescribedModel(BaseModel):
    """A model whose JSON Schema describes a file: without the docstring's example of Python."""

    @classmethod
    def __get_pydantic_json_schema__(
        cls, core_schema: Any, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        """The schema, its description up to the example."""
        schema = handler(core_schema)
        document = handler.resolve_ref_schema(schema)
        if "description" in document:
            document["description"] = document["description"].partition("\n\nExample:")[0]
        return schema


class StrictModel(DescribedModel):
    """A configuration section: unknown keys are errors."""

    model_config = ConfigDict(extra="forbid", populate_by_name=True)

    @model_validator(mode="before")
    @classmethod
    def _one_name_a_key(cls, document: object) -> object:
        """A key and another name of it would silently be decided by their order."""
        document_keys = set(document) if isinstance(document, Mapping) else set()
        for names in _aliased(cls):
            given = [name for name in names if name in document_keys]
            if len(given) > 1:
                key, *others = given
                raise ValueError(f"{others[0]} is another name for {key}: give one of them")
        return document

    @classmethod
    def from_mapping(cls, document: object, where: str) -> Self:
        """Check a parsed document.

        Args:
            document: The parsed content of the YAML file.
            where: File name for error messages.

        Raises:
            InputError: A key is unknown, missing or has an invalid value; the message names
                the file, the key and, for an unknown key, the most similar known one.
        """
        if document is None:
            document = {}
        if not isinstance(document, Mapping):
            raise InputError(f"{where}: expected keys and values, not {_kind(document)}")
        try:
            return cls.model_validate(document)
        except ValidationError as error:
            raise InputError(_explain(cls, error, where)) from None

    @classmethod
    def from_yaml(cls, path: str | Path, overrides: Iterable[str] = ()) -> Self:
        """Read a YAML file and apply ``key.sub=value`` overrides."""
        document = load_yaml(path)
        if document is None or isinstance(document, Mapping):
            document = apply_overrides(document, overrides)
        return cls.from_mapping(document, str(path))


@dataclass(frozen=True)
class Flag:
    """Spelling of a configuration's field on the command line.

    Attributes:
        names: Spellings, such as ``-n`` and ``--namespace``; one without dashes is a positional
            argument. The field's own name with dashes if empty.
        metavar: Placeholder of the value in ``--help``.
        read: From the flag's text to the field's value; the field reads it itself if None.

    Example:
        >>> from typing import Annotated
        >>> class Cut(StrictModel):
        ...     test_share: Annotated[float, Flag("--test", metavar="X")] = 0.1
    """

    names: tuple[str, ...]
    metavar: str | None = None
    read: Callable[[str], Any] | None = None

    def __init__(
        self, *names: str, metavar: str | None = None, read: Callable[[str], Any] | None = None
    ) -> None:
        object.__setattr__(self, "names", names)
        object.__setattr__(self, "metavar", metavar)
        object.__setattr__(self, "read", read)


@dataclass(frozen=True)
class Place:
    """Marks a field that names a file, a folder or a URI.

    A relative path counts from the file that names it.

    Attributes:
        is_name: Whether a text is no path but a name, such as a shipped recipe's; never if None.
    """

    is_name: Callable[[str], bool] | None = None


def as_list(value: object) -> object:
    """A list of one, for a key that takes one text or several.

    Example:
        >>> as_list("calls.csv"), as_list(["a.csv", "b.csv"])
        (['calls.csv'], ['a.csv', 'b.csv'])
    """
    return [value] if isinstance(value, str) else value


def from_file(read: Callable[[str], Any], model: type[BaseModel]) -> BeforeValidator:
    """Let a field take its document as it is, or the name of the file that holds it.

    Args:
        read: From the file's name to the document.
        model: Type of the document.

    Returns:
        For ``Annotated``.
    """

    def read_text(value: object) -> object:
        return read(str(value)) if isinstance(value, str | Path) else value

    return BeforeValidator(read_text, json_schema_input_type=str | model)


def number_as_text(value: object) -> object:
    """A number of YAML, such as ``cpu: 4``, as text; all else, truth values too, as it is."""
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return str(value) if is_number else value


def marker(kind: type[Mark], metadata: Iterable[Any]) -> Mark | None:
    """The mark of a kind among a field's metadata; None where there is none."""
    return next((mark for mark in metadata if isinstance(mark, kind)), None)


def load_yaml(path: str | Path) -> Any:
    """Read one YAML document.

    Raises:
        InputError: The file is missing, not UTF-8 or not YAML.
    """
    try:
        text = _read_text(str(path))
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: not UTF-8 (byte {error.start})") from None
    except OSError as error:
        raise InputError(f"{path}: {error.strerror}") from None
    return load_yaml_text(text, str(path))


def _read_text(path: str) -> str:
    if not path.startswith("s3://"):
        return Path(path).read_text(encoding="utf-8")
    import tempfile

    from intentflow.storage import fetch

    with tempfile.TemporaryDirectory() as folder:
        return fetch(path, folder).read_text(encoding="utf-8")


def apply_overrides(document: Any, overrides: Iterable[str]) -> Any:
    """Apply ``key.sub=value`` settings to a parsed document; values are read as YAML.

    Raises:
        UsageError: A setting has no ``=``, or addresses a key below a plain value.

    Example:
        >>> apply_overrides({"recipe": {"seed": 1}}, ["recipe.learning_rate=5e-5"])
        {'recipe': {'seed': 1, 'learning_rate': 5e-05}}
    """
    result = dict(document or {})
    for setting in overrides:
        key, equals, value = setting.partition("=")
        if not equals or not key:
            raise UsageError(f"--set {setting}: expected key=value")
        _set_key(result, key.split("."), _parse_value(value, setting), setting)
    return result


def _parse_value(text: str, setting: str) -> Any:
    """A setting's value as YAML; 5e-5, which is text in YAML 1.1, is read as a number."""
    try:
        value = load_yaml_text(text, setting)
    except IntentflowError:
        raise UsageError(f"--set {setting}: the value is not YAML") from None
    if isinstance(value, str):
        try:
            return float(value)
        except ValueError:
            return value
    return value


def _set_key(target: dict[str, Any], path: list[str], value: Any, setting: str) -> None:
    for part in path[:-1]:
        inner = target.get(part)
        if inner is not None and not isinstance(inner, dict):
            raise UsageError(f"--set {setting}: {part} is not a section")
        target[part] = dict(inner or {})
        target = target[part]
    target[path[-1]] = value


def nearest(name: str, known: Iterable[str]) -> str | None:
    """The known name most similar to ``name``, or None if none is similar.

    Example:
        >>> nearest("learing_rate", ["learning_rate", "seed"])
        'learning_rate'
    """
    found = difflib.get_close_matches(name, list(known), n=1, cutoff=0.5)
    return found[0] if found else None


def _explain(model: type[BaseModel], error: ValidationError, where: str) -> str:
    return "; ".join(f"{where}: {_explain_one(model, item)}" for item in error.errors()[:3])


def _explain_one(model: type[BaseModel], item: Any) -> str:
    location = [str(part) for part in item["loc"]]
    is_name = location[-1:] == ["[key]"]  # a key of a map, itself of another type than expected
    key = ".".join(location[:-2] if is_name else location)
    if is_name:
        return f"{key}: a name in it: {plain_message(item)}"
    if item["type"] == "extra_forbidden":
        guess = nearest(location[-1], _known_keys(model, item["loc"][:-1]))
        hint = f"; did you mean {guess}?" if guess else ""
        return f"unknown key {key}{hint}"
    if item["type"] == "missing":
        return f"{key} is missing"
    message = plain_message(item)
    return f"{key}: {message}" if key else message


def _known_keys(model: type[BaseModel], path: Iterable[Any]) -> set[str]:
    """The keys of the section at ``path``, which may lead through maps and lists of sections."""
    current: Any = model
    for part in path:
        field = getattr(current, "model_fields", {}).get(str(part))
        if field is None:
            continue  # a key of a map or an index of a list
        found = _models_in(field.annotation)
        if not found:
            return _keys_of(model)
        current = found[0]
    return _keys_of(current)


def _models_in(annotation: Any) -> list[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [m for part in getattr(annotation, "__args__", ()) for m in _models_in(part)]


def _keys_of(model: type[BaseModel]) -> set[str]:
    return {*model.model_fields, *(name for names in _aliased(model) for name in names)}


def _aliased(model: type[BaseModel]) -> list[list[str]]:
    """All names of each field that has several, its own first."""
    found = []
    for name, field in model.model_fields.items():
        if isinstance(field.validation_alias, AliasChoices):
            others = [n for n in field.validation_alias.choices if isinstance(n, str) and n != name]
            found.append([name, *others])
    return found


def _kind(document: object) -> str:
    names = {"list": "a list", "str": "plain text"}
    return names.get(type(document).__name__, type(document).__name__)
