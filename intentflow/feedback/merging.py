"""New rows merged with the rows that a champion was trained and tested on.

A merge sees its inputs again: exports grow, and a run that was killed is started again from the
same champion. So it keeps a ledger of the labels that it has seen, and a label counts once,
whenever and however often it is given. A label that a later one has replaced does not return with
the export that it is from.

The test rows are frozen. They never become training rows, and a fixed share of new utterances joins
them, chosen by a hash: the same utterances in any order, on any computer.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

from intentflow.artifacts.retraining import MergeChange
from intentflow.curation.dedup import label_key, normalised_utterance
from intentflow.records import Example

_PREVIOUS = -1
_BITS = 64


@dataclass(frozen=True)
class NewRow:
    """A labelled row that a merge is given.

    Attributes:
        example: The row.
        source: Name of its origin, for lists.
        time: Time of its label, if that is known: the same label given at another time is
            another statement.
        sight: Digest of the row as it was given, if its text was changed since, as by redaction;
            the row's own if empty.
    """

    example: Example
    source: str
    time: str = ""
    sight: str = ""

    @property
    def seen_as(self) -> str:
        """The key of the row in the ledger."""
        return self.sight or ledger_key(self.example, self.time)


@dataclass(frozen=True)
class MergedSet:
    """Rows, test rows, and all labels that were seen.

    Attributes:
        rows: Rows to train and validate with.
        test: Test rows.
        ledger: Keys of the labels that merges have seen.
    """

    rows: Sequence[Example] = ()
    test: Sequence[Example] = ()
    ledger: frozenset[str] = frozenset()


@dataclass
class MergeCounts:
    """Numbers of new rows by what became of them.

    Attributes:
        seen: Number of rows that an earlier merge has seen.
        duplicates: Number of rows with the utterance and label of another row.
        test_rows: Number of rows with the utterance and label of a test row.
        added: Number of rows that became training rows.
        joined_test: Number of rows that became test rows.
        left_out: Number of rows that a later one replaced, or that contradict a test row.
        replaced_previous: Rows of the previous set with a later label.
    """

    seen: int = 0
    duplicates: int = 0
    test_rows: int = 0
    added: int = 0
    joined_test: int = 0
    left_out: int = 0
    replaced_previous: int = 0


@dataclass
class Merge:
    """The result of a merge.

    Attributes:
        merged: The rows.
        counts: Numbers of new rows.
        changes: Labels that do not count, in the order in which that was found.
    """

    merged: MergedSet
    counts: MergeCounts
    changes: list[MergeChange]


@dataclass(eq=False)
class _Held:
    """A label in the state of a merge.

    Attributes:
        example: The row.
        source: Name of its origin.
        order: Number of the source; rows replace those of sources with lower numbers.
    """

    example: Example
    source: str
    order: int


@dataclass
class _State:
    previous: MergedSet
    counts: MergeCounts = field(default_factory=MergeCounts)
    changes: list[MergeChange] = field(default_factory=list)
    held: dict[str, list[_Held]] = field(default_factory=dict)
    test: dict[str, list[Example]] = field(default_factory=dict)
    ledger: set[str] = field(default_factory=set)

    def leave_out(self, held: _Held, by: str) -> None:
        """List a label that a later one replaces."""
        if held.order == _PREVIOUS:
            self.counts.replaced_previous += 1
        else:
            self.counts.left_out += 1
        self._list("replaced", held.example, by, held.source)

    def refuse(self, row: NewRow, by: str) -> None:
        """List a label that contradicts a test row."""
        self.counts.left_out += 1
        self._list("test_conflict", row.example, by, row.source)

    def _list(self, kind: str, example: Example, by: str, source: str) -> None:
        document = {"kind": kind, "instruction": example.instruction, "output": example.output}
        self.changes.append(
            MergeChange.from_mapping({**document, "by": by, "source": source}, "change")
        )


def ledger_key(example: Example, time: str = "") -> str:
    """The key of a label in a ledger: a digest, from which the utterance cannot be read.

    Args:
        example: The row.
        time: Time of its label; empty if unknown.

    Example:
        >>> ledger_key(Example("Stop", "stop()")) == ledger_key(Example("stop ", "stop( )"))
        True
    """
    label = label_key(example.output)
    calls = label if isinstance(label, str) else sorted(map(repr, label))
    text = repr((normalised_utterance(example.instruction), calls, time))
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:32]


def joins_test(example: Example, share: float) -> bool:
    """Whether a new utterance belongs to the test rows, by a hash of it or of its dialogue.

    Args:
        example: The row.
        share: Share of utterances that do, in [0, 1].

    Example:
        >>> rows = [Example(f"row {number}", "a()") for number in range(1000)]
        >>> 70 < sum(joins_test(row, 0.1) for row in rows) < 130
        True
    """
    text = f"test\0{example.dialogue or normalised_utterance(example.instruction)}"
    drawn = hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()[: _BITS // 8]
    return not example.synthetic and int.from_bytes(drawn, "big") < share * 2**_BITS


def merge_rows(
    previous: MergedSet, sources: Iterable[Sequence[NewRow]], *, test_share: float
) -> Merge:
    """Merge new rows with previous ones.

    Args:
        previous: The champion's data set; empty for a first model.
        sources: New rows by source, the earlier sources first. A label replaces that of an earlier
            source, and a timed one that of its own source, too; other contradictions of one
            source stay, for curation to resolve.
        test_share: Share of new utterances that join the test rows, in [0, 1].

    Example:
        >>> old = MergedSet([Example("stop it", "play()")], [Example("play", "play()")])
        >>> made = merge_rows(old, [[NewRow(Example("stop it", "stop()"), "log")]], test_share=0)
        >>> [row.output for row in made.merged.rows], made.changes[0].kind
        (['stop()'], 'replaced')
    """
    state = _State(previous, ledger=set(previous.ledger))
    for row in previous.rows:
        held = _Held(row, "the champion's rows", _PREVIOUS)
        state.held.setdefault(normalised_utterance(row.instruction), []).append(held)
    for row in previous.test:
        state.test.setdefault(normalised_utterance(row.instruction), []).append(row)
    for order, rows in enumerate(sources):
        for new in rows:
            _take(state, new, order)
    return _result(state, test_share)


def _take(state: _State, new: NewRow, order: int) -> None:
    if new.seen_as in state.previous.ledger:
        state.counts.seen += 1
        return
    if new.seen_as in state.ledger:
        state.counts.duplicates += 1
        return
    state.ledger.add(new.seen_as)
    key, label = normalised_utterance(new.example.instruction), label_key(new.example.output)
    if frozen := state.test.get(key):
        if any(label_key(row.output) == label for row in frozen):
            state.counts.test_rows += 1
        else:
            state.refuse(new, frozen[0].output)
        return
    known = state.held.setdefault(key, [])
    stays = [one for one in known if not _replaces(new, order, one)]
    same = [one for one in known if label_key(one.example.output) == label]
    for one in known:
        if one not in stays and one not in same:
            state.leave_out(one, new.example.output)
    if same:
        state.counts.duplicates += 1
        same[0].example = _with_answer(same[0].example, new.example)
    kept = [one for one in known if one in stays or one in same]
    state.held[key] = kept if same else [*kept, _Held(new.example, new.source, order)]


def _with_answer(held: Example, new: Example) -> Example:
    """The row with the model's answer of one with the same label, unless it has one."""
    if held.prediction or not new.prediction:
        return held
    return replace(held, prediction=new.prediction)


def _replaces(new: NewRow, order: int, held: _Held) -> bool:
    return held.order < order or (held.order == order and bool(new.time))


def _result(state: _State, share: float) -> Merge:
    rows: list[Example] = []
    test = list(state.previous.test)
    trained = {normalised_utterance(row.instruction) for row in state.previous.rows}
    for utterance, group in state.held.items():
        new = sum(one.order != _PREVIOUS for one in group)
        may_join = len(group) == new == 1 and utterance not in trained
        if may_join and joins_test(group[0].example, share):
            test.append(group[0].example)
            state.counts.joined_test += 1
        else:
            rows.extend(one.example for one in group)
            state.counts.added += new
    return Merge(MergedSet(rows, test, frozenset(state.ledger)), state.counts, state.changes)
