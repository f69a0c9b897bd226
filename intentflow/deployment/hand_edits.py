"""Edits by hand of rendered files: noticed by digests, and kept when the files are rendered again.

``kustomization.yaml`` ends in comments with the digest of each file as it was rendered.
"""

from __future__ import annotations

import hashlib
import logging
import re
from collections.abc import Mapping
from pathlib import Path

log = logging.getLogger(__name__)

KUSTOMIZATION = "kustomization.yaml"
_HEAD = (
    "# Rendered by intentflow; changes belong into an overlay. Digests of the files as rendered:"
)
_LINE = re.compile(r"^# (?P<digest>[0-9a-f]{64})  (?P<name>\S+)$", re.MULTILINE)
_EDITED = ".edited"


def digest_comments(contents: Mapping[str, str]) -> str:
    """The comments with the digest of each file.

    Args:
        contents: Texts by the names of the files.
    """
    lines = [f"# {_digest(text.encode())}  {name}" for name, text in contents.items()]
    return "\n".join([_HEAD, *lines, ""])


def keep_hand_edits(directory: Path) -> list[Path]:
    """Keep files that were edited since they were rendered, and warn that they are replaced.

    Args:
        directory: Folder of an earlier rendering; of one without digests nothing is known.

    Returns:
        The copies, ``NAME.edited``, which kustomize does not read.
    """
    try:
        stated = (directory / KUSTOMIZATION).read_text(encoding="utf-8")
    except (OSError, ValueError):
        return []
    copies = []
    for found in _LINE.finditer(stated):
        file = directory / Path(found["name"]).name
        if not file.is_file() or _digest(_without_comments(file)) == found["digest"]:
            continue
        copy = file.with_name(file.name + _EDITED)
        file.replace(copy)
        copies.append(copy)
    if copies:
        log.warning(
            "edited by hand since the last rendering, and replaced: %s (kept as NAME%s). Put such "
            "changes into an overlay, a folder whose kustomization.yaml has `resources: [../%s]` "
            "and `patches`, or into deploy's options",
            ", ".join(str(copy)[: -len(_EDITED)] for copy in copies),
            _EDITED,
            directory.name,
        )
    return copies


def _without_comments(file: Path) -> bytes:
    """A file as it was digested: the kustomization without the comments that hold the digests."""
    content = file.read_bytes()
    return content.partition(_HEAD.encode())[0] if file.name == KUSTOMIZATION else content


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
