"""Fast reader of the documented iTAG row: one scan of its text instead of two parses.

A row matches only if it is, byte for byte, the row of the labelling guide's sample with other
values: no escapes, no blank texts, no further keys, not abandoned. Such a row is valid JSON without
repeated keys, and the result of :mod:`intentflow.conversion.itag` for it is known. All other rows
are left to that module.
"""

from __future__ import annotations

import re

_TEXT = rb'[^"\\\x00-\x1f]*+'
_VISIBLE_TEXT = rb'[^"\\\x00-\x20]' + _TEXT  # starts with a visible character
_STRING = rb'"' + _TEXT + rb'"'


def _result(output: bytes) -> bytes:
    """A stage's results up to the annotator's own id."""
    mark = (
        rb'\{\\"tabId\\":\\"%b\\",\\"annotations\\":\[\{\\"id\\":null,'
        rb'\\"labels\\":\{\\"output\\":\\"%b\\"\},\\"exif\\":null\}\],'
        rb'\\"type\\":\\"%b\\",\\"version\\":\\"%b\\"\}'
    ) % (_TEXT, output, _TEXT, _TEXT)
    return (
        rb'"results":\[\{"MarkResultId":%b,"MarkTitle":%b,"MarkResult":"%b","QuestionId":%b,'
        rb'"ResultType":%b,"Progress":null,"Version":%b,"MarkTime":%b,"UserMarkResultId":'
    ) % (_STRING, _STRING, mark, _STRING, _STRING, _STRING, _STRING)


# The human stage mostly repeats the system's value: comparing is faster than matching.
_END = rb'(?:null|%b),"IsNeedVoteJudge":(?:true|false)\}\]' % _STRING
_ROW = (
    rb'\{"data":\{"instruction":"(?P<text>%b)"(?:,"_itag_index":%b)?\},'
    rb'"label-(?P<job>\d++)-system":\{"fixedFlag":\d,(?P<result>%b)%b,"abandonFlag":0\},'
    rb'"label-(?P=job)":\{(?:(?P=result)|%b)%b\},'
    rb'"abandonFlag":0,"abandonRemark":(?:null|%b)\}\r?(?:\n|\Z)'
) % (
    _VISIBLE_TEXT,
    _STRING,
    _result(rb"(?P<system>%b)" % _VISIBLE_TEXT),
    _END,
    _result(rb"(?P<human>%b)" % _VISIBLE_TEXT),
    _END,
    _STRING,
)
_LINE = re.compile(_ROW + rb"|(?P<other>[^\n]*+\n|[^\n]++)")


def scan_lines(block: bytes) -> list[tuple[bytes, bytes, bytes, bytes, bytes, bytes]]:
    """Each line of a block of complete lines as ``(text, job, result, system, human, other)``.

    If ``other`` is empty, the line is the documented row; its texts are JSON without escapes, and
    ``human`` is empty if the human stage equals the system's. Otherwise ``other`` is the line
    itself.
    """
    return _LINE.findall(block)
