"""Prompt construction, shared by training, evaluation and serving.

A :class:`PromptSpec` holds the system text. :func:`bake_template` wraps the model's own chat
template so that it always renders that system text, joins the user's rounds and turns typed
control tokens into plain text. The wrapped template is saved with the tokenizer, so every caller
of ``apply_chat_template``, a trainer or an inference server, gets the same token ids.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, ClassVar, Literal, Self

from pydantic import Field, GetJsonSchemaHandler, computed_field
from pydantic.json_schema import JsonSchemaValue

from intentflow.artifacts.document import ClosedArtifact
from intentflow.calls import CallSyntaxError, OutputFormat, call_starts
from intentflow.errors import InputError, one_line
from intentflow.taxonomy import Intent, Taxonomy

Language = Literal["en", "zh", "id"]
TaxonomyInPrompt = Literal["none", "names", "parameters", "full"]
SystemPromptMode = Literal["enforce", "default"]

PROMPT_FILE = "prompt.json"
"""Name of the prompt in a model directory."""

INTENT_TOKENS = "intent_tokens"
"""The key of ``tokenizer_config.json`` that holds :func:`intent_tokens`."""

# The labelling guide's evaluation prompt, in its three languages.
DEFAULT_SYSTEM: dict[Language, str] = {
    "en": "You are an intent recognition expert. You can recognize an intent based on user "
    "questions and return the corresponding function invocation and parameters.",
    "zh": "你是一個意圖識別專家,可以根據使用者的問題識別出意圖,並返回對應的函數調用和參數。",
    "id": "Anda adalah ahli pengenalan maksud. Anda dapat mengenali maksud berdasarkan pertanyaan "
    "pengguna dan mengembalikan pemanggilan fungsi dan parameter yang sesuai.",
}
_INTENTS_HEADING: dict[Language, str] = {"en": "Intents:", "zh": "意圖:", "id": "Maksud:"}
_JSON_ANSWER: dict[Language, str] = {
    "en": 'Answer as JSON: [{"intent": "…", "parameters": ["…"]}]',
    "zh": '以JSON回答: [{"intent": "…", "parameters": ["…"]}]',
    "id": 'Jawab sebagai JSON: [{"intent": "…", "parameters": ["…"]}]',
}


class PromptSpec(ClosedArtifact):
    """The prompt that precedes the utterance, as ``prompt.json`` in a model directory.

    The file also holds the prompt's digest, which is checked on reading.
    """

    WRONG_KIND: ClassVar[str] = "not a JSON object, so not a prompt"
    ADVICE: ClassVar[str] = "train again, or fetch the model again"

    system: str = Field(description="The complete system text, taxonomy included")
    language: Language = Field(
        "en", description="Language of the defaults: English, Traditional Chinese or Indonesian"
    )
    taxonomy_in_prompt: TaxonomyInPrompt = Field(
        "none", description="Part of the taxonomy that system contains"
    )
    output_format: OutputFormat = Field("call", description="Format of the model's answers")
    allow_thinking: bool = Field(
        False,
        description="Whether a thinking block may precede the answer, which is left out of it; of "
        "prompts that are sent to an endpoint alone",
    )

    @classmethod
    def build(
        cls,
        *,
        taxonomy: Taxonomy | None = None,
        taxonomy_in_prompt: TaxonomyInPrompt = "none",
        language: Language = "en",
        output_format: OutputFormat = "call",
        system: str | None = None,
        allow_thinking: bool = False,
    ) -> Self:
        """Compose the system text from its parts.

        Raises:
            InputError: ``taxonomy_in_prompt`` needs a taxonomy and none is given.
        """
        parts = [system or DEFAULT_SYSTEM[language]]
        if taxonomy_in_prompt != "none":
            if taxonomy is None:
                raise InputError(f"taxonomy_in_prompt: {taxonomy_in_prompt} needs a taxonomy")
            parts.append(_describe(taxonomy, taxonomy_in_prompt, language))
        if output_format == "json":
            parts.append(_JSON_ANSWER[language])
        return cls(
            system="\n".join(parts),
            language=language,
            taxonomy_in_prompt=taxonomy_in_prompt,
            output_format=output_format,
            allow_thinking=allow_thinking,
        )

    @classmethod
    def from_mapping(cls, document: object, where: str) -> Self:
        """Check the content of a ``prompt.json``.

        Raises:
            InputError: A key is invalid, the digest does not match the content, or a thinking
                block is allowed: the answers of a model directory are constrained.
        """
        stated = None
        if isinstance(document, Mapping):
            stated = document.get("digest")
            document = {key: value for key, value in document.items() if key != "digest"}
        spec = super().from_mapping(document, where)
        if stated != spec.digest:
            raise InputError(f"{where}: was changed after training (its digest does not match)")
        if spec.allow_thinking:
            raise InputError(
                f"{where}: allow_thinking is for endpoints; a model directory's answers are "
                "constrained to calls from their first token: train again without it"
            )
        return spec

    @computed_field(description="SHA-256 of the other keys")  # type: ignore[prop-decorator]
    @property
    def digest(self) -> str:
        """SHA-256 of the canonical form; of the prompt alone, so no version of the file counts."""
        fields = self.model_dump(include=set(_DIGESTED))
        if self.allow_thinking:  # without it, the digest is that of prompts that lack the key
            fields["allow_thinking"] = True
        canonical = json.dumps(fields, sort_keys=True, ensure_ascii=False)
        return hashlib.sha256(canonical.encode()).hexdigest()

    @classmethod
    def __get_pydantic_json_schema__(
        cls, core_schema: Any, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        """The schema of the file, which has the digest, too."""
        schema = super().__get_pydantic_json_schema__(core_schema, handler)
        own = handler.resolve_ref_schema(schema)
        own["properties"]["digest"] = {"type": "string", "description": "SHA-256 of the prompt"}
        own["required"] = [*own["required"], "digest"]
        return schema


_DIGESTED = ("system", "language", "taxonomy_in_prompt", "output_format")


def join_rounds(rounds: Sequence[str]) -> str:
    """Join a dialogue's user turns into one instruction, as the labelling guide shows.

    Rounds are separated by a blank, except after Chinese and Japanese characters or full-width
    punctuation.

    Example:
        >>> join_rounds(["book a table", "for two"])
        'book a table for two'
    """
    text = ""
    for round_ in rounds:
        text += ("" if not text or _is_unspaced(text[-1]) else " ") + round_
    return text


def _is_unspaced(character: str) -> bool:
    return "⺀" <= character <= "鿿" or "豈" <= character <= "￯"


def bake_template(tokenizer: Any, spec: PromptSpec, mode: SystemPromptMode = "enforce") -> None:
    """Wrap ``tokenizer.chat_template`` so that it renders ``spec`` for any client's messages.

    A prompt that was baked in before, as in an already trained model, is replaced.

    Args:
        tokenizer: A tokenizer with the model's own chat template; changed in place.
        spec: The prompt to enforce.
        mode: ``enforce`` replaces a client's system text by the trained one; ``default`` uses
            the trained one only if the client sends none.

    Raises:
        InputError: The tokenizer has no chat template.
    """
    own = _own_template(tokenizer)
    tokenizer.chat_template = own
    wrapped = _WRAPPER.format(
        system=json.dumps(spec.system, ensure_ascii=False),
        controls=json.dumps(control_tokens(tokenizer), ensure_ascii=False),
        default="true" if mode == "default" else "false",
        fold="false" if _takes_system_role(tokenizer) else "true",
    )
    tokenizer.chat_template = wrapped + _WRAPPER_END + own


def require_baked(tokenizer: Any, spec: PromptSpec, where: str) -> None:
    """Check that a model's chat template is the one that its training baked the prompt into.

    Args:
        tokenizer: Tokenizer of the model.
        spec: Prompt of the model.
        where: The model directory, for the message.

    Raises:
        InputError: The template is missing, or another one.
    """
    template = tokenizer.chat_template
    system = json.dumps(spec.system, ensure_ascii=False)
    if not isinstance(template, str) or _WRAPPER_END not in template or system not in template:
        raise InputError(
            f"model {where}: its chat template (chat_template.jinja) is missing or is not that of "
            "its training, so that it would be asked with another prompt: train or fetch it again"
        )


def control_tokens(tokenizer: Any) -> list[str]:
    """Texts that the tokenizer reads as one control token, longest first."""
    texts = {str(token.content) for token in tokenizer.added_tokens_decoder.values()}
    return sorted((t for t in texts if len(t) > 1 and t.strip()), key=lambda t: (-len(t), t))


def prompt_token_ids(tokenizer: Any, instruction: str) -> list[int]:
    """Token ids of the complete prompt for one utterance, by the baked template."""
    return chat_token_ids(tokenizer, [{"role": "user", "content": instruction}])


def chat_token_ids(tokenizer: Any, messages: Sequence[Mapping[str, Any]]) -> list[int]:
    """Token ids of the complete prompt for a client's messages, by the baked template."""
    text = tokenizer.apply_chat_template(list(messages), add_generation_prompt=True, tokenize=False)
    ids: list[int] = tokenizer(text, add_special_tokens=False)["input_ids"]
    return ids


