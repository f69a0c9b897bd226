"""Language of each row, and rows in another language than the majority.

Rows in a distinctive script (Chinese, Thai, …) are identified by it. For the Latin script
py3langid is used in two passes, because it takes one short English utterance in twenty for another
of its 140 languages: a language counts only if enough rows of some length have it with confidence,
and then rows are classified among those languages alone.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

from intentflow.validation.dataset import Dataset, Row
from intentflow.validation.findings import CheckResult
from intentflow.validation.policy import DataPolicy
from intentflow.validation.texts import count_of, listing

# Languages in the Latin script that are not easily confused.
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
# Number of Latin letters that are as informative as one letter of these.
_DENSE = {"Chinese": 3, "Japanese": 2, "Korean": 3}
# A smaller share of kana among Chinese characters is a name in a Chinese text.
_KANA_SHARE = 0.25
_MIN_SHARE = 0.8
_SURE = 0.9
_LOOKED_AT = 2_000
_LONG_LETTERS = 15
_SHORT_LETTERS = 8
_EVIDENCE_ROWS = 3
_EVIDENCE_SHARE = 0.005


def mixed_languages(data: Dataset, policy: DataPolicy) -> CheckResult | None:
    """Rows in another language or script than the majority.

    Raises:
        ModuleNotFoundError: The ``data`` extra is not installed, and there are rows in Latin
            script.
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
    return CheckResult(
        len(rows),
        f"{count_of(len(rows), 'row')} in another language than the majority, of "
        f"{len(languages):,} with a known language{sample}: {listing(names)}"
        + (f"; they are the majority of {listing(foreign)}" if foreign else ""),
        "Label every intent in every language that users write, or keep one file per language: "
        "otherwise the language reveals the intent.",
        rows,
        notes=[languages[row.number] or "" for row in rows],
    )


def row_languages(texts: Sequence[str]) -> list[str | None]:
    """The language of each text, by its English name; None if the text is too short or mixed.

    Raises:
        ModuleNotFoundError: The ``data`` extra is not installed, and there are texts in Latin
            script.

    Example:
        >>> row_languages(["今天天气怎么样"])
        ['Chinese']
    """
    beginnings = [text[:_LOOKED_AT] for text in texts]
    scripts = [_script(text) for text in beginnings]
    latin = {at: beginnings[at] for at, script in enumerate(scripts) if script == "Latin"}
    languages = _latin_languages(latin) if latin else {}
    scripts = [languages.get(at) if name == "Latin" else name for at, name in enumerate(scripts)]
    # Japanese may be written in Chinese characters alone, so the majority decides.
    if scripts.count("Japanese") > scripts.count("Chinese"):
        scripts = ["Japanese" if name == "Chinese" else name for name in scripts]
    return scripts


def _script(text: str) -> str | None:
    """The script of almost all letters of a text."""
    if text.isascii():
        return "Latin" if _letter_count(text) >= _SHORT_LETTERS else None
    weights = {
        name: len(letters.findall(text)) * _DENSE.get(name, 1) for name, letters in _LETTERS.items()
    }
    if weights["Japanese"] > _KANA_SHARE * weights["Chinese"]:
        weights["Japanese"] += weights.pop("Chinese")
    main = max(weights, key=lambda name: weights[name])
    enough = weights[main] >= (_SHORT_LETTERS if main == "Latin" else _DENSE.get(main, 1) + 1)
    return main if enough and weights[main] >= _MIN_SHARE * sum(weights.values()) else None


def _letter_count(text: str) -> int:
    return sum(map(str.isalpha, text))


def _latin_languages(texts: Mapping[int, str]) -> dict[int, str]:
    """The language of each text that has one of the texts' languages with confidence."""
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
    found = {at: _classify(text, there) for at, text in texts.items()}
    return {at: _LATIN[language] for at, (language, chance) in found.items() if chance >= _SURE}


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
    """Intents of which more than half the rows are among these rows."""
    counts = Counter(intent for row in rows for intent in row.intents)
    everywhere = Counter(intent for row in looked_at for intent in row.intents)
    return [name for name, count in counts.most_common() if 2 * count > everywhere[name]]
