"""The common base of all files between steps: reading, writing, messages, schema version."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Annotated, Any, ClassVar, Self

from pydantic import (
    AfterValidator,
    ConfigDict,
    Field,
    PlainValidator,
    ValidationError,
    WithJsonSchema,
    model_validator,
)

from intentflow.config import DescribedModel, nearest
from intentflow.errors import InputError
from intentflow.io.files import atomic_file
from intentflow.records import read_rows

_KINDS = {
    "missing": "is missing",
    "string_type": "is not text",
    "bool_type": "is neither true nor false",
    "list_type": "is not a list",
    "dict_type": "is not a section",
    "model_type": "is not a section",
}


def _number(value: object) -> float:
    """Check a number; integers stay integers, so that a count is written as it was read."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError("is not a number")
    return value


def _integer(value: object) -> int:
    """Check an integer, which a pipeline's parameter may have turned into a float."""
    if isinstance(value, bool) or not isinstance(value, int | float) or value % 1:
        raise ValueError("is not an integer")  # non-finite numbers have a remainder, too
    return int(value)


def _rate(value: float) -> float:
    if not 0 <= value <= 1:
        raise ValueError("is not a number from 0 to 1")
    return float(value)


Number = Annotated[float, PlainValidator(_number), WithJsonSchema({"type": "number"})]
Integer = Annotated[int, PlainValidator(_integer), WithJsonSchema({"type": "integer"})]
Rate = Annotated[Number, AfterValidator(_rate)]


class Section(DescribedModel):
    """A part of a file; unknown keys, such as another tool's, are kept."""

    model_config = ConfigDict(extra="allow", frozen=True, strict=True)

    def has(self, key: str) -> bool:
        """Whether a key is present; null counts, because it means that nothing was measured."""
        return key in self.model_fields_set


class JsonDocument(Section):
    """A file, or a line of one, with one writer and one reader."""

    WRONG_KIND: ClassVar[str] = "not a JSON object"
    """Error message for a document that is a different kind of file."""
    SIGN: ClassVar[str] = ""
    """The key that identifies the kind of file: if it is invalid, the file is a different one."""
    ADVICE: ClassVar[str] = ""
    """Advice for an invalid key; empty if there is no general advice."""
    INDENT: ClassVar[int] = 2
    """Blanks by which a section is indented in the file."""
    IS_SORTED: ClassVar[bool] = False
    """Whether keys stand in alphabetical order in the file, so that equal documents are equal."""
    IS_ASCII: ClassVar[bool] = False
    """Whether other characters are escaped in the file."""

    @classmethod
    def read(cls, path: str | Path) -> Self:
        """Read the file, local or on ``s3://``.

        Raises:
            InputError: The file is missing, not JSON, newer than this release, or has an
                invalid key.
        """
        return cls.from_mapping(read_json(path, advice=cls.ADVICE), str(path))

    @classmethod
    def read_rows(cls, path: str | Path) -> list[Self]:
        """Read a file of such documents: JSON lines or an array, local or on ``s3://``.

        Raises:
            InputError: A row is invalid; the message names the file and the line.
        """
        return [cls.from_mapping(row, f"{path} {where}") for where, row in read_rows(path)]

    @classmethod
    def from_mapping(cls, document: object, where: str) -> Self:
        """Check a parsed document.

        Args:
            document: Content of the file.
            where: Name of the file, for error messages.

        Raises:
            InputError: A key is invalid; the message is one line that names file and key.
        """
        if not isinstance(document, Mapping):
            raise InputError(f"{where}: {cls.WRONG_KIND.format(where=where)}")
        cls.check_version(document, where)
        try:
            return cls.model_validate(document)
        except ValidationError as error:
            location, message = _explained(error)
            if location == (cls.SIGN,):
                message = cls.WRONG_KIND.format(where=where)
            else:
                message = cls.explain(location, message, document)
            raise InputError(f"{where}: {message}") from None

    def write(self, path: str | Path, *, private: bool = False) -> None:
        """Write the file atomically.

        Args:
            path: The file to write.
            private: Whether only the owner may read it.
        """
        with atomic_file(path, private=private) as partial:
            partial.write_bytes(self.content())

    def content(self) -> bytes:
        """The bytes of the file."""
        text = json.dumps(
            self.as_dict(),
            indent=self.INDENT,
            ensure_ascii=self.IS_ASCII,
            sort_keys=self.IS_SORTED,
        )
        return f"{text}\n".encode("utf-8", "backslashreplace")

    def as_line(self) -> bytes:
        """The document as a line of a JSON lines file."""
        text = json.dumps(self.as_dict(), ensure_ascii=False)
        return text.encode("utf-8", "replace") + b"\n"

    def as_dict(self) -> dict[str, Any]:
        """The document as JSON values."""
        return self.model_dump()

    @classmethod
    def explain(
        cls,
        location: tuple[str, ...],
        message: str,
        document: Mapping[Any, Any],  # noqa: ARG003 - used by subclasses
    ) -> str:
        """The error message for a key, with advice.

        Args:
            location: The key and the keys above it; empty if several keys contradict.
            message: The error, with the key's name.
            document: Content of the file.
        """
        return f"{message}: {cls.ADVICE}" if cls.ADVICE and location else message

    @classmethod
    def check_version(cls, document: Mapping[Any, Any], where: str) -> None:
        """Refuse a version that this release does not read; a document without versions has none.

        Args:
            document: Content of the file.
            where: Name of the file, for error messages.
        """


