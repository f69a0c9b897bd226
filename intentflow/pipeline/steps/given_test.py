"""Test rows that bypass the split, of any format that sources may have."""

from __future__ import annotations

import tempfile
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from intentflow.errors import InputError

if TYPE_CHECKING:
    from intentflow.conversion import ConvertSummary
    from intentflow.pipeline.steps.label_fields import LabelFields
    from intentflow.records import Example


@dataclass(frozen=True)
class GivenTest:
    """Test rows that were given.

    Attributes:
        rows: The rows.
        rejected: Number of rows without a usable label.
    """

    rows: list[Example]
    rejected: int


def read_test(
    sources: Sequence[str],
    fields: LabelFields,
    *,
    known_intents: Collection[str] = (),
    rejects: Path | None = None,
) -> GivenTest:
    """Read test rows as convert reads the others; the format is recognised.

    Args:
        sources: Files, folders or ``s3://`` addresses.
        fields: Fields of utterance and label; records need none, they are read as they are.
        known_intents: Class names of the other rows, which may label one test row only.
        rejects: File for rejected rows; None for no list.

    Raises:
        InputError: A source cannot be read, no row was kept, or parameters are named and there is
            no taxonomy to order them as in the other rows.
    """
    from intentflow.conversion import NoRowKept, convert
    from intentflow.records import read_records

    with tempfile.TemporaryDirectory() as folder:
        records = Path(folder, "test.jsonl")
        listed = Path(folder, "rejects.jsonl") if rejects is None else rejects
        reading = replace(fields.reading(), known_intents=known_intents)
        if all(map(_is_records, sources)):
            reading = replace(reading, field=None, label_field=None, job=None, person_field=None)
        try:
            summary = convert(sources, records, reading, rejects=listed)
        except NoRowKept as error:
            message = str(error) if rejects else str(error).replace(f" (see {listed})", "")
            raise InputError(f"the test file: {message}") from None
        _require_order(summary, sources)
        return GivenTest(read_records(records), summary.rejected)


def _is_records(source: str) -> bool:
    """Whether a source holds records, which have no other names for utterance and label."""
    from intentflow.records import read_rows

    if not source.endswith((".json", ".jsonl")):
        return False
    try:
        _, row = next(read_rows(source))
    except InputError:  # convert names the reason
        return False
    keys = ("instruction", "output")
    return isinstance(row, dict) and all(isinstance(row.get(key), str) for key in keys)


def _require_order(summary: ConvertSummary, sources: Sequence[str]) -> None:
    """Refuse named parameters whose order the rows of the test alone would decide."""
    for intent, names in summary.parameters.items():
        if len(names) > 1:
            raise InputError(
                f"the test file {', '.join(sources)}: the parameters of {intent} have names "
                f"({', '.join(names)}), and only a taxonomy gives them the order that they have in "
                "the other rows: `intentflow taxonomy SOURCES -o taxonomy.yaml` drafts it, "
                "data.taxonomy (--taxonomy) takes it"
            )
