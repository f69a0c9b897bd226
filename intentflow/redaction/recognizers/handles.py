"""User names such as ``@jack``; ``@home``, ``@all`` and ``@5pm`` are places, groups and times."""

from __future__ import annotations

import re
from collections.abc import Iterator

from intentflow.redaction.recognizers.spans import Span

_HANDLE = re.compile(r"(?<![\w@.])@([A-Za-z0-9_]{2,30})(?![\w@]|\.\w)", re.ASCII)
_CONTEXT = re.compile(
    r"(?:\b(?:follow(?:s|ed|ing)?|unfollow|tweet(?:s|ed)?|twitter|x|retweet|mention(?:s|ed)?"
    r"|dm|message|text|ping|block|mute|tag(?:ged)?|thank(?:s| you)|insta(?:gram)?|ig"
    r"|tiktok|telegram|github|threads"
    r"|snapchat|skype|handle|user(?:name)?|account"
    r"|profile|from|via|cc|and|with|hi|hey|hello|ask|tell|reply to|send(?: it)? to|says?)"
    r"|关注|關注|提到|推特|微博|私信|回复|回覆)[\s:,]*(?:is\s*|to\s*|at\s*|from\s*|of\s*)?$",
    re.I,
)
_GROUPS_AND_PLACES = frozenset(
    """
    admin airport all apartment bathroom beach bedroom channel church class club college
    cottage desk dinner door downstairs everybody everyone everywhere family flat friends
    garage garden group gym hall here home hotel house kitchen library lights live lounge
    lunch mall market me midnight morning night noon nothing office online outside park party
    playground pool restaurant room school shop site station store studio team the there
    toilet tonight train twitter uni university upstairs work
    """.split()  # noqa: SIM905
)
_TIME = re.compile(r"\d{1,4}(?:am|pm|h|hrs?|oclock|st|nd|rd|th)?|\d+x?", re.I)
_MAX_CONTEXT = 32


def may_contain_handle(text: str) -> bool:
    """A cheap test for the ``@`` of a handle."""
    return "@" in text


def find_handles(text: str) -> Iterator[Span]:
    """User names that a digit or an underscore shows, or a word before them."""
    for match in _HANDLE.finditer(text):
        name = match[1]
        if name.lower() in _GROUPS_AND_PLACES or _TIME.fullmatch(name):
            continue
        before = text[max(0, match.start() - _MAX_CONTEXT) : match.start()]
        if not name.isalpha() or _CONTEXT.search(before):
            yield Span(match.start(), match.end(), "TWITTER")
