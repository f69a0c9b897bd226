"""Which language each row is in, and rows that are in another than most.

Rows in a script of their own (Chinese, Thai, …) are told by it. For the Latin script py3langid is
asked, twice: it takes one short English utterance in twenty for another of its 140 languages, so a
language counts only where enough rows of some length are surely in it, and then rows are divided
among those languages alone.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

from intentflow.validate.dataset import Dataset, Row
from intentflow.validate.findings import Found
from intentflow.validate.policy import DataPolicy
from intentflow.validate.texts import count_of, listing

# Languages in the Latin script that are not easily taken for one another.
_LATIN = {
    "cs": "Czech",
    "de": "German",
    "en": "English",
    "es": "Spanish",
    "fi": "Finnish",
    "fr": "French",
    "hu": "Hungarian",
    "id": "Indonesian",
    "it": "Italian",
    "nl": "Dutch",
    "pl": "Polish",
    "pt": "Portuguese",
    "ro": "Romanian",
    "sv": "Swedish",
    "tl": "Tagalog",
    "tr": "Turkish",
    "vi": "Vietnamese",
}
_SCRIPTS = {
    "Chinese": "\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff",
    "Japanese": "\u3041-\u3096\u30a1-\u30fa\u31f0-\u31ff",
    "Korean": "\u1100-\u11ff\u3130-\u318f\uac00-\ud7af",
    "Thai": "\u0e00-\u0e7f",
    "Cyrillic script": "\u0400-\u052f",
    "Arabic script": "\u0600-\u06ff\u0750-\u077f",
    "Hebrew": "\u0590-\u05ff",
    "Greek": "\u0370-\u03ff",
    "Devanagari script": "\u0900-\u097f",
    "Latin": "A-Za-z\u00c0-\u024f\u1e00-\u1eff",
}
_LETTERS = {name: re.compile(f"[{letters}]") for name, letters in _SCRIPTS.items()}
# A letter of these says as much as several Latin ones.
_DENSE = {"Chinese": 3, "Japanese": 2, "Korean": 3}
# Fewer, beside Chinese characters, are a name in a Chinese text.
_KANA_SHARE = 0.25
_ALMOST_ALL = 0.8
_SURE = 0.9
_LONG_LETTERS = 15
_SHORT_LETTERS = 8
_EVIDENCE_ROWS = 3
_EVIDENCE_SHARE = 0.005


def mixed_languages(data: Dataset, policy: DataPolicy) -> Found | None:
    """Rows in another language or script than most.

    Raises:
        ModuleNotFoundError: The ``data`` extra is not installed, and there are rows in Latin.
    """
    limits = policy.mixed_languages
    languages = row_languages(
        [row.example.instruction for row in data.rows], sample_rows=limits.sample_rows
    )
    counts = Counter(languages.values())
    main = counts.most_common(1)[0][0] if counts else ""
    rows = [data.rows[at] for at, language in languages.items() if language != main]
    if len(rows) <= limits.max_rate * len(data.rows):
        return None
    names = [f"{name} {count:,}" for name, count in counts.most_common()]
    foreign = _foreign_intents(rows, data)
    return Found(
        len(rows),
        f"{count_of(len(rows), 'row')} in another language than most, of {len(languages):,} whose "
        f"language is told: {listing(names)}"
        + (f"; they are most of {listing(foreign)}" if foreign else ""),
        "Label every intent in every language that users write, or keep one file a language: "
        "otherwise the language gives the intent away.",
        rows,
        notes=[languages[row.number - 1] for row in rows],
    )


def row_languages(texts: Sequence[str], *, sample_rows: int) -> Mapping[int, str]:
    """The language, in English words, of each text that says enough of it.

    Args:
        texts: Utterances.
        sample_rows: How many texts in the Latin script to tell, evenly spread; all others are.

    Raises:
        ModuleNotFoundError: The ``data`` extra is not installed, and there are texts in Latin.
    """
    scripts = {at: script for at, text in enumerate(texts) if (script := _script(text))}
    latin = [at for at, script in scripts.items() if script == "Latin"]
    latin = latin[:: -(-len(latin) // sample_rows) or 1]
    told = {at: script for at, script in scripts.items() if script != "Latin"}
    if latin:
        told |= _latin_languages({at: texts[at] for at in latin})
    # Japanese may be written in Chinese characters alone; Chinese has no other.
    counts = Counter(told.values())
    if counts["Japanese"] > counts["Chinese"]:
        told = {at: "Japanese" if name == "Chinese" else name for at, name in told.items()}
    return dict(sorted(told.items()))


def _script(text: str) -> str | None:
    """The script that almost all letters of a text are in."""
    if text.isascii():
        return "Latin" if _letter_count(text) >= _SHORT_LETTERS else None
    weights = {
        name: len(letters.findall(text)) * _DENSE.get(name, 1) for name, letters in _LETTERS.items()
    }
    if weights["Japanese"] > _KANA_SHARE * weights["Chinese"]:
        weights["Japanese"] += weights.pop("Chinese")
    most = max(weights, key=lambda name: weights[name])
    enough = weights[most] >= (_SHORT_LETTERS if most == "Latin" else _DENSE.get(most, 1) + 1)
    return most if enough and weights[most] >= _ALMOST_ALL * sum(weights.values()) else None


def _letter_count(text: str) -> int:
    return sum(map(str.isalpha, text))


def _latin_languages(texts: Mapping[int, str]) -> dict[int, str]:
    """The language of each text that is surely in one of those that the texts are in."""
    first = {at: _classify(text, tuple(_LATIN)) for at, text in texts.items()}
    surely = Counter(
        language
        for at, (language, chance) in first.items()
        if chance >= _SURE and _letter_count(texts[at]) >= _LONG_LETTERS
    )
    needed = max(_EVIDENCE_ROWS, _EVIDENCE_SHARE * len(texts))
    there = tuple(language for language, count in surely.items() if count >= needed)
    if len(there) < 2:
        return dict.fromkeys(texts, _LATIN[there[0]]) if there else {}
    told = {at: _classify(text, there) for at, text in texts.items()}
    return {at: _LATIN[language] for at, (language, chance) in told.items() if chance >= _SURE}


def _classify(text: str, languages: tuple[str, ...]) -> tuple[str, float]:
    language, chance = _identifier(languages).classify(text.lower())
    return str(language), float(chance)


@cache
def _identifier(languages: tuple[str, ...]) -> Any:
    from py3langid.langid import MODEL_FILE, LanguageIdentifier

    identifier = LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
    identifier.set_languages(languages)
    return identifier


def _foreign_intents(rows: Sequence[Row], data: Dataset) -> list[str]:
    """Intents most of whose rows are among the rows."""
    counts = Counter(intent for row in rows for intent in row.intents)
    return [name for name, count in counts.most_common() if 2 * count > data.intents[name].rows]
