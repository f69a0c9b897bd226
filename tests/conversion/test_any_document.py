"""Documents of any content: every row is kept or rejected, and nothing else happens."""

from __future__ import annotations

import copy
import json
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from intentflow.errors import InputError, IntentflowError
from tests.conversion import test_chatbots as chatbots
from tests.conversion.rows import convert
from tests.conversion.test_label_studio_answers import PAIRS
from tests.conversion.test_tool_calls import ROME, USER, schema

SAMPLES: list[Any] = [
    chatbots.LUIS,
    chatbots.CLU,
    chatbots.SNIPS,
    chatbots.SNIPS_BENCHMARK,
    chatbots.RASA_JSON,
    chatbots.LEX_V1,
    chatbots.ES_PHRASES,
    {"messages": [USER, ROME], "tools": [schema("weather", "city")]},
    {"conversations": [{"from": "human", "value": "a"}, {"from": "function_call", "value": "{}"}]},
    {"text": "x", "answer": "accept", "options": [{"id": 1}], "accept": [1], "_input_hash": 1},
    {"text": "x", "answer": "accept", "label": "a", "spans": [{"start": 0, "end": 1}]},
    {"text": "x", "cats": {"a": 1.0}, "entities": [[0, 1, "b"]], "id": 1},
    {"source": "x", "j": {"annotationsFromAllWorkers": [{}]}, "j-metadata": {"type": "x"}},
    {"task": {"id": 1, "data": {"text": "x"}}, "result": [], "completed_by": 1},
    *({"data": {"text": "x"}, "annotations": [{"result": it.values[0]}]} for it in PAIRS),
    *({"id": 1, "text": "x", "annotator": 1, "annotation_id": 2, **it.values[1]} for it in PAIRS),
]
ODD: list[Any] = [None, 3, -1.5, True, "", "x", [], {}, ["x"], [[]], {"x": 1}, [None], [{}]]


def places(document: Any) -> list[tuple[Any, Any]]:
    """Every container of a document, with a key of it."""
    found: list[tuple[Any, Any]] = []
    keys = list(document) if isinstance(document, dict) else range(len(document))
    for key in keys:
        found.append((document, key))
        if isinstance(document[key], (dict, list)):
            found += places(document[key])
    return found


@st.composite
def documents(draw: st.DrawFn) -> Any:
    """A document of a tool in which some values are of another type."""
    document = json.loads(json.dumps(draw(st.sampled_from(SAMPLES))))
    for _ in range(draw(st.integers(1, 2))):
        if not (found := places(document)):
            break
        container, key = draw(st.sampled_from(found))
        container[key] = copy.deepcopy(draw(st.sampled_from(ODD)))
    return document


@pytest.mark.parametrize("name", ["a.json", "a.jsonl", "Book_usersays_en.json"])
@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(document=documents(), spans=st.booleans())
def test_a_value_of_another_type_is_kept_or_rejected(name: str, document: Any, spans: bool) -> None:
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder, name)
        source.write_text(json.dumps(document))
        out = Path(folder, "out.jsonl")
        try:
            convert([str(source)], out, parameters_from_spans=spans, redact=False)
        except InputError as refused:
            assert "\n" not in str(refused)
        except IntentflowError:
            assert not out.exists()
