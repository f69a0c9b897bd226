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
_LOOKED_AT = 2_000
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
    step = -(-len(data.rows) // limits.sample_rows) or 1
    looked_at = data.rows[::step]
    texts = [row.example.instruction for row in looked_at]
    languages = dict(zip((row.number for row in looked_at), row_languages(texts), strict=True))
    languages = {number: name for number, name in languages.items() if name}
    counts = Counter(languages.values())
    main = counts.most_common(1)[0][0] if counts else ""
    rows = [data.rows[number - 1] for number, name in languages.items() if name != main]
    if len(rows) <= limits.max_rate * len(looked_at):
        return None
    names = [f"{name} {count:,}" for name, count in counts.most_common()]
    foreign = _foreign_intents(rows, looked_at)
    sample = f" (a sample of {len(looked_at):,} rows)" if step > 1 else ""
    return Found(
        len(rows),
        f"{count_of(len(rows), 'row')} in another language than most, of {len(languages):,} whose "
        f"language is told{sample}: {listing(names)}"
        + (f"; they are most of {listing(foreign)}" if foreign else ""),
        "Label every intent in every language that users write, or keep one file a language: "
        "otherwise the language gives the intent away.",
        rows,
        notes=[languages[row.number] or "" for row in rows],
    )


def row_languages(texts: Sequence[str]) -> list[str | None]:
    """The language of each text, in English words; None where it does not say enough.

    Raises:
        ModuleNotFoundError: The ``data`` extra is not installed, and there are texts in Latin.
    """
    beginnings = [text[:_LOOKED_AT] for text in texts]
    told = [_script(text) for text in beginnings]
    latin = {at: beginnings[at] for at, script in enumerate(told) if script == "Latin"}
    languages = _latin_languages(latin) if latin else {}
    told = [languages.get(at) if name == "Latin" else name for at, name in enumerate(told)]
    # Japanese may be written in Chinese characters alone; Chinese has no other.
    if told.count("Japanese") > told.count("Chinese"):
        told = ["Japanese" if name == "Chinese" else name for name in told]
    return told


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


def _foreign_intents(rows: Sequence[Row], looked_at: Sequence[Row]) -> list[str]:
    """Intents most of whose rows are among the rows."""
    counts = Counter(intent for row in rows for intent in row.intents)
    everywhere = Counter(intent for row in looked_at for intent in row.intents)
    return [name for name, count in counts.most_common() if 2 * count > everywhere[name]]
