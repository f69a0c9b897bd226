"""The documented iTAG row, read off its text in one scan instead of being parsed twice.

A row matches only if it is, byte for byte, the row of the labelling guide's sample with other
values in it: no escape in any text, no other key, not abandoned. Such a row is valid JSON
without a key twice and has one way to be read, so what :mod:`intentflow.convert.itag` gives for
it is known. Every other row is left to that module.
"""

from __future__ import annotations

import re

_TEXT = rb'[^"\\\x00-\x1f]*+'
_STRING = rb'"' + _TEXT + rb'"'


def _results(output: bytes) -> bytes:
    mark = (
        rb'\{\\"tabId\\":\\"%b\\",\\"annotations\\":\[\{\\"id\\":null,'
        rb'\\"labels\\":\{\\"output\\":\\"%b\\"\},\\"exif\\":null\}\],'
        rb'\\"type\\":\\"%b\\",\\"version\\":\\"%b\\"\}'
    ) % (_TEXT, output, _TEXT, _TEXT)
    return (
        rb'"results":\[\{"MarkResultId":%b,"MarkTitle":%b,"MarkResult":"%b","QuestionId":%b,'
        rb'"ResultType":%b,"Progress":null,"Version":%b,"MarkTime":%b,'
        rb'"UserMarkResultId":(?:null|%b),"IsNeedVoteJudge":(?:true|false)\}\]'
    ) % (_STRING, _STRING, mark, _STRING, _STRING, _STRING, _STRING, _STRING)


_ROW = (
    rb'\{"data":\{"instruction":"(?P<text>%b)"(?:,"_itag_index":%b)?\},'
    rb'"label-(?P<job>\d++)-system":\{"fixedFlag":\d,%b,"abandonFlag":0\},'
    rb'"label-(?P=job)":\{%b\},"abandonFlag":0,"abandonRemark":(?:null|%b)\}\r?(?:\n|\Z)'
) % (_TEXT, _STRING, _results(_TEXT), _results(rb"(?P<output>%b)" % _TEXT), _STRING)

_LINE = re.compile(_ROW + rb"|(?P<other>[^\n]*+\n|[^\n]++)")


def scan_lines(block: bytes) -> list[tuple[bytes, bytes, bytes, bytes]]:
    """Each line of whole lines as ``(text, job, output, other)``.

    Where ``other`` is empty, the line is the documented row, with its utterance and the human
    stage's answer, both as JSON text that needs no escape; otherwise it is the line itself.
    """
    return _LINE.findall(block)
