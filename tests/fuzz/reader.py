"""Fuzzing whatever reads foreign bytes with atheris: ``python -m tests.fuzz.reader TARGET CORPUS``.

Of the readers of labelling exports, a finding is an exception that the user cannot mend, a row that
is neither kept, listed nor counted as a vote, or an outcome that depends on where a file is cut
into blocks; see :mod:`tests.fuzz.exports`. The other targets are those of
:mod:`tests.fuzz.parsers` and :mod:`tests.fuzz.replies`.
"""

from __future__ import annotations

import sys
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["intentflow", "yaml"]):
    from tests.fuzz.targets import TARGETS


def main() -> None:
    """Fuzz; the arguments are the target's name and libFuzzer's, a folder for the corpus first."""
    chosen = TARGETS[sys.argv.pop(1)]
    corpus = Path(sys.argv[1])
    corpus.mkdir(parents=True, exist_ok=True)
    for number, seed in enumerate(chosen.seeds):
        (corpus / f"seed-{number}").write_bytes(seed)
    atheris.Setup(sys.argv, chosen.check)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
