"""Reading what ``intentflow baseline`` wrote, for the report and the gate."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from intentflow.errors import IntentflowError


def read_baselines(path: str | Path) -> dict[str, Any]:
    """Read ``baselines.json``.

    Returns:
        The whole document: ``data_digest``, ``n`` and, under ``baselines``, the scores by name.

    Raises:
        IntentflowError: Missing, not JSON, or not the scores of baselines.
    """
    try:
        document: dict[str, Any] = json.loads(Path(path).read_text(encoding="utf-8"))
    except OSError as error:
        raise IntentflowError(f"{path}: {error.strerror}") from None
    except ValueError:
        raise IntentflowError(f"{path}: not JSON") from None
    entries = document.get("baselines") if isinstance(document, dict) else None
    if not isinstance(entries, dict):
        raise IntentflowError(
            f"{path}: no baselines in it; write it by intentflow baseline --train F --data F -o F"
        )
    for name, entry in entries.items():
        if not isinstance(entry, Mapping) or not _is_rate(entry.get("intent_accuracy")):
            raise IntentflowError(f"{path}: baselines.{name} has no intent_accuracy in [0, 1]")
    return document


def _is_rate(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= 1
