"""Texts that look the same: Unicode forms, invisible marks and case."""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Iterable


def comparable(text: str) -> str:
    r"""The text in Unicode's composed form (NFC), without invisible marks.

    Zero-width characters, direction marks, byte order marks and soft hyphens are left out. Text
    that reads alike is equal then, whichever system it was typed on.

    Example:
        >>> comparable("xem\u200b") == "xem", comparable("e\u0301") == "\u00e9"
        (True, True)
    """
    if text.isascii():
        return text
    visible = (it for it in text if unicodedata.category(it) != "Cf")
    return unicodedata.normalize("NFC", "".join(visible))


def common_spellings(names: Iterable[str]) -> dict[str, str]:
    r"""The spelling for each name that others look like: the most frequent one, comparable.

    Case and blanks count as looking alike, too.

    Args:
        names: The names as written, once per occurrence.

    Returns:
        The spelling by name as written; without names that stay as they are.

    Example:
        >>> common_spellings(["stop", "stop", "Stop", "st\u200bop", "go"])
        {'Stop': 'stop', 'st\u200bop': 'stop'}
    """
    counts = Counter(names)
    chosen: dict[str, str] = {}
    for group in look_alikes(counts):
        spellings = Counter[str]()
        for name in group:
            spellings[comparable(name)] += counts[name]
        chosen |= dict.fromkeys(group, spellings.most_common(1)[0][0])
    return {name: spelling for name, spelling in chosen.items() if name != spelling}


def look_alikes(names: Iterable[str]) -> list[list[str]]:
    """Groups of two or more different names that a reader can hardly tell apart.

    Example:
        >>> look_alikes(["stop", "go", "Stop"])
        [['stop', 'Stop']]
    """
    groups: dict[str, list[str]] = {}
    for name in dict.fromkeys(names):
        key = " ".join(unicodedata.normalize("NFKC", comparable(name)).casefold().split())
        groups.setdefault(key, []).append(name)
    return [group for group in groups.values() if len(group) > 1]
