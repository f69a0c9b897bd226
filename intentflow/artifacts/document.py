"""What all files between steps have in common: a schema version, reading, writing, messages."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, ClassVar, Self

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    PlainValidator,
    ValidationError,
    WithJsonSchema,
    model_validator,
)

from intentflow.errors import IntentflowError
from intentflow.io.files import atomic_file

_KINDS = {
    "missing": "is missing",
    "string_type": "is no text",
    "bool_type": "is neither true nor false",
    "list_type": "is no list",
    "dict_type": "is not a section",
    "model_type": "is not a section",
}


def _number(value: object) -> float:
    """Whole numbers stay whole: a count is written as it was read."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError("is no number")
    return value


def _whole(value: object) -> int:
    """A whole number, which a pipeline's parameter may have made a float."""
    if isinstance(value, bool) or not isinstance(value, int | float) or value % 1:
        raise ValueError("is no whole number")  # what is not finite leaves a rest, too
    return int(value)


Number = Annotated[float, PlainValidator(_number), WithJsonSchema({"type": "number"})]
Whole = Annotated[int, PlainValidator(_whole), WithJsonSchema({"type": "integer"})]


class Section(BaseModel):
    """A part of a file; keys that it does not know, such as another tool's, are kept."""

    model_config = ConfigDict(extra="allow", frozen=True, strict=True)

    def holds(self, key: str) -> bool:
        """Whether a key was given; null counts, for it states that nothing was measured."""
        return key in self.model_fields_set


class Artifact(Section):
    """A file that one step writes and later ones read.

    Attributes:
        schema_version: Version of the file's keys. A file without it is of the time before
            versions and has the keys of version 1; a newer one is refused.
    """

    VERSION: ClassVar[int] = 1
    NOT_ONE: ClassVar[str] = "not a JSON object"
    """What to state of a document that is of another kind altogether."""
    SIGN: ClassVar[str] = ""
    """The key that tells the kind: where it is wrong, the document is of another kind."""
    ADVICE: ClassVar[str] = ""
    """What to do about a key that is wrong; empty where nothing general can be stated."""

    schema_version: Whole = Field(1, description="Version of the keys; a newer one is refused")

    @classmethod
    def read(cls, path: str | Path) -> Self:
        """Read the file, here or on ``s3://``.

        Raises:
            IntentflowError: Missing, not JSON, newer than this release, or a key that is wrong.
        """
        return cls.from_mapping(read_json(path), str(path))

    @classmethod
    def from_mapping(cls, document: object, where: str) -> Self:
        """Check a parsed document.

        Args:
            document: What the file holds.
            where: The file, for messages.

        Raises:
            IntentflowError: In one line that names file and key.
        """
        if not isinstance(document, Mapping):
            raise IntentflowError(f"{where}: {cls.NOT_ONE.format(where=where)}")
        cls._refuse_newer(document, where)
        try:
            return cls.model_validate(document)
        except ValidationError as error:
            location, message = _explained(error)
            if location == (cls.SIGN,):
                message = cls.NOT_ONE.format(where=where)
            else:
                message = cls.explain(location, message, document)
            raise IntentflowError(f"{where}: {message}") from None

    def write(self, path: str | Path) -> None:
        """Write the file, complete or not at all."""
        with atomic_file(path) as partial:
            text = json.dumps(self.as_dict(), indent=2, ensure_ascii=False)
            partial.write_text(text + "\n", encoding="utf-8")

    def as_dict(self) -> dict[str, Any]:
        """The document as it is written."""
        return self.model_dump()

    @classmethod
    def explain(
        cls,
        location: tuple[str, ...],
        message: str,
        document: Mapping[Any, Any],  # noqa: ARG003 - some files' messages tell of it
    ) -> str:
        """What is wrong with a key, and what to do.

        Args:
            location: The key and those it stands under; empty where several contradict.
            message: What is wrong, with the key's name.
            document: What the file holds.
        """
        return f"{message}: {cls.ADVICE}" if cls.ADVICE and location else message

    @model_validator(mode="before")
    @classmethod
    def _state_version(cls, document: Any) -> Any:
        """What is held in memory has this release's keys, whatever the file's version was."""
        if isinstance(document, Mapping):
            return {**document, "schema_version": cls.VERSION}
        return document

    @classmethod
    def _refuse_newer(cls, document: Mapping[Any, Any], where: str) -> None:
        stated = document.get("schema_version", cls.VERSION)
        try:
            version = _whole(stated)
        except ValueError:
            version = 0
        if version < 1:
            raise IntentflowError(f"{where}: schema_version is no whole number from 1")
        if version > cls.VERSION:
            raise IntentflowError(
                f"{where}: schema_version {version} is newer than {cls.VERSION}, the newest that "
                "this release of intentflow reads: update intentflow, or write the file again "
                "with this release"
            )


def read_json(path: str | Path, constants: list[str] | None = None) -> Any:
    """Parse a JSON file, here or on ``s3://``.

    Args:
        path: The file.
        constants: Collects ``NaN`` and ``Infinity``, which JSON does not have and Python reads.

    Raises:
        IntentflowError: Missing, or not JSON.
    """
    found: list[str] = [] if constants is None else constants

    def constant(name: str) -> float:
        found.append(name)
        return float(name)

    try:
        return json.loads(_read_text(str(path)), parse_constant=constant)
    except OSError as error:
        raise IntentflowError(f"{path}: {error.strerror}") from None
    except (ValueError, RecursionError):
        raise IntentflowError(f"{path}: not JSON") from None


def _read_text(path: str) -> str:
    if not path.startswith("s3://"):
        return Path(path).read_text(encoding="utf-8")
    from intentflow.storage import fetch

    with tempfile.TemporaryDirectory() as folder:
        return fetch(path, folder).read_text(encoding="utf-8")


def _explained(error: ValidationError) -> tuple[tuple[str, ...], str]:
    """The first wrong key and what is wrong with it."""
    first = error.errors()[0]
    location = tuple(str(part) for part in first["loc"])
    message = _KINDS.get(first["type"]) or first["msg"].removeprefix("Value error, ")
    return location, " ".join([".".join(location), message]).strip()
