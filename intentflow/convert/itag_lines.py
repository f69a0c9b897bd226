"""The documented iTAG row, read off its text in one scan instead of being parsed twice.

A row matches only if it is, byte for byte, the row of the labelling guide's sample with other
values in it: no escape in any text, no blank one, no other key, not abandoned. Such a row is
valid JSON without a key twice and has one way to be read, so what
:mod:`intentflow.convert.itag` gives for it is known. Every other row is left to that module.
"""

from __future__ import annotations

import re

_TEXT = rb'[^"\\\x00-\x1f]*+'
_SAID = rb'[^"\\\x00-\x20]' + _TEXT  # begins with something to see
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


# The human stage mostly repeats what the system's holds: comparing is faster than matching.
_END = rb'(?:null|%b),"IsNeedVoteJudge":(?:true|false)\}\]' % _STRING
_ROW = (
    rb'\{"data":\{"instruction":"(?P<text>%b)"(?:,"_itag_index":%b)?\},'
    rb'"label-(?P<job>\d++)-system":\{"fixedFlag":\d,(?P<result>%b)%b,"abandonFlag":0\},'
    rb'"label-(?P=job)":\{(?:(?P=result)|%b)%b\},'
    rb'"abandonFlag":0,"abandonRemark":(?:null|%b)\}\r?(?:\n|\Z)'
) % (
    _SAID,
    _STRING,
    _result(rb"(?P<system>%b)" % _SAID),
    _END,
    _result(rb"(?P<human>%b)" % _SAID),
    _END,
    _STRING,
)
_LINE = re.compile(_ROW + rb"|(?P<other>[^\n]*+\n|[^\n]++)")


def scan_lines(block: bytes) -> list[tuple[bytes, bytes, bytes, bytes, bytes, bytes]]:
    """Each line of a block of whole ones as ``(text, job, result, system, human, other)``.

    Where ``other`` is empty, the line is the documented row; its texts are JSON that needs no
    escape, and ``human`` is empty where the human stage has what the system's has. Otherwise
    ``other`` is the line itself.
    """
    return _LINE.findall(block)
