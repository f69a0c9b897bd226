"""Configuration files: pydantic models read from YAML that refuse unknown keys by name."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Self, TypeVar, get_args

from pydantic import (
    AliasChoices,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    GetJsonSchemaHandler,
    StringConstraints,
    ValidationError,
    model_validator,
)
from pydantic.json_schema import JsonSchemaValue

from intentflow.errors import InputError
from intentflow.io.safe_yaml import load_yaml_text
from intentflow.io.validation_messages import form, plain_message
from intentflow.overrides import Override, Overrides, apply_overrides, origin, parsed

Mark = TypeVar("Mark")

DNS_LABEL = form(
    r"^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$",
    "at most 63 lower-case letters, digits and hyphens, such as intent-en",
)
"""Pattern of a Kubernetes name that is also a host name's label (RFC 1123)."""


def _without_paths(value: object) -> object:
    if isinstance(value, list):
        return [_without_paths(item) for item in value]
    return str(value) if isinstance(value, Path) else value


def number_as_text(value: object) -> object:
    """A number of YAML, such as ``cpu: 4``, as text; all else, truth values too, as it is."""
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return str(value) if is_number else value


Quantity = Annotated[
    str,
    BeforeValidator(number_as_text),
    StringConstraints(
        pattern=form(
            r"^[0-9]+(\.[0-9]+)?(m|k|M|G|T|Ki|Mi|Gi|Ti)?$", "a quantity such as 4, 500m or 16Gi"
        )
    ),
]
"""A Kubernetes quantity, such as ``500m`` or ``16Gi``; YAML may have a number."""


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

    model_config = ConfigDict(extra="forbid", populate_by_name=True, allow_inf_nan=False)

    @model_validator(mode="before")
    @classmethod
    def _paths_are_texts(cls, document: object) -> object:
        """From Python, a file or folder may be a ``Path``."""
        if not isinstance(document, Mapping):
            return document
        return {key: _without_paths(value) for key, value in document.items()}

    @model_validator(mode="before")
    @classmethod
    def _truth_values_are_no_numbers(cls, document: object) -> object:
        """``minimum_rows: yes`` would silently be 1."""
        given: Mapping[Any, Any] = document if isinstance(document, Mapping) else {}
        for name in _number_fields(cls):
            if isinstance(given.get(name), bool):
                found = str(given[name]).lower()
                raise ValueError(
                    f"{name}: expected a number, not {found}: YAML reads yes, on and true, and "
                    "no, off and false as truth values"
                )
        return document

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
    def from_mapping(cls, document: object, where: str, overrides: Sequence[Override] = ()) -> Self:
        """Check a parsed document.

        Args:
            document: The parsed content of the YAML file.
            where: File name for error messages.
            overrides: Settings that were applied to it; a wrong one is named in the file's place.

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
            raise InputError(_explain(cls, error, where, overrides)) from None

    @classmethod
    def from_yaml(cls, path: str | Path, overrides: Overrides = ()) -> Self:
        """Read a YAML file and apply ``key.sub=value`` overrides."""
        document, settings = load_yaml(path), parsed(overrides)
        if document is None or isinstance(document, Mapping):
            document = apply_overrides(document, settings)
        return cls.from_mapping(document, str(path), settings)


@dataclass(frozen=True)
class Flag:
    """Spelling of a configuration's field on the command line.

    Attributes:
        names: Spellings, such as ``-n`` and ``--namespace``; one without dashes is a positional
            argument. The field's own name with dashes if empty.
        metavar: Placeholder of the value in ``--help``.
        read: Function from the flag's text to the field's value; None for the field's own reading.

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
        read: Function from the file's name to the document.
        model: Type of the document.

    Returns:
        A validator for ``Annotated``.
    """

    def read_text(value: object) -> object:
        return read(str(value)) if isinstance(value, str | Path) else value

    return BeforeValidator(read_text, json_schema_input_type=str | model)


def marker(kind: type[Mark], metadata: Iterable[Any]) -> Mark | None:
    """The mark of a kind among a field's metadata; None where there is none."""
    return next((mark for mark in metadata if isinstance(mark, kind)), None)


def load_yaml(path: str | Path) -> Any:
    """Read one YAML document.

    Raises:
        InputError: The file is missing, a folder, not UTF-8 or not YAML.
    """
    try:
        text = _read_text(str(path))
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: not UTF-8 (byte {error.start})") from None
    except IsADirectoryError:
        inside = Path(path, "run.yaml")
        hint = f", such as {inside}" if inside.is_file() else ""
        raise InputError(f"{path} is a folder; give a file{hint}") from None
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


def nearest(name: str, known: Iterable[str]) -> str | None:
    """The known name most similar to ``name``, or None if none is similar.

    Example:
        >>> nearest("learing_rate", ["learning_rate", "seed"])
        'learning_rate'
    """
    found = difflib.get_close_matches(name, list(known), n=1, cutoff=0.6)
    return found[0] if found else None


_WORD = re.compile(r"\w+")


def _explain(
    model: type[BaseModel], error: ValidationError, where: str, overrides: Sequence[Override]
) -> str:
    return "; ".join(
        f"{_place(item, where, overrides)}: {_explain_one(model, item)}"
        for item in error.errors()[:3]
    )


def _place(item: Any, where: str, overrides: Sequence[Override]) -> str:
    """The setting that gave the value, or that a rule about several keys names, or the file."""
    location = [str(part) for part in item["loc"]]
    setting = origin(location, overrides)
    below = [it for it in overrides if [*it.keys[: len(location)]] == location]
    if setting is None and item["type"] == "extra_forbidden":  # of a section that it made
        setting = next(iter(below), None)
    elif setting is None and item["type"] == "value_error":
        words = set(_WORD.findall(plain_message(item)))
        setting = next((it for it in below if it.keys[-1] in words), None)
    return f"--set {setting.text}" if setting else where


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


@cache
def _number_fields(model: type[BaseModel]) -> tuple[str, ...]:
    """Names of the fields that take a number, and no truth value."""
    return tuple(
        name
        for name, field in model.model_fields.items()
        if {int, float} & (kinds := {field.annotation, *get_args(field.annotation)})
        and bool not in kinds
    )


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
