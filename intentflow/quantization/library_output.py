"""One progress bar in place of llmcompressor's, and of its log what is wrong."""

from __future__ import annotations

import logging
import os
import re
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout

from intentflow.io.progress import progress_bar
from intentflow.models.library_bars import without_new_bars

_LOG_LEVEL = "LLM_COMPRESSOR_LOG_LEVEL"
_PART = re.compile(r"\((\d+)/(\d+)\): ")
"""Beginning of the description of a bar: the part of the model whose layers are compressed."""


@contextmanager
def quiet_library() -> Iterator[None]:
    """Let a block that quantizes and saves show one bar, which counts parts of the model.

    llmcompressor opens several bars for each part, where no terminal is, too. Its log goes to
    standard error, for standard output is the summary's.
    """
    bar = progress_bar("quantize", unit="part", in_log=True)

    def count(description: str) -> None:
        if part := _PART.match(description):
            bar.total = int(part[2])
            bar.update(int(part[1]) - 1 - bar.n)

    with bar, redirect_stdout(sys.stderr), without_new_bars(count), warnings.catch_warnings():
        # Parts of the model are elsewhere on purpose while others are compressed.
        warnings.filterwarnings("ignore", "Attempting to save a model with offloaded modules")
        _log_errors_alone()
        yield
        bar.update((bar.total or 0) - bar.n)


def _log_errors_alone() -> None:
    """Set levels before the library is imported, for it warns on import, too."""
    os.environ.setdefault(_LOG_LEVEL, "ERROR")
    logging.getLogger("torch.fx._symbolic_trace").setLevel(logging.ERROR)
