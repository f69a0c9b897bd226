"""Context words: words that identify the number after them."""

from __future__ import annotations

import re

_FILLERS = (
    r"[\s:=#\"'(]"
    r"|\b(?:numbers?|num|no\.?|nr\.?|code|id|is|was|at|on|to|me|us|him|her|them|my|our|the|a|as"
    r"|nomor|nomornya|nya|adalah|saya|ke|di)(?![a-z])"
    r"|号码|號碼|号|號|码|碼|是|为|為|给|給|我|的"
)
_MAX_CONTEXT_CHARACTERS = 48

UNIT = (
    r"\s?(?:[%°$€£¥￥]|元|块|塊|美元|美金|人民币|万|萬|千|亿|億|个|個)"
    r"|\s(?:us |american |canadian )?"
    r"(?:dollars?|bucks|pounds?|euros?|cents?|usd|eur|gbp|idr|rmb|cny|jpy|inr|krw"
    r"|rupiah|ribu|juta|won|yen|yuan"
    r"|rupees?|pesos?|baht|ringgit|dong|francs?|krona|kroner|lira|rubles?|thousand|million"
    r"|billion|units?|pieces?|pcs"
    r"|items?|boxes|copies|people|users|shares|times|plus|minus|multiplied|divided|percent"
    r"|degrees|bytes|kb|mb|gb"
    r"|km|kilometers?|miles|meters?|kg|grams?|seconds?|minutes?|hours?|days?|years?)(?![a-z])"
)
"""Words after a number that is an amount."""


def context_pattern(words: str) -> re.Pattern[str]:
    """Compile a pattern for one of the words, followed only by fillers up to the end of a text.

    Args:
        words: Alternatives of a regular expression; Latin ones contain their own word boundaries.
    """
    return re.compile(rf"(?:{words})(?:{_FILLERS})*$", re.IGNORECASE)


def has_context(pattern: re.Pattern[str], text: str, position: int) -> bool:
    """Whether a match of a :func:`context_pattern` ends at a position of the text."""
    return pattern.search(text[max(0, position - _MAX_CONTEXT_CHARACTERS) : position]) is not None


_OTHER_NUMBERS = context_pattern(
    r"(?<![a-z])(?:orders?|tickets?|invoices?|bookings?|references?|ref|tracking|isbn|sku|serial"
    r"|pesanan|resi|faktur)(?![a-z])"
    r"|订单|訂單|单号|單號|编号|編號|发票|發票|快递|快遞|航班|[$€£¥￥#]"
)
_OTHER_CODES = context_pattern(
    r"(?<![a-z])(?:track|parcels?|packages?|shipments?|ean|upc|products?|items?|articles?|parts?"
    r"|models?|versions?|commits?|builds?|guid|uuid|hash|flights?|trains?|scores?|timestamps?"
    r"|transactions?"
    r"|cases?|documents?|files?|records?|barcodes?|lots?|batch(?:es)?)(?![a-z])"
    r"|商品|产品|產品|货号|貨號|型号|第"
)
_AMOUNTS = re.compile(
    r"(?:(?<![a-z])(?:rp|idr|usd|eur|gbp|cny|rmb|jpy|inr|krw"
    r"|price[sd]?|costs?|budget|pay|paid|pays|spen[dt]"
    r"|transfer(?:red)?|withdraw|deposit|add|subtract|multiply|divide|sum|total|amount|worth"
    r"|revenue"
    r"|sales|profit|salary|balance|population|grew|grow|rose|rise|fell|increase[sd]?"
    r"|decrease[sd]?|qty|quantity|how much|times|plus|minus|calculate"
    r"|count|convert|equals?|over|under|than|nearly|almost|about|around|roughly)(?![a-z])"
    r"(?:\s*(?:(?<![a-z])(?:of|is|are|was|were|by|for|about|around|from|up|only|just|it"
    r"|exactly|the|a|another)(?![a-z])|[:=]))*"
    r"|预算|價格|价格|售价|金额|金額|总共|一共|[$€£¥￥])[\s+(-]*$",
    re.I,
)


def follows_other_number(text: str, position: int) -> bool:
    """Whether the words before a position introduce the number of an order, in any form."""
    return has_context(_OTHER_NUMBERS, text, position)


def follows_other_code(text: str, position: int) -> bool:
    """Whether the words before a position introduce plain digits of a product, a file, an order."""
    return has_context(_OTHER_CODES, text, position) or follows_other_number(text, position)


def follows_amount(text: str, position: int) -> bool:
    """Whether the words before a position introduce a price or a count."""
    return _AMOUNTS.search(text[max(0, position - _MAX_CONTEXT_CHARACTERS) : position]) is not None
