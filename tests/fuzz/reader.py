"""Fuzzing whatever reads foreign bytes with atheris: ``python -m tests.fuzz.reader TARGET CORPUS``.

``exports`` are the readers of labelling exports: the first byte of an input chooses the format and
what is asked, the rest is the file. A finding is an exception that the user cannot mend, a row
that is neither kept, listed nor counted as a vote, or an outcome that depends on where a file is
cut into blocks. The other targets are those of :mod:`tests.fuzz.parsers`.
"""

from __future__ import annotations

import sys
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["intentflow"]):
    from tests.fuzz.exports import NAMES, check_input
    from tests.fuzz.parsers import TARGETS, Target


def target(name: str) -> Target:
    """What is fuzzed by that name, and what to begin with."""
    if name != "exports":
        return TARGETS[name]
    from tests.fuzz.shapes import SHAPES

    seeds = tuple(bytes([NAMES.index(form)]) + content for form, content in SHAPES)
    return Target(check_input, seeds)


def main() -> None:
    """Fuzz; the arguments are the target's name and libFuzzer's, a folder for the corpus first."""
    chosen = target(sys.argv.pop(1))
    corpus = Path(sys.argv[1])
    corpus.mkdir(parents=True, exist_ok=True)
    for number, seed in enumerate(chosen.seeds):
        (corpus / f"seed-{number}").write_bytes(seed)
    atheris.Setup(sys.argv, chosen.check)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
