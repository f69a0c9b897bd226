"""The response header that names the model that answered."""

from __future__ import annotations

from collections.abc import Iterable

from intentflow.openai_api.model_header import MODEL_HEADER
from intentflow.serving.model_files import ServedModel


def model_header(models: Iterable[ServedModel]) -> dict[str, str]:
    """The header for the answers of these models.

    A request with several instances has the answers of several models only where a canary ceased
    to answer in between.

    Returns:
        The header with each digest once, in order and separated by commas; nothing where a model
        has no digest, as a folder has none.

    Example:
        >>> model_header([])
        {}
    """
    digests = [model.model_digest for model in models]
    known = list(dict.fromkeys(digest for digest in digests if digest))
    return {MODEL_HEADER: ",".join(known)} if known and None not in digests else {}
