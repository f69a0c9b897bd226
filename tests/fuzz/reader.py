"""Fuzzing the readers of labelling exports with atheris: ``python -m tests.fuzz.reader``.

The first byte of an input chooses the format and what is asked, the rest is the file. A finding is
an exception that the user cannot mend, a row that is neither kept, listed nor counted as a vote,
or an outcome that depends on where a file is cut into blocks.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["intentflow.convert"]):
    from tests.fuzz.promises import NAMES, check_input


def seeds() -> Iterator[bytes]:
    """Files of every shape that the tests know, each with the byte that chooses its format."""
    from tests.fuzz.shapes import SHAPES

    for name, content in SHAPES:
        yield bytes([NAMES.index(name)]) + content


def main() -> None:
    """Fuzz; the arguments are libFuzzer's, the first folder among them the corpus."""
    corpus = Path(next(argument for argument in sys.argv[1:] if not argument.startswith("-")))
    corpus.mkdir(parents=True, exist_ok=True)
    for number, seed in enumerate(seeds()):
        (corpus / f"seed-{number}").write_bytes(seed)
    atheris.Setup(sys.argv, check_input)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
