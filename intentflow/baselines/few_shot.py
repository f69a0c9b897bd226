"""Few-shot prompts: labelled rows as turns of a conversation before the utterance."""

from __future__ import annotations

import json
import random
from collections.abc import Sequence
from itertools import chain, zip_longest
from typing import Any

from intentflow.baselines.labels import intents_label
from intentflow.calls import OutputFormat, format_output, parse_calls
from intentflow.prompts import control_tokens
from intentflow.records import Example


def choose_shots(examples: Sequence[Example], number: int, seed: int) -> list[Example]:
    """Choose rows to show at random, one of each label before a second one of any."""
    rng = random.Random(seed)
    rows: dict[str, list[Example]] = {}
    for example in examples:
        if label := intents_label(example.output):
            rows.setdefault(label, []).append(example)
    groups = [rows[label] for label in sorted(rows)]
    rng.shuffle(groups)
    for group in groups:
        rng.shuffle(group)
    rounds = chain.from_iterable(zip_longest(*groups))
    return [example for example in rounds if example is not None][:number]


def insert_shots(tokenizer: Any, shots: Sequence[Example], output_format: OutputFormat) -> None:
    """Insert turns before the last one into the tokenizer's own chat template.

    Call it before :func:`intentflow.prompts.bake_template`, which keeps only the user's turns and
    passes the model's own template a single conversation to render.

    Args:
        tokenizer: The tokenizer, changed in place.
        shots: Rows whose utterance and label become a user's and an assistant's turn.
        output_format: Format of the answers.
    """
    controls = control_tokens(tokenizer)
    turns = [turn for shot in shots for turn in _turns(shot, output_format, controls)]
    if turns:
        own = tokenizer.chat_template
        tokenizer.chat_template = _INSERTION % json.dumps(turns, ensure_ascii=False) + own


def _turns(
    shot: Example, output_format: OutputFormat, controls: Sequence[str]
) -> list[dict[str, str]]:
    answer = format_output(parse_calls(shot.output), output_format)
    return [
        {"role": "user", "content": _as_text(shot.instruction, controls)},
        {"role": "assistant", "content": _as_text(answer, controls)},
    ]


def _as_text(text: str, controls: Sequence[str]) -> str:
    """Turn typed control tokens into ordinary text, as the baked template does."""
    for control in controls:
        text = text.replace(control, f"{control[0]} {control[1:]}")
    return text


_INSERTION = "{%%- set messages = messages[:-1] + %s + messages[-1:] -%%}"
