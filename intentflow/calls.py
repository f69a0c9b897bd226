"""The intent-call language: ``weather_search(Hangzhou); play_music()``.

    output = call *( ";" call )
    call   = name "(" [ value *( "," value ) ] ")"
    name   = a run without ( ) , ; < > or line breaks, at most 100 characters and 8 words
    value  = a JSON string / bare text with balanced parentheses and no top-level "," or ";"

Reading accepts every form that labellers write; writing gives one form that reads back to
the same calls. The second output format is JSON: ``[{"intent": …, "parameters": […]}]``.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from intentflow.errors import InputError
from intentflow.lookalikes import comparable

OutputFormat = Literal["call", "json"]

_MAX_NAME_CHARACTERS = 100
_MAX_NAME_WORDS = 8
_SYNTAX = frozenset("(),;")
_NOT_IN_NAMES = _SYNTAX | frozenset("<>")
_MUST_QUOTE = frozenset('(),;"')
_DECODER = json.JSONDecoder()


class CallSyntaxError(InputError, ValueError):
    """Text that is not in the call language.

    Attributes:
        reason: The expected syntax, or the text found instead.
        position: Index of the character at which parsing stopped, from 0.
    """

    def __init__(self, reason: str, position: int) -> None:
        super().__init__(f"{reason} at character {position + 1}")
        self.reason = reason
        self.position = position

    def __reduce__(self) -> tuple[type[CallSyntaxError], tuple[str, int]]:
        """Allow the error to cross processes."""
        return type(self), (self.reason, self.position)


@dataclass(frozen=True, slots=True)
class Call:
    """One intent with its parameter values, in order.

    Example:
        >>> call = Call("book_table", ("Da Vinci, Rome", "2"))
        >>> format_calls([call])
        'book_table("Da Vinci, Rome",2)'
        >>> parse_calls(format_calls([call])) == [call]
        True
    """

    intent: str
    parameters: tuple[str, ...] = ()


def parse_calls(text: str) -> list[Call]:
    """Read a call-format answer.

    Args:
        text: Answer, such as ``'play_music(***)'`` or ``'greet(); search("a, b",c)'``.

    Returns:
        The calls in the order written; at least one.

    Raises:
        CallSyntaxError: The text is not in the language.

    Example:
        >>> parse_calls("play_music(jazz); stop()")
        [Call(intent='play_music', parameters=('jazz',)), Call(intent='stop', parameters=())]
    """
    return [call for _, call in _read_calls(text)]


def call_starts(text: str) -> list[int]:
    """The start of each call's name, as character indices from 0.

    Raises:
        CallSyntaxError: The text is not in the language.
    """
    return [start for start, _ in _read_calls(text)]


def format_calls(calls: Sequence[Call]) -> str:
    """Write calls in the one form that reads back to the same calls.

    Raises:
        ValueError: An intent name cannot be written, see :func:`name_fault`.

    Example:
        >>> format_calls([Call("search", ("a, b", "c")), Call("greet")])
        'search("a, b",c); greet()'
    """
    return "; ".join(_format_call(call) for call in calls)


def parse_json_calls(text: str) -> list[Call]:
    """Read a JSON-format answer: ``[{"intent": str, "parameters": [str, …]}, …]``.

    Raises:
        CallSyntaxError: The text is not a JSON array of objects with these two keys.

    Example:
        >>> parse_json_calls('[{"intent": "play_music", "parameters": ["jazz"]}]')
        [Call(intent='play_music', parameters=('jazz',))]
    """
    try:
        document = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise CallSyntaxError("not JSON", getattr(error, "pos", 0)) from None
    if not isinstance(document, list) or not document:
        raise CallSyntaxError("expected a JSON array of calls", 0)
    return [_json_call(item) for item in document]


def format_json_calls(calls: Sequence[Call]) -> str:
    """Write calls as the JSON array that :func:`parse_json_calls` reads.

    Example:
        >>> format_json_calls([Call("play_music", ("jazz",))])
        '[{"intent": "play_music", "parameters": ["jazz"]}]'
    """
    return json.dumps(
        [{"intent": call.intent, "parameters": list(call.parameters)} for call in calls],
        ensure_ascii=False,
    )


def name_fault(name: str) -> str | None:
    """Reason why a text cannot be the name of an intent; None if it can.

    Prose and markup around an answer are no names: these have bounds.

    Example:
        >>> name_fault("card_payment?"), name_fault("<b>stop</b>")
        (None, 'contains "<"')
    """
    if not name or name != name.strip():
        return "is empty or has blanks at its ends"
    if found := next((it for it in name if it in _NOT_IN_NAMES), None):
        return f'contains "{found}"'
    if len(name.splitlines()) > 1:
        return "contains a line break"
    if len(name) > _MAX_NAME_CHARACTERS:
        return f"has more than {_MAX_NAME_CHARACTERS} characters"
    if len(name.split()) > _MAX_NAME_WORDS:
        return f"has more than {_MAX_NAME_WORDS} words"
    return None


def without_thinking(text: str) -> str:
    r"""An answer without the thinking block before it, for a prompt that allows one.

    The block ends with ``</think>``; its opening tag may be missing, since some chat templates put
    it at the end of the prompt. A block that is not closed stays, so that the answer is malformed.

    Example:
        >>> without_thinking("<think>music, so play</think>\n\nplay(jazz)")
        'play(jazz)'
    """
    block, end, answer = text.partition("</think>")
    is_block = end and block.rfind("<think>") in (-1, len(block) - len(block.lstrip()))
    return answer.strip() if is_block else text


def parse_output(text: str, output_format: OutputFormat = "call") -> list[Call]:
    """Read an answer in either output format."""
    return parse_json_calls(text) if output_format == "json" else parse_calls(text)


def format_output(calls: Sequence[Call], output_format: OutputFormat = "call") -> str:
    """Write calls in either output format."""
    return format_json_calls(calls) if output_format == "json" else format_calls(calls)


def same_intents(left: Sequence[Call], right: Sequence[Call]) -> bool:
    """Whether both contain the same intents, repeats counted, in any order.

    Names are compared as they look, see :func:`intentflow.lookalikes.comparable`.
    """
    names = [Counter(comparable(call.intent) for call in calls) for calls in (left, right)]
    return names[0] == names[1]


def same_calls(left: Sequence[Call], right: Sequence[Call]) -> bool:
    """Whether both contain equal calls (every parameter, in order), in any order of calls.

    Names and values are compared as they look.
    """
    return Counter(map(comparable_call, left)) == Counter(map(comparable_call, right))


def comparable_call(call: Call) -> Call:
    """The call with name and values as they look, see :func:`intentflow.lookalikes.comparable`."""
    return Call(comparable(call.intent), tuple(map(comparable, call.parameters)))


def is_ambiguous(text: str, utterance: str) -> bool:
    """Whether a separator in ``text`` may belong to a value instead.

    An unquoted label does not show whether ``a,b`` is one value or two. The label is ambiguous
    if two neighbouring values, joined by their comma, occur in the utterance, or if a bare
    value contains ``;``.

    Example:
        >>> is_ambiguous("search(Paris, Texas)", "what is on in Paris, Texas")
        True
    """
    try:
        calls = parse_calls(text)
    except CallSyntaxError:
        return _holds_inner_semicolon(text)
    if '"' in text or "," not in text:
        return False
    return any(_joined_in(call, text, utterance) for call in calls)


def _joined_in(call: Call, text: str, utterance: str) -> bool:
    pairs = zip(call.parameters, call.parameters[1:], strict=False)
    joined = (f"{left}{comma}{right}" for left, right in pairs for comma in (",", ", "))
    return any(len(value) > 2 and value in text and value in utterance for value in joined)


def _holds_inner_semicolon(text: str) -> bool:
    depth = 0
    for character in text:
        depth += (character == "(") - (character == ")")
        if character == ";" and depth > 0:
            return True
    return False


def _read_calls(text: str) -> list[tuple[int, Call]]:
    calls: list[tuple[int, Call]] = []
    position = 0
    while True:
        start = _skip_blanks(text, position)
        call, position = _read_call(text, start)
        calls.append((start, call))
        position = _skip_blanks(text, position)
        if position == len(text):
            return calls
        if text[position] != ";":
            raise CallSyntaxError('expected ";" or the end after a call', position)
        position += 1
        if _skip_blanks(text, position) == len(text):
            return calls  # a trailing ";" is a common slip


def _skip_blanks(text: str, position: int) -> int:
    while position < len(text) and text[position].isspace():
        position += 1
    return position


def _read_call(text: str, position: int) -> tuple[Call, int]:
    start = position
    while position < len(text) and text[position] not in _SYNTAX:
        position += 1
    name = text[start:position].strip()
    if position == len(text) or text[position] != "(":
        raise CallSyntaxError('expected "(" after the intent name', position)
    if not name:
        raise CallSyntaxError("expected an intent name", start)
    if fault := name_fault(name):
        raise CallSyntaxError(f"the intent name {fault}", start)
    values, position = _read_values(text, position + 1)
    return Call(name, tuple(values)), position


def _read_values(text: str, position: int) -> tuple[list[str], int]:
    inside = _skip_blanks(text, position)
    if inside < len(text) and text[inside] == ")":
        return [], inside + 1
    values: list[str] = []
    while True:
        value, position = _read_value(text, position)
        values.append(value)
        if text[position] == ")":
            return values, position + 1
        position += 1


def _read_value(text: str, position: int) -> tuple[str, int]:
    """Read one value; the position returned is that of the "," or ")" after it."""
    start = _skip_blanks(text, position)
    if start < len(text) and text[start] == '"':
        quoted = _read_quoted(text, start)
        if quoted is not None:
            return quoted
    return _read_bare(text, position)


def _read_quoted(text: str, start: int) -> tuple[str, int] | None:
    """Read a JSON string, or None where the text is bare text that begins with a quote."""
    try:
        value, end = _DECODER.raw_decode(text, start)
    except ValueError:
        return None
    end = _skip_blanks(text, end)
    if end < len(text) and text[end] in ",)":
        return str(value), end
    return None


def _read_bare(text: str, start: int) -> tuple[str, int]:
    depth = 0
    for position in range(start, len(text)):
        character = text[position]
        if character == "(":
            depth += 1
        elif character == ")" and depth:
            depth -= 1
        elif depth == 0 and character in ",)":
            return text[start:position].strip(), position
        elif depth == 0 and character == ";":
            raise CallSyntaxError('";" inside a value needs quotes', position)
    raise CallSyntaxError('expected ")"', len(text))


def _format_call(call: Call) -> str:
    if fault := name_fault(call.intent):
        raise ValueError(f"an intent cannot be named {call.intent!r}: the name {fault}")
    return f"{call.intent}({','.join(format_value(value) for value in call.parameters)})"


def format_value(value: str) -> str:
    """Write one parameter value: bare, or as a JSON string if it needs quotes.

    Example:
        >>> format_value("Hangzhou"), format_value("a, b")
        ('Hangzhou', '"a, b"')
    """
    if not value or value != value.strip() or _MUST_QUOTE & set(value):
        return json.dumps(value, ensure_ascii=False)
    return value


def _json_call(item: object) -> Call:
    if not isinstance(item, dict) or set(item) != {"intent", "parameters"}:
        raise CallSyntaxError('expected {"intent": …, "parameters": […]}', 0)
    intent, parameters = item["intent"], item["parameters"]
    if not isinstance(intent, str) or not intent or not isinstance(parameters, list):
        raise CallSyntaxError('expected {"intent": str, "parameters": [str, …]}', 0)
    if fault := name_fault(intent):
        raise CallSyntaxError(f"the intent name {fault}", 0)
    if not all(isinstance(value, str) for value in parameters):
        raise CallSyntaxError("parameters must be strings", 0)
    return Call(intent, tuple(parameters))
