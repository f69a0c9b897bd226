"""Intent tokens: call names as single tokens, so that an answer without parameters is two tokens.

The tokens are entries of the vocabulary that no merge produces: decoding writes them, encoding
never does. A prompt therefore has the same token ids as without them, and no user's text becomes an
intent; only :func:`intentflow.prompts.answer_token_ids` writes them, in answers. An ordinary added
token would be found in every text, and the system prompt's own list of intents would have to be
spelled differently.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from intentflow.calls import OutputFormat
from intentflow.errors import InputError
from intentflow.prompts import INTENT_TOKENS, answer_token_ids, intent_tokens
from intentflow.taxonomy import Taxonomy

log = logging.getLogger(__name__)

# The kind of tokenizer whose vocabulary can hold words that no merge produces.
_KIND = "BPE"


@dataclass(frozen=True)
class IntentTokens:
    """The tokens of a taxonomy's intents.

    Attributes:
        ids: Ids of all of them.
        fresh: Tokens that are new to the base model, each with the tokens whose mean initialises
            it.
        rows: Number of embedding rows that they need.
        left_as_text: Call openings that cannot be tokens.
    """

    ids: list[int]
    fresh: dict[int, list[int]]
    rows: int
    left_as_text: list[str]


def add_intent_tokens(tokenizer: Any, taxonomy: Taxonomy) -> IntentTokens:
    """Add a token for each intent: ``name(``, or ``name()`` if it never has a parameter.

    Tokens of an earlier training are kept.

    Args:
        tokenizer: The tokenizer, changed in place.
        taxonomy: The intents.

    Raises:
        InputError: The tokenizer is of an unsupported type.
    """
    _refuse_other_kinds(_kind(tokenizer))
    before = tokenizer.backend_tokenizer.to_str()
    openings = [
        f"{name}(" if intent.parameters else f"{name}()"
        for name, intent in taxonomy.intents.items()
    ]
    former = {text: i for text, i in intent_tokens(tokenizer).items() if text in openings}
    wanted = [text for text in openings if text not in former]
    pieces = {text: answer_token_ids(tokenizer, text, 0)[:-1] for text in wanted}
    added = _extend(tokenizer, before, wanted)
    # A tokenizer that looks up complete words before merging may encode a name like `?(` as one.
    safe = [text for text, token in added.items() if token not in _read(tokenizer, text)]
    if len(safe) < len(added):
        added = _extend(tokenizer, before, safe)
    _check_spelling(tokenizer, added)
    ids = {**former, **added}
    tokenizer.init_kwargs[INTENT_TOKENS] = ids
    return IntentTokens(
        ids=sorted(ids.values()),
        fresh={token: pieces[text] for text, token in added.items()},
        rows=max(tokenizer.get_vocab().values()) + 1,
        left_as_text=[text for text in openings if text not in ids],
    )


def request_intent_tokens(
    tokenizer: Any, taxonomy: Taxonomy, wanted: bool | None, output_format: OutputFormat
) -> IntentTokens | None:
    """The intent tokens if a recipe wants them; None if answers are text.

    The vocabulary keeps the tokens of an earlier training. Intents that cannot have a token are
    logged.

    Args:
        tokenizer: The tokenizer, changed in place.
        taxonomy: The intents.
        wanted: The recipe's ``intent_tokens``; None for wherever they can be.
        output_format: Format of the answers.

    Raises:
        InputError: Intent tokens are wanted, and the tokenizer is of an unsupported type.
    """
    if wanted is None:
        wanted = output_format == "call" and _kind(tokenizer) == _KIND
    if not wanted:
        tokenizer.init_kwargs.pop(INTENT_TOKENS, None)
        return None
    tokens = add_intent_tokens(tokenizer, taxonomy)
    if tokens.left_as_text:
        names = ", ".join(tokens.left_as_text)
        log.warning("intents without a token, written as text: %s", names)
    return tokens


def place_intent_tokens(model: Any, tokens: IntentTokens) -> None:
    """Enlarge a model's embeddings if necessary, and initialise each new token.

    A new token starts as the mean of the tokens that spell it, in input and output embeddings.
    """
    import torch

    make_room(model, tokens.rows)
    weights = {
        id(module.weight): module.weight
        for module in (model.get_input_embeddings(), model.get_output_embeddings())
    }
    with torch.no_grad():
        for weight in weights.values():  # a single one if they are tied
            for token, pieces in tokens.fresh.items():
                weight[token] = weight[pieces].mean(0, dtype=torch.float32).to(weight.dtype)


def make_room(model: Any, rows: int) -> None:
    """Enlarge a model's embeddings to ``rows``, unless they have these rows as padding."""
    if model.get_input_embeddings().weight.shape[0] < rows:
        model.resize_token_embeddings(rows, mean_resizing=False)


def trainable_rows(model: Any, ids: Sequence[int]) -> dict[str, list[int]]:
    """PEFT's ``trainable_token_indices``: rows of both embeddings, or of tied ones."""
    modules = [model.get_input_embeddings()]
    if not model.config.tie_word_embeddings:
        modules.append(model.get_output_embeddings())
    names = {id(module): name for name, module in model.named_modules()}
    return {names[id(module)].rpartition(".")[2]: list(ids) for module in modules}


def _kind(tokenizer: Any) -> str:
    """The kind of a tokenizer's model, such as ``BPE``."""
    return str(json.loads(tokenizer.backend_tokenizer.to_str())["model"]["type"])


def _refuse_other_kinds(kind: str) -> None:
    if kind != _KIND:
        raise InputError(
            f"intent_tokens needs a tokenizer of kind {_KIND}, the base model's is {kind}: "
            "leave intent_tokens out"
        )


def _read(tokenizer: Any, text: str) -> list[int]:
    ids: list[int] = tokenizer(text, add_special_tokens=False)["input_ids"]
    return ids


def _extend(tokenizer: Any, backend: str, openings: Sequence[str]) -> dict[str, int]:
    """Append openings to a backend's vocabulary; existing words are skipped."""
    from tokenizers import Tokenizer

    document = json.loads(backend)
    vocabulary = document["model"]["vocab"]
    for control in document["added_tokens"]:  # otherwise they would be renumbered after ours
        vocabulary.setdefault(control["content"], control["id"])
    first = max(vocabulary.values()) + 1
    added: dict[str, int] = {}
    for text in openings:
        spelling = _spell(document, text)
        if spelling not in vocabulary:
            added[text] = vocabulary[spelling] = first + len(added)
    tokenizer._tokenizer = Tokenizer.from_str(json.dumps(document))
    return added


def _spell(document: dict[str, Any], text: str) -> str:
    """The text in the vocabulary's form: bytes as letters, or blanks as ``▁``."""
    from tokenizers.pre_tokenizers import ByteLevel

    if "ByteLevel" in json.dumps(document["decoder"]):
        return ByteLevel(add_prefix_space=False, use_regex=False).pre_tokenize_str(text)[0][0]
    return text.replace(" ", "▁")


def _check_spelling(tokenizer: Any, added: dict[str, int]) -> None:
    for text, token in added.items():
        if tokenizer.decode([token], clean_up_tokenization_spaces=False) != text:
            raise InputError(
                f"the base model's tokenizer cannot write {text!r} as one token: "
                "leave intent_tokens out"
            )
