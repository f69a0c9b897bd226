"""Rows as labelling tools export them, and a shorthand for converting a few."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any

from intentflow import conversion
from intentflow.conversion import ConvertSummary, ExportReading

JOB = "1947839552568066048"


def mark(output: Any, **labels: Any) -> str:
    """A MarkResult as iTAG writes it: JSON in a string."""
    annotation = {"id": None, "labels": {"output": output, **labels}, "exif": None}
    return json.dumps({"tabId": "CommonExtensions", "annotations": [annotation], "version": "v2"})


def stage(*outputs: Any, **extra: Any) -> dict[str, Any]:
    """A labelling stage with one result for each annotator's answer."""
    return {"results": [{"MarkResult": mark(output)} for output in outputs], **extra}


def itag_row(text: Any = "play", /, job: str = JOB, **stages: Any) -> dict[str, Any]:
    """An iTAG row; a stage is given as ``label``, ``check``, ``verify`` or ``system``."""
    row: dict[str, Any] = {"data": {"instruction": text, "_itag_index": ""}}
    for name, body in stages.items():
        row[f"label-{job}" if name == "label" else f"label-{job}-{name}"] = body
    return {**row, "abandonFlag": 0, "abandonRemark": None}


def documented_row(text: str, output: str, system: str = "z()", **changes: Any) -> str:
    """A row as the labelling guide's sample has it."""
    return compact(documented(text, output, system) | changes) + "\n"


def documented(text: str, output: str, system: str = "z()") -> dict[str, Any]:
    """The same, parsed."""
    label = {"results": [_documented_result(output, "1947839763671740416")]}
    return {
        "data": {"instruction": text, "_itag_index": ""},
        "label-7-system": {
            "fixedFlag": 0,
            "results": [_documented_result(system, None)],
            "abandonFlag": 0,
        },
        "label-7": label,
        "abandonFlag": 0,
        "abandonRemark": None,
    }


def _documented_result(output: str, user: str | None) -> dict[str, Any]:
    annotation = {"id": None, "labels": {"output": output}, "exif": None}
    answer = {"tabId": "CommonExtensions", "annotations": [annotation]}
    return {
        "MarkResultId": "1947839554911772672",
        "MarkTitle": "Basic Template",
        "MarkResult": compact(answer | {"type": "CommonExtensions", "version": "v2"}),
        "QuestionId": "CommonExtensions",
        "ResultType": "OPEN_GROUP",
        "Progress": None,
        "Version": "1753236185165",
        "MarkTime": "Wed Jul 23 10:03:05 CST 2025",
        "UserMarkResultId": user,
        "IsNeedVoteJudge": False,
    }


def compact(value: Any) -> str:
    """JSON without blanks or escape sequences for other scripts."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def converted(path: Path, content: str | bytes | list[Any], **options: Any) -> list[dict[str, Any]]:
    """The records that a file with this content gives; a list is written one row a line."""
    convert_content(path, content, **options)
    return [json.loads(line) for line in (path / "out.jsonl").read_bytes().splitlines()]


def reasons(path: Path, content: str | bytes | list[Any], **options: Any) -> list[str]:
    """Why rows of such a file are rejected, in order; one good row is added to it."""
    good = b'{"instruction": "good", "output": "row()"}\n'
    convert_content(path, good + _bytes(content), **options)
    rejects = path / "out.rejects.jsonl"
    if not rejects.exists():
        return []
    return [json.loads(line)["reason"] for line in rejects.read_bytes().splitlines()]


def convert_content(path: Path, content: str | bytes | list[Any], **options: Any) -> ConvertSummary:
    """Convert a file with this content to ``out.jsonl``."""
    source = path / "source.manifest"
    source.write_bytes(_bytes(content))
    return convert([str(source)], path / "out.jsonl", **options)


def convert(sources: str | Sequence[str], out: Path, **options: Any) -> ConvertSummary:
    """Convert exports; what counts in them is given by keyword, as the other options are."""
    names = [field.name for field in fields(ExportReading) if field.name in options]
    reading = ExportReading(**{name: options.pop(name) for name in names})
    return conversion.convert(sources, out, reading, **options)


def _bytes(content: str | bytes | list[Any]) -> bytes:
    if isinstance(content, list):
        content = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in content)
    return content.encode() if isinstance(content, str) else content
