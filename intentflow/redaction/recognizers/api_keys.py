"""API keys and tokens: by the prefix that their issuer gives them, or a word before them."""

from __future__ import annotations

import re
from collections.abc import Iterator

from intentflow.redaction.recognizers.spans import Span

_BEFORE, _AFTER = r"(?<![A-Za-z0-9_-])", r"(?![A-Za-z0-9_-])"
# Issuers document these prefixes, so that scanners find what was published by mistake.
_ISSUED = (
    r"sk-(?:[a-z]{2,12}\d?\d?-)*[A-Za-z0-9_-]{16,256}"  # OpenAI, Anthropic, OpenRouter, DeepSeek
    r"|(?:sk|pk|rk|whsec)_(?:(?:live|test|prod)_)?[A-Za-z0-9]{16,256}"  # Stripe, Clerk
    r"|gh[pousr]_[A-Za-z0-9]{20,255}|github_pat_[A-Za-z0-9_]{22,255}"
    r"|gl(?:pat|dt|rt|ptt|ft|soat|cbt)-[A-Za-z0-9_.-]{20,255}"
    r"|(?:AKIA|ASIA|AGPA|AIDA|AROA|ANPA)[A-Z2-7]{16}"  # AWS
    r"|LTAI[A-Za-z0-9]{12,26}|AKID[A-Za-z0-9]{13,40}"  # Alibaba, Tencent
    r"|AIza[A-Za-z0-9_-]{35}|ya29\.[A-Za-z0-9_-]{20,256}|GOCSPX-[A-Za-z0-9_-]{20,64}"  # Google
    r"|xox[abeoprs]-[A-Za-z0-9-]{10,256}|xapp-[A-Za-z0-9-]{10,256}"  # Slack
    r"|(?:hf|r8|gsk)_[A-Za-z0-9]{20,64}|nvapi-[A-Za-z0-9_-]{20,128}"
    r"|npm_[A-Za-z0-9]{30,64}|pypi-[A-Za-z0-9_-]{16,256}|dckr_pat_[A-Za-z0-9_-]{20,64}"
    r"|SG\.[A-Za-z0-9_-]{16,64}\.[A-Za-z0-9_-]{16,64}"
    r"|key-[0-9a-f]{32}|[0-9a-f]{32}-us\d{1,2}"  # mail
    r"|(?:AC|SK)[0-9a-f]{32}"  # Twilio
    r"|shp(?:at|ca|pa|ss)_[A-Fa-f0-9]{32}|do[opr]_v1_[0-9a-f]{40,64}|sq0[a-z]{3}-[A-Za-z0-9_-]{22,60}"
    r"|(?:hvs|hvb|s)\.[A-Za-z0-9_-]{24,256}|dapi[0-9a-f]{32}|lin_api_[A-Za-z0-9]{32,64}"
    r"|secret_[A-Za-z0-9]{32,64}|ntn_[A-Za-z0-9]{32,64}|pat[A-Za-z0-9]{14}\.[0-9a-f]{64}"
    r"|[MNO][A-Za-z0-9_-]{23,27}\.[A-Za-z0-9_-]{6}\.[A-Za-z0-9_-]{27,45}"  # Discord
    r"|\d{8,10}:AA[A-Za-z0-9_-]{32,34}"  # Telegram
    r"|ey[A-Za-z0-9_-]{8,2048}\.ey[A-Za-z0-9_-]{8,4096}\.[A-Za-z0-9_-]{8,2048}"  # JSON Web Token
)
_KEY = re.compile(rf"{_BEFORE}(?:{_ISSUED}){_AFTER}")
_PREFIXES = re.compile(
    r"sk-|[sprk]k_|whsec_|gh[pousr]_|github_pat_|gl\w{2,4}-|A[A-Z]{3}[A-Z2-7]{9}|LTAI|AKID|AIza|ya29\.|GOCSPX"
    r"|xox|xapp-|hf_|r8_|gsk_|nvapi-|npm_|pypi-|dckr_|SG\.|key-|-us\d|(?:AC|SK)[0-9a-f]{9}|shp|_v1_|sq0"
    r"|hv[sb]\.|s\.\w{9}|dapi|lin_|secret_|ntn_|pat\w{9}|[MNO][\w-]{23}|:AA|ey[A-Za-z0-9]{8}"
)
_WORD = (
    r"(?<![a-z])(?:(?:api|access|secret|private|auth|client|encryption|signing|subscription|service)"
    r"[ _-]?(?:keys?|tokens?|secrets?)(?:[ _-]?id)?|tokens?|bearer|authorization|credentials?"
    r"|secrets?|x-api-key)(?![a-z_-])|密钥|密鑰|令牌|金钥|金鑰"
)
_ANNOUNCED = re.compile(
    rf"(?:{_WORD})(?:\s*(?:(?<![a-z])(?:is|was|to|key|token|bearer|basic|=|:)(?![a-z])|[=:：是为為]))*"
    r"[\s\"'“‘`(<]*([A-Za-z0-9+/_.~=-]{12,4096}+)",
    re.I,
)
_HAS_WORD = re.compile(_WORD, re.I)
_PEM = re.compile(
    r"-----BEGIN [A-Z ]{0,30}PRIVATE KEY-----(?:(?!-----BEGIN).){0,16384}?"
    r"(?:-----END [A-Z ]{0,30}-----|$)",
    re.S,
)
_LONG_WORD = re.compile(r"[!-~]{12}")
_ENDINGS = ".,;:?!)=-"
_MIN_CHARACTERS = 12


def may_contain_api_key(text: str) -> bool:
    """A cheap test for a prefix or a word before a key; texts have a digit."""
    if text.isascii():
        if max(map(len, text.split()), default=0) < _MIN_CHARACTERS:
            return False
    elif _LONG_WORD.search(text) is None:
        return False
    return _PREFIXES.search(text) is not None or _HAS_WORD.search(text) is not None


def find_api_keys(text: str) -> Iterator[Span]:
    """Keys and tokens; after a word for one, any long text that mixes letters and digits."""
    for match in _KEY.finditer(text):
        if _is_mixed(match[0]):
            yield Span(match.start(), match.end(), "API_KEY")
    for match in _ANNOUNCED.finditer(text):
        key = match[1].rstrip(_ENDINGS)
        if len(key) >= _MIN_CHARACTERS and _is_mixed(key):
            yield Span(match.start(1), match.start(1) + len(key), "API_KEY")
    if "PRIVATE KEY" in text:
        yield from (Span(*match.span(), "API_KEY") for match in _PEM.finditer(text))


def _is_mixed(text: str) -> bool:
    """Whether a text has letters and digits."""
    return any(map(str.isdigit, text)) and any(map(str.isalpha, text))
