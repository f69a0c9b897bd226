"""The rows that edits start from, and what the edits have to know of the complete set."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from intentflow.behaviour.utterance import Utterance, occurrences, word_spans, words_of
from intentflow.calls import Call, CallSyntaxError, OutputFormat, parse_calls
from intentflow.records import Example
from intentflow.taxonomy import Taxonomy

Slot = tuple[str, int]
"""An intent and the index of one of its parameters, from 0."""

_CLAIMING_LETTERS = 4


@dataclass(frozen=True)
class Suite:
    """Labelled rows and their taxonomy.

    Attributes:
        rows: Rows whose label parses.
        taxonomy: The intents.
        output_format: Format of the model's answers.
    """

    rows: Sequence[Utterance]
    taxonomy: Taxonomy
    output_format: OutputFormat = "call"

    @cached_property
    def words(self) -> set[str]:
        """All words of the rows, in lower case."""
        return words_of([row.text for row in self.rows])

    @cached_property
    def texts(self) -> set[str]:
        """The utterances."""
        return {row.text for row in self.rows}

    @cached_property
    def languages(self) -> dict[str | None, int]:
        """Number of rows by language, the commonest first."""
        return dict(Counter(row.language for row in self.rows).most_common())

    @cached_property
    def values(self) -> Mapping[Slot, list[str]]:
        """The values of each parameter, in alphabetical order: those of rows, and allowed ones."""
        found: dict[Slot, set[str]] = {}
        for row in self.rows:
            for call in row.calls:
                for index, value in enumerate(call.parameters):
                    if value.strip() and occurrences(row.text, value):
                        found.setdefault((call.intent, index), set()).add(value)
        for name, intent in self.taxonomy.intents.items():
            for index in range(len(intent.parameters)):
                found.setdefault((name, index), set()).update(intent.values_at(index))
        return {slot: sorted(values) for slot, values in found.items()}

    @cached_property
    def _intent_texts(self) -> str:
        named = (f"{name} {one.description}" for name, one in self.taxonomy.intents.items())
        return " ".join(named).replace("_", " ").lower()

    def unclaimed(self, phrases: Iterable[str]) -> list[str]:
        """Those phrases that share no longer word with an intent's name or description."""
        return [text for text in phrases if not any(map(self._is_claimed, _telling_words(text)))]

    def is_uncovered(self, words: Iterable[str]) -> bool:
        """Whether neither an intent nor a row that has one holds any of some words."""
        text = " ".join([self._intent_texts, *self._in_scope_texts])
        return not any(occurrences(text, word) for word in words)

    @cached_property
    def _in_scope_texts(self) -> list[str]:
        outside = self.taxonomy.out_of_scope
        return [row.text for row in self.rows if all(call.intent != outside for call in row.calls)]

    def _is_claimed(self, word: str) -> bool:
        return word.removesuffix("s") in self._intent_texts


def _telling_words(phrase: str) -> list[str]:
    words = [phrase[slice(*span)].lower() for span in word_spans(phrase)]
    return [word for word in words if len(word) >= _CLAIMING_LETTERS or not word.isascii()]


def read_suite(
    examples: Sequence[Example], taxonomy: Taxonomy, output_format: OutputFormat = "call"
) -> Suite:
    """The rows whose label parses, each with its language.

    Args:
        examples: Labelled rows.
        taxonomy: The intents.
        output_format: Format of the model's answers.

    Raises:
        ModuleNotFoundError: The ``data`` extra is not installed, and there are rows in Latin
            script.
    """
    from intentflow.validation.languages import row_languages

    languages = row_languages([example.instruction for example in examples])
    known = Counter(name for name in languages if name)
    main = known.most_common(1)[0][0] if known else None
    rows = []
    for number, (example, language) in enumerate(zip(examples, languages, strict=True), 1):
        calls = _calls(example.output)
        if calls and example.instruction.strip():
            own = language or main  # a short utterance is in the language of the set
            text, output = example.instruction, example.output
            rows.append(Utterance(number, text, output, calls, own, example.rounds))
    return Suite(rows, taxonomy, output_format)


def _calls(output: str) -> tuple[Call, ...]:
    try:
        return tuple(parse_calls(output))
    except CallSyntaxError:
        return ()
