"""Taxonomy: the intents of labelled rows, as a file to complete."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from intentflow.config import Flag, StrictModel


class TaxonomyConfig(StrictModel):
    """Configuration of drafting a taxonomy, in addition to that of reading the rows.

    Example:
        >>> TaxonomyConfig(out_of_scope="none_of_these").out_of_scope
        'none_of_these'
    """

    out_of_scope: Annotated[str | None, Flag(metavar="INTENT")] = Field(
        None,
        description="The intent of utterances that belong to no other (default: oos, if it occurs)",
    )
