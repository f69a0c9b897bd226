"""Taxonomy: the intents that exist and the parameters they take."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Self

import yaml
from pydantic import Field, field_validator, model_validator

from intentflow.calls import Call, CallSyntaxError, name_fault, parse_calls
from intentflow.config import StrictModel, nearest
from intentflow.errors import InputError
from intentflow.io.files import atomic_file
from intentflow.records import Example


class Intent(StrictModel):
    """One intent: its meaning and the names of its parameters, in order.

    A call may omit parameters from the right, down to ``min_parameters``: the labelling guide
    itself shows ``play_music()`` and ``play_music(***)``. Values are free text, except for
    parameters whose allowed values ``values`` lists.
    """

    description: str = Field(
        "", description="Meaning in a few words; in the prompt with taxonomy_in_prompt: full"
    )
    parameters: list[str] = Field(
        default_factory=list, description="Names of the parameters, in the order of a call"
    )
    min_parameters: int = Field(
        default=0, ge=0, description="Minimum number of parameters that a call has"
    )
    values: dict[str, list[str]] = Field(
        default_factory=dict,
        description="Allowed values by parameter; a parameter that is not listed takes any text",
    )
    extractive: bool | list[str] | None = Field(
        None,
        description="Whether values that are not listed are copied from the utterance, word by "
        "word, or the parameters whose values are; if empty, training decides it by the labels",
    )

    @field_validator("extractive", mode="before")
    @classmethod
    def _decision_or_names(cls, stated: object) -> object:
        if stated is None or isinstance(stated, bool):
            return stated
        if isinstance(stated, list) and all(isinstance(name, str) for name in stated):
            return stated
        raise ValueError("expected true, false or a list of parameters")

    @model_validator(mode="after")
    def _names_are_distinct(self) -> Self:
        """An answer has its values by name."""
        for number, name in enumerate(self.parameters):
            if not name.strip():
                raise ValueError("parameters: a name is blank")
            if name in self.parameters[:number]:
                raise ValueError(f"parameters: the name {name} is repeated; give each its own")
        return self

    @model_validator(mode="after")
    def _minimum_within_names(self) -> Self:
        if self.min_parameters > len(self.parameters):
            raise ValueError("min_parameters is greater than the number of parameters")
        return self

    @model_validator(mode="after")
    def _values_are_usable(self) -> Self:
        for name, allowed in self.values.items():
            self._require_parameter("values", name)
            if not allowed or len(set(allowed)) < len(allowed):
                raise ValueError(f"values: {name} needs at least one value, without repeats")
            for value in allowed:
                if not value.strip() or value != value.strip() or not value.isprintable():
                    raise ValueError(
                        f"values: {name} cannot be {value!r}; give printable text without blanks "
                        "at its ends"
                    )
        return self

    @model_validator(mode="after")
    def _copied_parameters_are_free(self) -> Self:
        for name in self.extractive if isinstance(self.extractive, list) else []:
            self._require_parameter("extractive", name)
            if name in self.values:
                raise ValueError(f"extractive: the values of {name} are listed, so never copied")
        return self

    def _require_parameter(self, key: str, name: str) -> None:
        if name not in self.parameters:
            guess = nearest(name, self.parameters)
            hint = f"; did you mean {guess}?" if guess else ""
            raise ValueError(f"{key}: there is no parameter {name}{hint}")

    def is_copied(self, name: str) -> bool:
        """Whether values of a parameter are copied from the utterance.

        Example:
            >>> fly = Intent(parameters=["to", "day"], extractive=["to"])
            >>> fly.is_copied("to"), fly.is_copied("day")
            (True, False)
        """
        if isinstance(self.extractive, list):
            return name in self.extractive
        return bool(self.extractive) and name not in self.values

    def values_at(self, index: int) -> list[str]:
        """The allowed values of the parameter at an index, from 0; empty if any text is allowed."""
        return self.values.get(self.parameters[index], [])


def labelled_calls(examples: Iterable[Example]) -> Iterator[tuple[Example, Call]]:
    """Each call of each label with its row; labels that do not parse are skipped.

    Example:
        >>> rows = [Example("hi", "greet()"), Example("wait", "stop(); go()"), Example("?", "(")]
        >>> [call.intent for _, call in labelled_calls(rows)]
        ['greet', 'stop', 'go']
    """
    for example in examples:
        try:
            calls = parse_calls(example.output)
        except CallSyntaxError:
            continue
        for call in calls:
            yield example, call


def count_unreadable_labels(examples: Sequence[Example]) -> int:
    """Number of rows whose label is no call.

    Example:
        >>> count_unreadable_labels([Example("hi", "greet()"), Example("?", "(")])
        1
    """
    return len(examples) - len({id(example) for example, _ in labelled_calls(examples)})


class Taxonomy(StrictModel):
    """All intents that a model may answer with.

    Example:
        >>> taxonomy = Taxonomy(intents={"play_music": Intent(parameters=["artist"])})
        >>> taxonomy.accepts(Call("play_music", ("Miles Davis",)))
        True
        >>> taxonomy.accepts(Call("play_music", ("Miles Davis", "loud")))
        False
    """

    intents: dict[str, Intent] = Field(description="The intents by name; at least one")
    out_of_scope: str | None = Field(
        None, description="Name of the intent of utterances that belong to no other intent"
    )

    @model_validator(mode="after")
    def _names_are_usable(self) -> Self:
        if not self.intents:
            raise ValueError("a taxonomy needs at least one intent")
        for name in self.intents:
            if fault := name_fault(name):
                raise ValueError(f"an intent cannot be named {name!r}: the name {fault}")
        if self.out_of_scope is not None and self.out_of_scope not in self.intents:
            raise ValueError(f"out_of_scope: {self.out_of_scope} is not among the intents")
        return self

    @model_validator(mode="before")
    @classmethod
    def _bare_intents(cls, document: object) -> object:
        """Allow ``name:`` with nothing after it, and an out-of-scope intent that is not listed."""
        if not isinstance(document, dict) or not isinstance(document.get("intents"), dict):
            return document
        intents = {
            name: ({} if body is None else body) for name, body in document["intents"].items()
        }
        scope = document.get("out_of_scope")
        if isinstance(scope, str):
            intents.setdefault(scope, {"description": "none of the other intents"})
        return {**document, "intents": intents}

    @classmethod
    def infer(cls, examples: Iterable[Example], out_of_scope: str | None = None) -> Self:
        """Infer the taxonomy from a data set's labels; rows that do not parse are skipped.

        Returns:
            Intents in alphabetical order, each with the number of parameters of its longest call,
            and as ``min_parameters`` that of its shortest.

        Raises:
            InputError: No row parses.
        """
        counts: dict[str, set[int]] = {}
        for _, call in labelled_calls(examples):
            counts.setdefault(call.intent, set()).add(len(call.parameters))
        if not counts:
            raise InputError(
                "no row has a label that parses, so there are no intents: "
                "`intentflow validate` shows the reasons"
            )
        if out_of_scope is None and "oos" in counts:
            out_of_scope = "oos"
        intents = {
            name: Intent(
                parameters=[f"parameter_{i + 1}" for i in range(max(found))],
                min_parameters=min(found),
            )
            for name, found in sorted(counts.items())
        }
        return cls(intents=intents, out_of_scope=out_of_scope)

    def accepts(self, call: Call) -> bool:
        """Whether the intent exists and allows this number of parameters and these values."""
        return self.accepts_count(call) and not self.forbidden_values(call)

    def accepts_count(self, call: Call) -> bool:
        """Whether the call's intent exists and allows this number of parameters."""
        intent = self.intents.get(call.intent)
        if intent is None:
            return False
        return intent.min_parameters <= len(call.parameters) <= len(intent.parameters)

    def forbidden_values(self, call: Call) -> list[tuple[str, str]]:
        """Parameters whose value is not allowed, for a call that passes :meth:`accepts_count`."""
        intent = self.intents[call.intent]
        return [
            (name, value)
            for name, value in zip(intent.parameters, call.parameters, strict=False)
            if name in intent.values and value not in intent.values[name]
        ]

    def to_yaml(self) -> str:
        """The YAML form that :meth:`from_yaml` reads."""
        document = self.model_dump(exclude_defaults=True)
        return yaml.safe_dump(document, allow_unicode=True, sort_keys=False)

    def write(self, path: str | Path) -> None:
        """Write ``taxonomy.yaml``."""
        with atomic_file(path) as partial:
            partial.write_text(self.to_yaml(), encoding="utf-8")

    @property
    def digest(self) -> str:
        """SHA-256 of the canonical form."""
        document = self.model_dump()
        for intent in document["intents"].values():
            if not intent["values"]:  # keeps the digest of taxonomies from before `values`
                del intent["values"]
            if intent["extractive"] is None:  # likewise
                del intent["extractive"]
        canonical = json.dumps(document, sort_keys=True, ensure_ascii=False)
        return hashlib.sha256(canonical.encode()).hexdigest()