def answer_token_ids(tokenizer: Any, answer: str, end_token_id: int) -> list[int]:
    """Token ids of an answer and its end token.

    Control tokens in the text stay text. An intent with a token of its own
    (:func:`intent_tokens`) is encoded as that token at the start of a call.
    """
    ids: list[int] = []
    for piece in _calls_apart(answer, intent_tokens(tokenizer)):
        ids += [piece] if isinstance(piece, int) else _text_ids(tokenizer, piece, bool(ids))
    return [*ids, end_token_id]


def intent_tokens(tokenizer: Any) -> dict[str, int]:
    """Call openings that are one token in answers, with their ids; saved with the tokenizer.

    Ordinary text is never encoded as one of them: no merge of the vocabulary produces them.
    """
    return dict(tokenizer.init_kwargs.get(INTENT_TOKENS) or {})


def _calls_apart(answer: str, tokens: Mapping[str, int]) -> Iterator[str | int]:
    """An answer as intent tokens and the text between them."""
    text = 0
    for start in _call_starts(answer) if tokens else []:
        end = answer.index("(", start) + 1
        if answer[start : end + 1] in tokens:  # `name()` of an intent without parameters
            end += 1
        if answer[start:end] in tokens:
            if text < start:
                yield answer[text:start]
            yield tokens[answer[start:end]]
            text = end
    if text < len(answer):
        yield answer[text:]


