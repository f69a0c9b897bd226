"""Adapters that are served next to a model: whether vLLM can load them."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping

from intentflow.errors import InputError, IntentflowError
from intentflow.storage import read_file

log = logging.getLogger(__name__)

_CONFIG = "adapter_config.json"
_TOKEN_ROWS = "trainable_token_indices"


def require_servable_adapters(adapters: Mapping[str, str]) -> None:
    """Refuse an adapter with rows of its own for tokens, which vLLM does not load.

    Args:
        adapters: ``s3://`` address or folder by name; one that cannot be read is passed over with
            a warning.

    Raises:
        InputError: An adapter has such rows.
    """
    for name, uri in adapters.items():
        try:
            config = read_file(uri.rstrip("/"), _CONFIG)
        except InputError:
            raise
        except IntentflowError as error:
            log.warning("adapter %s was not checked: %s", name, error)
            continue
        if config and _has_token_rows(config):
            raise InputError(
                f"adapter {name} ({uri}): it has rows of its own for tokens ({_TOKEN_ROWS}), which "
                "vLLM does not load: train it with intent_tokens: false, or serve the merged model"
            )


def _has_token_rows(config: bytes) -> bool:
    try:
        found = json.loads(config)
    except ValueError:
        return False  # the server refuses it with its own words
    return isinstance(found, dict) and bool(found.get(_TOKEN_ROWS))
