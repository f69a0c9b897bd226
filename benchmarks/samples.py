"""What a benchmark reads where no path is given: data that stand in the repository.

Samples of six public sets (``tests/data/ATTRIBUTION.md``), rows that are made of them, and the
bundled example. Figures in RESULTS.md are of the complete sets where their command names these.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from utterances import SAMPLES, write_rows

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