class Artifact(JsonDocument):
    """A file that one step writes and later ones read.

    Attributes:
        schema_version: Version of the file's keys. A file without it is older than versioning and
            has the keys of version 1; a newer version is refused.
    """

    VERSION: ClassVar[int] = 1

    schema_version: Integer = Field(1, description="Version of the keys; a newer one is refused")

    @model_validator(mode="before")
    @classmethod
    def _state_version(cls, document: Any) -> Any:
        """Set this release's version: a document in memory has its keys."""
        if isinstance(document, Mapping):
            return {**document, "schema_version": cls.VERSION}
        return document

    @classmethod
    def check_version(cls, document: Mapping[Any, Any], where: str) -> None:
        """Refuse a newer version than this release's.

        Args:
            document: Content of the file.
            where: Name of the file, for error messages.

        Raises:
            InputError: The version is newer, or is none.
        """
        stated = document.get("schema_version", 1)
        try:
            version = _integer(stated)
        except ValueError:
            version = 0
        if version < 1:
            raise InputError(f"{where}: schema_version is not an integer above 0")
        if version > cls.VERSION:
            raise InputError(
                f"{where}: schema_version {version} is newer than {cls.VERSION}, the newest that "
                "this release of intentflow reads: update intentflow, or write the file again "
                "with this release"
            )


class ClosedArtifact(Artifact):
    """An artifact without other tools' keys: an unknown one may be a misspelled optional one."""

    model_config = ConfigDict(extra="forbid")

    @classmethod
    def explain(cls, location: tuple[str, ...], message: str, document: Mapping[Any, Any]) -> str:
        """The error message for a key, with advice and, if it is unknown, the most similar one."""
        if len(location) == 1 and location[0] not in cls.model_fields:
            guess = nearest(location[0], cls.model_fields)
            message = f"unknown key {location[0]}" + (f"; did you mean {guess}?" if guess else "")
        return super().explain(location, message, document)


def write_lines(path: str | Path, rows: Iterable[JsonDocument]) -> None:
    """Write JSON lines that only the owner may read, because they contain utterances."""
    with atomic_file(path, private=True) as partial, partial.open("wb") as out:
        for row in rows:
            out.write(row.as_line())


def read_json(path: str | Path, constants: list[str] | None = None, *, advice: str = "") -> Any:
    """Parse a JSON file, local or on ``s3://``.

    Args:
        path: The file.
        constants: Collects ``NaN`` and ``Infinity``, which are not JSON but accepted by Python.
        advice: Advice about a file that is not JSON, for the error message.

    Raises:
        InputError: The file is missing, or not JSON.
    """
    found: list[str] = [] if constants is None else constants

    def constant(name: str) -> float:
        found.append(name)
        return float(name)

    try:
        return json.loads(_read_text(str(path)), parse_constant=constant)
    except OSError as error:
        raise InputError(f"{path}: {error.strerror}") from None
    except (ValueError, RecursionError):
        raise InputError(f"{path}: not JSON" + (f"; {advice}" if advice else "")) from None


def _read_text(path: str) -> str:
    if not path.startswith("s3://"):
        return Path(path).read_text(encoding="utf-8")
    from intentflow.storage import fetch

    with tempfile.TemporaryDirectory() as folder:
        return fetch(path, folder).read_text(encoding="utf-8")


def _explained(error: ValidationError) -> tuple[tuple[str, ...], str]:
    """The first invalid key and its error."""
    first = error.errors()[0]
    location = tuple(str(part) for part in first["loc"])
    message = _KINDS.get(first["type"]) or first["msg"].removeprefix("Value error, ")
    return location, " ".join([".".join(location), message]).strip()
