"""Which code runs: part of every step's cache key."""

from __future__ import annotations

import hashlib
from functools import cache
from pathlib import Path

from intentflow import __version__


@cache
def code_version() -> str:
    """Release and digest of the package's own source files, such as ``0.1.0+3f2a…``."""
    root = Path(__file__).resolve().parent.parent
    digest = hashlib.sha256()
    for file in sorted(root.rglob("*")):
        if file.suffix in (".py", ".html", ".css", ".js", ".yaml") and file.is_file():
            digest.update(file.relative_to(root).as_posix().encode() + b"\0" + file.read_bytes())
    return f"{__version__}+{digest.hexdigest()[:12]}"
