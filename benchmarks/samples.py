"""What a benchmark reads where no path is given: data that stand in the repository.

Samples of six public sets (``tests/data/ATTRIBUTION.md``), rows that are made of them, and the
bundled example. Figures in RESULTS.md are of the complete sets where their command names these.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from utterances import SAMPLES, write_rows

from intentflow.records import Example, write_records

ROOT = Path(__file__).parents[1]
SETS = sorted(SAMPLES.glob("*.json"))
EXAMPLE_EXPORT = ROOT / "examples" / "snips" / "labels.manifest"
EXAMPLE_TEST = ROOT / "examples" / "snips" / "test.jsonl"
MADE_ROWS = 500_000
HELP = f"{MADE_ROWS:,} rows are made of the samples in tests/data if left out"


def sample(name: str) -> Path:
    """The sample of a set, a JSON array."""
    return SAMPLES / f"{name}.json"


@contextmanager
def given_or_made_rows(given: Path | None) -> Iterator[Path]:
    """A file of JSON lines: the given one, or 500,000 rows that are made of the samples."""
    if given is not None:
        yield given
        return
    with TemporaryDirectory() as folder:
        rows = Path(folder) / "rows.jsonl"
        write_rows(SETS, MADE_ROWS, rows)
        yield rows


def example_training_rows(folder: Path) -> Path:
    """The bundled example's labelled rows, converted into a folder."""
    from intentflow.conversion import convert

    target = folder / "example.jsonl"
    convert([str(EXAMPLE_EXPORT)], target)
    return target


def tuned_model(
    target: Path, rows: Sequence[Example], *settings: str, validation: Sequence[Example] = ()
) -> Path:
    """A model directory of the laptop recipe, tuned for one epoch in a process of its own.

    Args:
        target: The directory to write.
        rows: The training rows.
        *settings: Keys of the recipe, as ``key=value``.
        validation: The validation rows; the first eight training rows if left out.
    """
    with TemporaryDirectory() as name:
        folder = Path(name)
        write_records(folder / "train.jsonl", rows)
        write_records(folder / "validation.jsonl", validation or rows[:8])
        command = [sys.executable, "-m", "intentflow.cli.main", "train", "-o", str(target)]
        command += ["--recipe", "smollm2-135m/full", "--train", str(folder / "train.jsonl")]
        command += ["--validation", str(folder / "validation.jsonl")]
        for setting in ("num_train_epochs=1", *settings):
            command += ["--set", setting]
        subprocess.run(command, check=True, stdout=sys.stderr)
    return target
