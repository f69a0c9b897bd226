"""The grammar of a taxonomy: its intents, with free, copied or enumerated values.

It is in llguidance's Lark dialect, which both engines follow.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from intentflow.calls import OutputFormat, format_value
from intentflow.inference.copied_values import COPIED, copied_rules, copies
from intentflow.inference.intent_distribution import intent_opening
from intentflow.taxonomy import Intent, Taxonomy

# A bare value: no syntax characters except balanced parentheses, two deep; a quoted one is JSON
# without halves of surrogate pairs. A bare value is not blank: `f( )` has no parameter.
_BARE = r"""
value: BARE | SPACED
BARE: / *[^(),;"\s\x00-\x1f]([^(),;\x00-\x1f]|\(([^();\x00-\x1f]|\([^();\x00-\x1f]*\))*\))*/
SPACED: / */ QUOTED
"""
_QUOTED = r"""
QUOTED: "\"" CHARACTER* "\""
CHARACTER: /[^"\\\x00-\x1f]/ | /\\["\\\/bfnrt]/
    | /\\u[0-9a-ce-fA-CE-F][0-9a-fA-F]{3}/ | /\\u[dD][0-7][0-9a-fA-F]{2}/
"""


@dataclass(frozen=True)
class _ValueForm:
    """Syntax of parameter values in an output format.

    Attributes:
        opening: Writes the beginning of an intent's call, up to its first value.
        closing: End of a call.
        rule: Grammar rule of a free value.
        copied_rule: Grammar rule of a copied value; None if there is nothing to copy.
        comma: Separator of values.
        write: Formats an enumerated value.
        before: Grammar of the optional text before an enumerated value.
    """

    opening: Callable[[str], str]
    closing: str
    rule: str
    comma: str
    write: Callable[[str], str]
    before: str
    copied_rule: str | None = None

    def rule_of(self, intent: Intent, name: str) -> str:
        """Grammar rule of a parameter whose values are not listed."""
        return self.copied_rule if self.copied_rule and intent.is_copied(name) else self.rule


def _plain_opening(name: str) -> str:
    return f"{name}("


def _json_opening(name: str) -> str:
    return f'{{"intent": {json.dumps(name, ensure_ascii=False)}, "parameters": ['


_PLAIN = _ValueForm(_plain_opening, ")", "value", ",", format_value, '" "? ')
_JSON = _ValueForm(
    _json_opening, "]}", "QUOTED", ", ", lambda value: json.dumps(value, ensure_ascii=False), ""
)


def taxonomy_grammar(
    taxonomy: Taxonomy,
    output_format: OutputFormat,
    intent_tokens: Mapping[str, int] | None = None,
    utterance: str | None = None,
) -> str:
    """The grammar of all answers that the taxonomy allows.

    One blank may come first: tokenizers of the SentencePiece family put it into the first token, in
    training too, and decoding removes it. Where every call opens with a token of its own, no blank
    comes first: the probabilities of the first token are those of the intents.

    Args:
        taxonomy: The intents.
        output_format: Format of the answers.
        intent_tokens: Call openings that are one token, see
            :func:`intentflow.prompts.intent_tokens`; the grammar allows no other spelling of them.
        utterance: Text that values of extractive intents are copied from; None for any values.

    Returns:
        Text in llguidance's Lark dialect, with the rule ``start``.
    """
    is_json = output_format == "json"
    tokens = {} if is_json else intent_tokens or {}
    form = _JSON if is_json else _PLAIN
    copied = copied_rules(utterance, output_format) if utterance and copies(taxonomy) else None
    form = replace(form, copied_rule=COPIED) if copied else form
    calls = [_call(name, intent, form, tokens) for name, intent in taxonomy.intents.items()]
    alternatives = "\n    | ".join(calls)
    rules = f"{_QUOTED}{copied or ''}\n"
    if is_json:
        return f'start: " "? "[" call (", " call)* "]"\ncall: {alternatives}\n{rules}'
    is_ranked = all(intent_opening(name, tokens) for name in taxonomy.intents)
    blank = "" if is_ranked else '" "? '
    return f'start: {blank}call ("; " call)*\ncall: {alternatives}\n{_BARE}{rules}'


@dataclass(frozen=True)
class Endings:
    """Data for closing an answer that is too long.

    Attributes:
        openings: Beginnings of calls, up to their first value; an answer is closed while the
            longest still fits.
        known: Shortest value of each parameter, as written, of each intent with enumerated
            values.
        values: Maximum number of required parameters of a call.
    """

    openings: Sequence[str] = ()
    known: Sequence[Sequence[str]] = ()
    values: int = 0

    @classmethod
    def of(cls, taxonomy: Taxonomy, output_format: OutputFormat) -> Endings:
        """The endings of all calls that a taxonomy allows."""
        form = _JSON if output_format == "json" else _PLAIN
        intents = taxonomy.intents.values()
        return cls(
            [form.opening(name) for name in taxonomy.intents],
            [
                [form.write(min(allowed, key=len)) for allowed in intent.values.values()]
                for intent in intents
                if intent.values
            ],
            max(intent.min_parameters for intent in intents),
        )


def _call(name: str, intent: Intent, form: _ValueForm, tokens: Mapping[str, int]) -> str:
    token = intent_opening(name, tokens)
    opened = _literal(form.opening(name)) if token is None else f"<[{tokens[token]}]>"
    if token is not None and token.endswith(")"):
        return opened
    return f"{opened} {_values(intent, form)} {_literal(form.closing)}"


def _values(intent: Intent, form: _ValueForm) -> str:
    """The values of a call, optional ones in brackets."""
    min_values, max_values = intent.min_parameters, len(intent.parameters)
    if max_values == 0:
        return ""
    rules = {form.rule_of(intent, name) for name in intent.parameters}
    if intent.values or len(rules) > 1:
        return _positional_values(intent, form)
    rule = rules.pop()
    rest = f"({_literal(form.comma)} {rule}){{{max(min_values - 1, 0)},{max_values - 1}}}"
    some = f"{rule} {rest}" if max_values > 1 else rule
    return some if min_values else f"({some})?"


def _positional_values(intent: Intent, form: _ValueForm) -> str:
    """A separate rule for each position, if some values are enumerated or not all are copied."""
    found = ""
    for place, name in reversed([*enumerate(intent.parameters)]):
        comma = f"{_literal(form.comma)} " if place else ""
        allowed = intent.values_at(place)
        value = _listed_value(allowed, form) if allowed else form.rule_of(intent, name)
        found = f"{comma}{value} {found}".strip()
        if place >= intent.min_parameters:
            found = f"({found})?"
    return found


def _listed_value(allowed: Sequence[str], form: _ValueForm) -> str:
    return f"({form.before}({' | '.join(_literal(form.write(value)) for value in allowed)}))"


def _literal(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)
