r"""Halves of surrogate pairs, which JSON and YAML can write (``\ud800``) and no file can hold."""

from __future__ import annotations


def is_unicode(text: str) -> bool:
    r"""Whether a text holds no half of a surrogate pair.

    Example:
        >>> is_unicode("Hangzhou"), is_unicode("\ud800")
        (True, False)
    """
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
