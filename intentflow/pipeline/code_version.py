"""The version of the code, which is a part of every step's cache key."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from intentflow.version import __version__

_NOT_CODE = {"__pycache__", "tests", "resources"}


@cache
def code_version() -> str:
    """Release and digest of the code, such as ``0.1.0+3f2a91c04b7e``.

    The digest covers path and content of every file that the package runs or renders with: modules,
    the steps' components, the graphs' sources, templates. It is the same in a checkout, in an
    installed wheel and in an image.

    Compiled graphs, documentation, tests and resources are not covered, because no cached step
    depends on them: a recipe is an input of the steps that read it, so that another recipe is
    another key; manifests are only read by deploy, which is never cached.
    """
    digest = hashlib.sha256()
    package = Path(__file__).resolve().parents[1]
    for name, file in sorted(code_files(package)):
        digest.update(name.encode() + b"\0" + file.read_bytes())
    return f"{__version__}+{digest.hexdigest()[:12]}"


def code_tag() -> str:
    """The code version as a tag of images, in which ``+`` is not allowed.

    Example:
        >>> code_tag() == code_version().replace("+", "-")
        True
    """
    return code_version().replace("+", "-")


def code_files(package: Path) -> Iterator[tuple[str, Path]]:
    """Name below the package and path of each file of code.

    In a checkout, components and pipelines are symbolic links to folders, which ``rglob`` skips.
    """
    for folder, folders, files in os.walk(package, followlinks=True):
        folders[:] = [name for name in folders if name not in _NOT_CODE and name[0] != "."]
        for file in (Path(folder) / name for name in files):
            name = file.relative_to(package)
            compiled = name.parts[0] == "pipelines" and file.suffix == ".yaml"
            if not compiled and file.suffix != ".md" and file.name[0] != ".":
                yield name.as_posix(), file