def _call_starts(answer: str) -> list[int]:
    try:
        return call_starts(answer)
    except CallSyntaxError:
        return []


def _text_ids(tokenizer: Any, text: str, behind: bool) -> list[int]:
    """Token ids of text in an answer, at its beginning or after other tokens."""
    found = [control for control in control_tokens(tokenizer) if control in text]
    # The library's own switch does not split added tokens that are not marked special.
    cuts = "|".join(f"(?<={re.escape(text[0])})(?={re.escape(text[1:])})" for text in found)
    ids: list[int] = []
    for piece in re.split(cuts, text) if cuts else [text]:
        ids += _piece_ids(tokenizer, piece, behind or bool(ids))
    return ids


def _piece_ids(tokenizer: Any, piece: str, behind: bool) -> list[int]:
    """Token ids of a piece, without the blank that some tokenizers put before every text."""

    def encode(text: str) -> list[int]:
        ids: list[int] = tokenizer(text, add_special_tokens=False, split_special_tokens=True)[
            "input_ids"
        ]
        return ids

    ids = encode(piece)
    if not behind or not tokenizer.convert_ids_to_tokens(encode("a")[:1])[0].startswith("▁"):
        return ids
    mark = encode("\n")  # never merged with what follows
    marked = encode("\n" + piece)
    return marked[len(mark) :] if marked[: len(mark)] == mark else ids


def end_token_id(tokenizer: Any) -> int:
    """The token that closes an assistant turn in the model's own chat template.

    Raises:
        InputError: There is no template, or it closes the turn with plain text.
    """
    answer = "ANSWER"
    turns = [{"role": "user", "content": "hello"}, {"role": "assistant", "content": answer}]
    own = _own_template(tokenizer)
    try:
        text = tokenizer.apply_chat_template(turns, chat_template=own, tokenize=False)
        tail = text[text.rindex(answer) + len(answer) :]
    except Exception as error:  # of Jinja, or raised by the template itself
        if isinstance(error, ImportError):
            raise
        reason = "it leaves out the answer" if isinstance(error, ValueError) else one_line(error)
        raise InputError(
            f"the base model's chat template cannot render a question and its answer ({reason}): "
            "restore its chat_template.jinja, or choose an instruction-tuned model"
        ) from None
    ids: list[int] = tokenizer(tail.strip(), add_special_tokens=False)["input_ids"]
    added = tokenizer.added_tokens_decoder
    if not ids or ids[0] not in added:
        raise InputError(
            "the chat template does not end an assistant turn with a special token; "
            "choose a base model whose template does"
        )
    return ids[0]


