"""Label Studio: what a control's answer says about the complete text, and about parts of it.

Controls with ``perRegion`` answer for one marked region: a span of text or of a dialogue, a box of
an image. Their answers and the regions' own labels say nothing about the utterance's intent, so
they are no label; labelled spans can be parameters (``--parameters-from-spans``). Design decision:
of several questions the one named ``output``, ``intent`` or ``label`` counts, in this order; a
taxonomy's answer is its path, joined by ``/``, and a path that another one continues is part of
that answer.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from intentflow.conversion.agreement import join_labels
from intentflow.conversion.columns import fold
from intentflow.conversion.export_format import Options, Row, RowRejected
from intentflow.conversion.parameter_order import NamedValue
from intentflow.conversion.parameters import labels_with_spans

_TITLES = ("output", "intent", "label")
_REGION = {"start", "end", "startOffset", "endOffset", "globalOffsets", "x", "y", "points"}
_REGION |= {"vertices", "rle", "bbox", "ranges", "keypoints", "sequence"}
_KINDS = ("choices", "taxonomy", "text")
PATH_SEPARATOR = "/"


class StudioAnswers(NamedTuple):
    """The answers of one annotation.

    Attributes:
        questions: Labels for the complete text, by the control's name.
        spans: Labelled parts of the text.
        has_regions: Whether any part of the text is marked.
    """

    questions: dict[str, list[Any]]
    spans: list[NamedValue]
    has_regions: bool


def read_results(results: Any, text: str) -> StudioAnswers:
    """The answers in an annotation's ``result`` of the JSON export.

    Args:
        results: The list of results.
        text: The utterance, for spans that have positions only.
    """
    found = [it for it in results if isinstance(it, dict)] if isinstance(results, list) else []
    regions = {str(it["id"]) for it in found if _marks_region(it) and it.get("id") is not None}
    questions: dict[str, list[Any]] = {}
    spans: list[NamedValue] = []
    has_regions = False
    for result in found:
        if _marks_region(result) or str(result.get("id")) in regions:
            has_regions = True
            spans += spans_of(result.get("value"), text)
        elif labels := _labels(result):
            questions.setdefault(str(result.get("from_name", "")), []).extend(labels)
    return StudioAnswers(questions, spans, has_regions)


def chosen_label(answers: StudioAnswers, options: Options) -> str:
    """The label of one annotation; empty if it has none.

    Raises:
        RowRejected: ``several_questions``, ``spans``, ``not_text``, or as for
            :func:`intentflow.conversion.parameters.labels_with_spans`.
    """
    labels = _to_the_label(answers.questions, options)
    if not labels:
        if answers.has_regions:
            raise RowRejected("spans")
        return ""
    if not options.spans or not all(isinstance(label, str) for label in labels):
        return join_labels(labels)
    return join_labels(labels_with_spans(labels, answers.spans, options.order))


def is_titled(name: str, options: Options) -> bool:
    """Whether a question's name is the one that the user gave, or one that labels have."""
    return fold(name) in _titles(options)


def _titles(options: Options) -> tuple[str, ...]:
    return _TITLES if options.label_field is None else (fold(options.label_field),)


def _to_the_label(questions: Mapping[str, list[Any]], options: Options) -> list[Any]:
    """The answer to the question for the label: a titled one, or the only one."""
    by_title = {fold(name): labels for name, labels in questions.items() if labels}
    for title in _titles(options):
        if title in by_title:
            return by_title[title]
    if options.label_field is not None:
        return []
    if len(questions) > 1:
        raise RowRejected("several_questions")
    return next(iter(questions.values()), [])


def is_region(value: Any) -> bool:
    """Whether an answer belongs to a marked part of the data."""
    return isinstance(value, dict) and any(key in value for key in _REGION)


def spans_of(value: Any, text: str) -> list[NamedValue]:
    """The labelled span of a region, once for each of its labels; empty for other regions."""
    if not isinstance(value, dict):
        return []
    start, end = value.get("start"), value.get("end")
    words = value.get("text")
    if isinstance(start, int) and isinstance(end, int) and not isinstance(words, str):
        words = text[start:end]
    names = next((value[key] for key in value if key.endswith("labels")), None)
    if not isinstance(words, str) or not isinstance(names, list):
        return []
    offset = start if isinstance(start, int) else _global_start(value)
    return [NamedValue((it,), words.strip(), offset) for it in names if isinstance(it, str)]


def path_labels(items: Sequence[Any]) -> list[Any]:
    """Labels of choices or of a taxonomy's paths, without paths that another one continues.

    Example:
        >>> path_labels([["hotel"], ["hotel", "book"], "greet()"])
        ['hotel/book', 'greet()']
    """
    paths = [item for item in items if isinstance(item, list)]
    kept = [it for it in items if not (isinstance(it, list) and _is_continued(it, paths))]
    return [_joined(item) if isinstance(item, list) else item for item in kept]


def _joined(path: list[Any]) -> Any:
    if not path or not all(isinstance(step, str) for step in path):
        raise RowRejected("not_text")
    return PATH_SEPARATOR.join(step.strip() for step in path)


def _is_continued(path: list[Any], paths: Sequence[list[Any]]) -> bool:
    return any(len(other) > len(path) and other[: len(path)] == path for other in paths)


def _marks_region(result: Row) -> bool:
    return str(result.get("type", "")).endswith("labels") or is_region(result.get("value"))


def _labels(result: Row) -> list[Any]:
    value = result.get("value")
    kind = result.get("type")
    key = "text" if kind == "textarea" else kind
    if not isinstance(value, dict) or key not in _KINDS:
        return []
    return path_labels(as_list(value.get(key)))


def as_list(value: Any) -> list[Any]:
    """The value's items; the value alone if it is not a list, none for null."""
    if value is None:
        return []
    return value if isinstance(value, list) else [value]


def _global_start(value: Row) -> int:
    offsets = value.get("globalOffsets")
    start = offsets.get("start") if isinstance(offsets, dict) else None
    return start if isinstance(start, int) else 0


def was_rejected(annotation: Row) -> bool:
    """Whether the last review of an annotation did not accept it."""
    reviews = annotation.get("reviews")
    found = [it for it in reviews if isinstance(it, dict)] if isinstance(reviews, list) else []
    if found:
        return max(found, key=time_of).get("accepted") is False
    return annotation.get("last_action") == "rejected"


def time_of(item: Row) -> str:
    """Time of the last change of an annotation or a review; empty if unknown."""
    return str(item.get("updated_at") or item.get("created_at") or "")
