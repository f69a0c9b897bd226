"""Configuration files: pydantic models read from YAML that refuse unknown keys by name."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Self

from pydantic import AliasChoices, BaseModel, ConfigDict, ValidationError

from intentflow.errors import IntentflowError
from intentflow.io.safe_yaml import load_yaml_text


class StrictModel(BaseModel):
    """A configuration section: unknown keys are errors."""

    model_config = ConfigDict(extra="forbid", populate_by_name=True)

    @classmethod
    def from_mapping(cls, document: object, where: str) -> Self:
        """Check a parsed document.

        Args:
            document: The parsed content of the YAML file.
            where: File name for error messages.

        Raises:
            IntentflowError: A key is unknown, missing or has an invalid value; the message names
                the file, the key and, for an unknown key, the most similar known one.
        """
        if document is None:
            document = {}
        if not isinstance(document, Mapping):
            raise IntentflowError(f"{where}: expected keys and values, not {_kind(document)}")
        try:
            return cls.model_validate(document)
        except ValidationError as error:
            raise IntentflowError(_explain(cls, error, where)) from None

    @classmethod
    def from_yaml(cls, path: str | Path, overrides: Iterable[str] = ()) -> Self:
        """Read a YAML file and apply ``key.sub=value`` overrides."""
        document = load_yaml(path)
        if document is None or isinstance(document, Mapping):
            document = apply_overrides(document, overrides)
        return cls.from_mapping(document, str(path))


def load_yaml(path: str | Path) -> Any:
    """Read one YAML document.

    Raises:
        IntentflowError: The file is missing, not UTF-8 or not YAML.
    """
    try:
        text = _read_text(str(path))
    except UnicodeDecodeError as error:
        raise IntentflowError(f"{path}: not UTF-8 (byte {error.start})") from None
    except OSError as error:
        raise IntentflowError(f"{path}: {error.strerror}") from None
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
        IntentflowError: A setting has no ``=``, or addresses a key below a plain value.

    Example:
        >>> apply_overrides({"recipe": {"seed": 1}}, ["recipe.learning_rate=5e-5"])
        {'recipe': {'seed': 1, 'learning_rate': 5e-05}}
    """
    result = dict(document or {})
    for setting in overrides:
        key, equals, value = setting.partition("=")
        if not equals or not key:
            raise IntentflowError(f"--set {setting}: expected key=value")
        _set_key(result, key.split("."), _parse_value(value, setting), setting)
    return result


def _parse_value(text: str, setting: str) -> Any:
    """A setting's value as YAML; 5e-5, which is text in YAML 1.1, is read as a number."""
    try:
        value = load_yaml_text(text, setting)
    except IntentflowError:
        raise IntentflowError(f"--set {setting}: the value is not YAML") from None
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
            raise IntentflowError(f"--set {setting}: {part} is not a section")
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
    key = ".".join(location)
    if item["type"] == "extra_forbidden":
        guess = nearest(location[-1], _known_keys(model, item["loc"][:-1]))
        hint = f"; did you mean {guess}?" if guess else ""
        return f"unknown key {key}{hint}"
    if item["type"] == "missing":
        return f"{key} is missing"
    message = item["msg"].removeprefix("Value error, ")
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
    names: set[str] = set()
    for name, field in model.model_fields.items():
        names.add(name)
        if isinstance(field.validation_alias, AliasChoices):
            names |= {name for name in field.validation_alias.choices if isinstance(name, str)}
    return names


def _kind(document: object) -> str:
    names = {"list": "a list", "str": "plain text"}
    return names.get(type(document).__name__, type(document).__name__)
