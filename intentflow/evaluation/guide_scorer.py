"""The scorer of the solution guide, reproduced exactly.

Source: "Evaluate a model" in Alibaba Cloud PAI's guide "Build an intent recognition solution".

It compares the first gold call's name with the text before the prediction's first parenthesis and
then, as unordered sets, the text after both first parentheses.
"""

from __future__ import annotations


def documented_intent(gold: str, prediction: str) -> bool:
    """Whether the guide's scorer counts the intent as correct."""
    return _first(gold).split("(")[0] == prediction.split("(")[0]


def documented_parameters(gold: str, prediction: str) -> bool:
    """Whether the guide's scorer counts the parameters as correct.

    They are wrong if it would crash (no parenthesis in the gold answer or the prediction).
    """
    if not documented_intent(gold, prediction):
        return False
    expected, found = _values(_first(gold)), _values(prediction)
    return expected is not None and expected == found


def _first(gold: str) -> str:
    return gold.split(";")[0]


def _values(text: str) -> set[str] | None:
    parts = text.strip()[:-1].split("(")
    return set(parts[1].split(",")) if len(parts) > 1 else None
