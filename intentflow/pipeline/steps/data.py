"""Steps on data: convert, curate, validate, split, balance."""

from __future__ import annotations

import logging
import os
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, cast

from intentflow.artifacts.data_findings import DataFindings
from intentflow.convert import convert
from intentflow.curate.balance import Balance
from intentflow.curate.conflicts import ConflictRule
from intentflow.curate.curation import Dedup, curate, write_changes
from intentflow.curate.minhash import near_any
from intentflow.curate.redaction_report import redaction_html
from intentflow.curate.split import split
from intentflow.environment import CHECKPOINTS
from intentflow.errors import CheckFailed, IntentflowError
from intentflow.parallel import executor_from_environment
from intentflow.records import Example, content_digest, read_records, write_records
from intentflow.report import write_report
from intentflow.taxonomy import Taxonomy

log = logging.getLogger(__name__)


def run_convert(
    sources: Sequence[str], export_format: str, records: str, rejects: str
) -> dict[str, Any]:
    """Convert exports; returns the conversion's summary."""
    with tempfile.TemporaryDirectory() as folder:  # the format follows from the file's ending
        out = Path(folder) / "records.jsonl"
        # The rejects stay where they are written: an error names their file.
        rejected = Path(rejects)
        with executor_from_environment() as executor:
            summary = convert(
                [str(s) for s in sources],
                out,
                format=export_format,
                rejects=rejected,
                executor=executor,
            )
        _move(out, records)
    return summary.as_dict()


def run_curate(
    records: str, redact: bool, dedup: str, conflicts: str, outputs: Mapping[str, str]
) -> dict[str, int]:
    """Clean records.

    Args:
        records: Rows from convert.
        redact: Replace personal data.
        dedup: ``none``, ``exact`` or ``near``.
        conflicts: A rule of :mod:`intentflow.curate.conflicts`.
        outputs: Paths for ``curated``, ``changes`` and ``report``, a page.

    Returns:
        The number of changed rows by kind.
    """
    with executor_from_environment() as executor:
        result = curate(
            read_records(records),
            redact=redact,
            dedup=cast(Dedup, dedup),
            conflicts=cast(ConflictRule, conflicts),
            executor=executor,
        )
    write_records(outputs["curated"], result.examples)
    write_changes(outputs["changes"], result)
    write_report(outputs["report"], redaction_html(result.redactions))
    return result.counts()


def run_balance(
    train_set: str,
    mode: str,
    teacher: Mapping[str, Any],
    taxonomy: Mapping[str, Any],
    seed: int,
    balanced: str,
) -> dict[str, int]:
    """Balance training rows.

    A synthesis keeps its journal where checkpoints are kept, so that a step that is run again
    pays for nothing twice.

    Returns:
        ``rows`` before, ``added`` and ``left_out``.
    """
    examples = read_records(train_set)
    if mode == "synthesize":
        made = _synthesise(examples, teacher, read_taxonomy(taxonomy), seed)
        write_records(balanced, [*examples, *made])
        return {"rows": len(examples), "added": len(made), "left_out": 0}
    result = curate(examples, redact=False, dedup="none", balance=cast(Balance, mode), seed=seed)
    write_records(balanced, result.examples)
    added = result.copies()
    return {
        "rows": len(examples),
        "added": added,
        "left_out": len(examples) + added - len(result.examples),
    }


def _synthesise(
    examples: list[Example], teacher: Mapping[str, Any], taxonomy: Taxonomy | None, seed: int
) -> list[Example]:
    from intentflow.synthesis import Teacher, synthesise

    asked = Teacher.from_mapping(teacher, "teacher")
    folder = os.environ.get(CHECKPOINTS)
    digest = content_digest(examples)
    journal = Path(folder) / f"synthesis-{digest}-{asked.digest}.jsonl" if folder else None
    return synthesise(
        examples,
        asked,
        taxonomy=taxonomy,
        seed=seed,
        journal=journal,
        progress=log.info,
    ).examples


def run_validate(
    records: str, policy: Mapping[str, Any], taxonomy: Mapping[str, Any], report: str, checked: str
) -> DataFindings:
    """Check records; the report is written in either case.

    Raises:
        CheckFailed: At least one finding of level error.
        IntentflowError: No rows, or only one intent.
    """
    from intentflow.validate import DataPolicy, validate, write_validation_report

    limits = DataPolicy.from_mapping(policy, "data policy")
    known = read_taxonomy(taxonomy)
    result = validate(read_records(records), limits, known)
    write_validation_report(report, result, policy=limits, taxonomy=known)
    errors = [finding for finding in result.findings if finding.level == "error"]
    if errors:
        # Rows that nothing can be learned from are bad input; the rest is a check's no.
        useless = any(f.code in ("no_rows", "single_intent") for f in errors)
        found = "; ".join(f.message for f in errors)
        raise (IntentflowError if useless else CheckFailed)(f"the data failed its checks: {found}")
    shutil.copyfile(records, checked)
    return result.summary()


def run_split(
    records: str, test_source: str, settings: Mapping[str, Any], outputs: Mapping[str, str]
) -> dict[str, int]:
    """Divide records; with a test file of its own, rows near to its rows leave training.

    Args:
        records: Rows to divide.
        test_source: File or URI of test rows that bypass the split; empty to cut them.
        settings: ``test`` and ``validation`` shares, ``seed``.
        outputs: Paths for train, validation and test.

    Returns:
        Rows in each.
    """
    examples = read_records(records)
    shares = dict(settings)
    test: list[Example] | None = None
    if test_source:
        test = _read_test(test_source)
        examples = _without(examples, test)
        shares["test"] = 0.0
    parts = split(
        examples,
        test=float(shares["test"]),
        validation=float(shares["validation"]),
        seed=int(shares["seed"]),
    )
    for note in parts.notes:
        log.info("%s", note)
    sets = {**_by_name(parts), **({"test": test} if test is not None else {})}
    if not sets["test"]:
        raise IntentflowError("no test rows: give data.test, or a share above 0 in data.test_share")
    for name, rows in sets.items():
        write_records(outputs[name], rows)
    return {name: len(rows) for name, rows in sets.items()}


def read_taxonomy(document: Mapping[str, Any]) -> Taxonomy | None:
    """A taxonomy from a pipeline parameter; None for an empty one."""
    return Taxonomy.from_mapping(document, "taxonomy") if document else None


def _by_name(parts: Any) -> dict[str, list[Example]]:
    """The three sets of a split by name."""
    return {"train": parts.train, "validation": parts.validation, "test": parts.test}


def _read_test(source: str) -> list[Example]:
    from intentflow.storage import fetch

    with tempfile.TemporaryDirectory() as folder:
        return read_records(fetch(source, Path(folder)))


def _without(examples: list[Example], test: list[Example]) -> list[Example]:
    """Rows whose utterance is near none of the test rows: nothing is scored that was learned."""
    utterances = [example.instruction for example in examples]
    held_out = set(near_any(utterances, [example.instruction for example in test]))
    kept = [example for row, example in enumerate(examples) if row not in held_out]
    if len(kept) < len(examples):
        left_out = len(examples) - len(kept)
        log.warning("%d rows stand in the test file too and are left out", left_out)
    if not kept:
        raise IntentflowError("every row stands in the test file too: nothing is left to train on")
    return kept


def _move(source: Path, target: str) -> None:
    Path(target).parent.mkdir(parents=True, exist_ok=True)
    shutil.move(source, target)