def _own_template(tokenizer: Any) -> str:
    """The chat template that came with the base model."""
    template = tokenizer.chat_template
    if isinstance(template, dict):  # one for chats, others for tools or retrieval
        template = template.get("default")
    if not isinstance(template, str):
        raise InputError(
            "the base model has no chat template: add a chat_template.jinja to its tokenizer's "
            "folder or choose an instruction-tuned model"
        )
    return template.rpartition(_WRAPPER_END)[2]


def _takes_system_role(tokenizer: Any) -> bool:
    marker = "SYSTEM-MARKER"
    turns = [{"role": "system", "content": marker}, {"role": "user", "content": "hello"}]
    try:
        return marker in str(tokenizer.apply_chat_template(turns, tokenize=False))
    except Exception:  # templates without a system role raise an error of their own
        return False


def _describe(taxonomy: Taxonomy, detail: TaxonomyInPrompt, language: Language) -> str:
    heading = _INTENTS_HEADING[language]
    if detail == "names":
        return f"{heading} {', '.join(taxonomy.intents)}"
    full = detail == "full"
    lines = [_describe_intent(name, intent, full) for name, intent in taxonomy.intents.items()]
    return "\n".join([heading, *lines])


def _describe_intent(name: str, intent: Intent, full: bool) -> str:
    line = f"{name}({','.join(_describe_parameter(intent, it) for it in intent.parameters)})"
    return f"{line}: {intent.description}" if full and intent.description else line


def _describe_parameter(intent: Intent, name: str) -> str:
    allowed = intent.values.get(name)
    return f"{name}={'|'.join(allowed)}" if allowed else name


# Jinja; doubled braces are literal. The model's own template follows and sees `messages` replaced.
# A blank after the first character makes a typed control token ordinary text; the same
# replacement happens in training and serving because both render this template. It comes after
# the joining, so that no token can be assembled from two rounds.
_WRAPPER = """\
{{%- set flow = namespace(text='', client=none, body='') -%}}
{{%- macro read(content) -%}}
{{%- set flow.body = '' -%}}
{{%- if content is string -%}}
{{%- set flow.body = content -%}}
{{%- else -%}}
{{%- for part in content if part.text is defined -%}}
{{%- set flow.body = flow.body + part.text -%}}
{{%- endfor -%}}
{{%- endif -%}}
{{%- endmacro -%}}
{{%- for message in messages -%}}
{{%- if message.role == 'user' -%}}
{{{{- read(message.content) -}}}}
{{%- set last = flow.text[-1:] -%}}
{{%- set joined = not last or ('⺀' <= last and last <= '鿿') or ('豈' <= last and last <= '￯') -%}}
{{%- set flow.text = flow.text + ('' if joined else ' ') + flow.body -%}}
{{%- elif message.role == 'system' and {default} -%}}
{{{{- read(message.content) -}}}}
{{%- set flow.client = flow.body -%}}
{{%- endif -%}}
{{%- endfor -%}}
{{%- set flow.body = {system} if flow.client is none else flow.client -%}}
{{%- for control in {controls} -%}}
{{%- set flow.body = flow.body.replace(control, control[0] + ' ' + control[1:]) -%}}
{{%- set flow.text = flow.text.replace(control, control[0] + ' ' + control[1:]) -%}}
{{%- endfor -%}}
{{%- if {fold} -%}}
{{%- set turns = [{{'role': 'user', 'content': flow.body + '\\n\\n' + flow.text}}] -%}}
{{%- else -%}}
{{%- set turns = [{{'role': 'system', 'content': flow.body}}, \
{{'role': 'user', 'content': flow.text}}] -%}}
{{%- endif -%}}
{{%- set messages = turns -%}}
"""
_WRAPPER_END = "{#- here begins the model's own template -#}"
