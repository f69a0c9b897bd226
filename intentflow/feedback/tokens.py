"""Words of an utterance, in scripts with and without blanks between words."""

from __future__ import annotations

import re

# Scripts that put no blanks between words: each character counts as one.
_UNSPACED = "\u0e00-\u0e7f\u3041-\u3096\u30a1-\u30fa\u3400-\u4dbf\u4e00-\u9fff"
_TOKEN = re.compile(rf"[{_UNSPACED}]|[^\W{_UNSPACED}]+")


def words(text: str) -> list[str]:
    """The words in lower case; characters in Chinese, Japanese and Thai.

    Example:
        >>> words("Play JAZZ!"), words("放一首歌")
        (['play', 'jazz'], ['放', '一', '首', '歌'])
    """
    return _TOKEN.findall(text.lower())
