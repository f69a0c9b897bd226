"""A griffe extension: docstrings as mkdocstrings shows them best."""

from __future__ import annotations

import re
from typing import Any

import griffe

from scripts.docs.json_schema import plain


class PlainDocstrings(griffe.Extension):
    """Examples are shown as code, and names without the roles that mark them."""

    def on_object(self, *, obj: griffe.Object, **_: Any) -> None:
        """Rewrite an object's docstring."""
        if obj.docstring:
            obj.docstring.value = shown(obj.docstring.value)


def shown(docstring: str) -> str:
    """A docstring whose section of examples has the name that griffe knows, without roles."""
    return re.sub(r"^Example:$", "Examples:", plain(docstring, keep_breaks=True), flags=re.M)
