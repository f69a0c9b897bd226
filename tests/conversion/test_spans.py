"""Labelled spans next to an intent become the call's parameters, in the taxonomy's order."""

import json
from pathlib import Path
from typing import Any

import pytest

from intentflow.cli.main import main
from intentflow.conversion.parameter_order import NamedValue, OrderSurvey, ParameterOrder
from intentflow.taxonomy import Intent, Taxonomy
from tests.conversion.rows import convert, converted, reasons
from tests.conversion.test_label_studio import annotation, task
from tests.conversion.test_label_studio_answers import choice, flat, region

TEXT = "play jazz by Adele"
PLACES = {"artist": (13, 18), "genre": (5, 9)}
TAXONOMY = Taxonomy(
    intents={
        "play": Intent(parameters=["genre", "artist"]),
        "find": Intent(parameters=["artist", "year"]),
        "stop": Intent(),
    }
)


def studio(intents: tuple[str, ...], names: tuple[str, ...]) -> dict[str, Any]:
    spans = [region("labels", "s", _studio_span(name), name) for name in names]
    return {**task(annotation(*spans, choice("intent", *intents))), "data": {"text": TEXT}}


def studio_min(intents: tuple[str, ...], names: tuple[str, ...]) -> dict[str, Any]:
    chosen = {"choices": list(intents)} if len(intents) > 1 else intents[0]
    return flat(text=TEXT, s=[_studio_span(name) for name in names], intent=chosen)


def doccano(intents: tuple[str, ...], names: tuple[str, ...]) -> dict[str, Any]:
    spans = [[*PLACES[name], name] for name in names]
    return {"id": 1, "text": TEXT, "cats": list(intents), "entities": spans}


def doccano_objects(intents: tuple[str, ...], names: tuple[str, ...]) -> dict[str, Any]:
    spans = [
        {"id": 1, "label": name, "start_offset": PLACES[name][0], "end_offset": PLACES[name][1]}
        for name in names
    ]
    return {"id": 1, "text": TEXT, "label": list(intents), "entities": spans, "relations": []}


def prodigy(intents: tuple[str, ...], names: tuple[str, ...]) -> dict[str, Any]:
    spans = [
        {"start": PLACES[name][0], "end": PLACES[name][1], "label": name, "token_start": 1}
        for name in names
    ]
    options = [{"id": intent, "text": intent} for intent in intents]
    return {
        "text": TEXT,
        "spans": spans,
        "options": options,
        "accept": list(intents),
        "answer": "accept",
    }


def _studio_span(name: str) -> dict[str, Any]:
    start, end = PLACES[name]
    return {"start": start, "end": end, "text": TEXT[start:end], "labels": [name]}


TOOLS = pytest.mark.parametrize("tool", [studio, studio_min, doccano, doccano_objects, prodigy])


@TOOLS
@pytest.mark.parametrize("names", [("genre", "artist"), ("artist", "genre")])
@pytest.mark.parametrize("intent", ["play", "play()"])
def test_spans_are_parameters_in_the_taxonomys_order(
    tmp_path: Path, tool: Any, names: tuple[str, ...], intent: str
) -> None:
    rows = converted(
        tmp_path, [tool((intent,), names)], parameters_from_spans=True, taxonomy=TAXONOMY
    )
    assert rows == [{"instruction": TEXT, "output": "play(jazz,Adele)"}]


@TOOLS
def test_a_name_may_differ_in_case(tmp_path: Path, tool: Any) -> None:
    loud = Taxonomy(intents={"play": Intent(parameters=["GENRE", "Artist"])})
    row = tool(("play",), ("artist", "genre"))
    output = converted(tmp_path, [row], parameters_from_spans=True, taxonomy=loud)[0]["output"]
    assert output == "play(jazz,Adele)"


@TOOLS
def test_spans_belong_to_the_intent_that_has_the_parameter(tmp_path: Path, tool: Any) -> None:
    row = tool(("play", "stop"), ("genre",))
    output = converted(tmp_path, [row], parameters_from_spans=True, taxonomy=TAXONOMY)[0]["output"]
    assert output == "play(jazz); stop()"


@TOOLS
@pytest.mark.parametrize(
    ("reason", "intents", "names"),
    [
        ("ambiguous_spans", ("play", "find"), ("artist",)),
        ("unknown_parameter", ("stop",), ("artist",)),
        ("unknown_parameter", ("pause",), ("artist",)),
    ],
)
def test_a_span_without_one_place_is_rejected(
    tmp_path: Path, tool: Any, reason: str, intents: tuple[str, ...], names: tuple[str, ...]
) -> None:
    row = tool(intents, names)
    assert reasons(tmp_path, [row], parameters_from_spans=True, taxonomy=TAXONOMY) == [reason]


@TOOLS
def test_without_a_taxonomy_all_rows_have_one_order(tmp_path: Path, tool: Any) -> None:
    rows = [tool(("play",), ("genre", "artist")), tool(("play",), ("artist",))]
    rows[1] = json.loads(json.dumps(rows[1]).replace('"id": 1', '"id": 2'))
    outputs = [row["output"] for row in converted(tmp_path, rows, parameters_from_spans=True)]
    assert outputs == ["play(jazz,Adele)", 'play("",Adele)']


def test_a_call_with_parameters_is_complete(tmp_path: Path) -> None:
    row = doccano(("play(Adele)",), ("genre",))
    output = converted(tmp_path, [row], parameters_from_spans=True, taxonomy=TAXONOMY)[0]["output"]
    assert output == "play(Adele)"


def test_an_intent_without_spans_is_a_call(tmp_path: Path) -> None:
    row = doccano(("play",), ())
    assert converted(tmp_path, [row], parameters_from_spans=True)[0]["output"] == "play()"


def test_numbered_parameters_have_the_order_of_the_utterance(tmp_path: Path) -> None:
    numbered = Taxonomy(intents={"play": Intent(parameters=["parameter_1", "parameter_2"])})
    row = doccano(("play",), ("artist", "genre"))
    rows = converted(tmp_path, [row], parameters_from_spans=True, taxonomy=numbered)
    assert rows[0]["output"] == "play(jazz,Adele)"


def test_the_minimum_of_parameters_is_filled(tmp_path: Path) -> None:
    two = Taxonomy(intents={"play": Intent(parameters=["genre", "artist"], min_parameters=2)})
    row = doccano(("play",), ("genre",))
    rows = converted(tmp_path, [row], parameters_from_spans=True, taxonomy=two)
    assert rows[0]["output"] == 'play(jazz,"")'


def test_two_values_of_one_parameter_are_rejected(tmp_path: Path) -> None:
    row = {"id": 1, "text": TEXT, "cats": ["play"], "entities": [[5, 9, "genre"], [0, 4, "genre"]]}
    assert reasons(tmp_path, [row], parameters_from_spans=True) == ["repeated_parameter"]


def test_doccanos_spans_and_classes_have_fields_of_their_own(tmp_path: Path) -> None:
    row = {"id": 1, "text": TEXT, "label": [[5, 9, "genre"]], "cats": ["play"]}
    assert converted(tmp_path, [row], parameters_from_spans=True)[0]["output"] == "play(jazz)"


@pytest.mark.parametrize("tool", [doccano, doccano_objects])
def test_without_the_option_doccanos_spans_are_rejected(tmp_path: Path, tool: Any) -> None:
    assert reasons(tmp_path, [tool(("play",), ("genre",))]) == ["spans"]


@pytest.mark.parametrize("weights", [{"play()": 1.0, "stop()": 0.0}, {"stop()": 0, "play()": 1}])
def test_spacys_categories_are_labels(tmp_path: Path, weights: dict[str, float]) -> None:
    assert converted(tmp_path, [{"text": "go", "cats": weights}])[0]["output"] == "play()"


def test_spacys_categories_without_any_are_no_label(tmp_path: Path) -> None:
    assert reasons(tmp_path, [{"text": "go", "cats": {"play()": 0.1}}]) == ["no_label"]


def test_the_command_takes_the_order_from_a_file(tmp_path: Path) -> None:
    source = tmp_path / "rows.jsonl"
    source.write_text(json.dumps(doccano(("play",), ("artist", "genre"))))
    TAXONOMY.write(tmp_path / "taxonomy.yaml")
    out = tmp_path / "out.jsonl"
    options = ["--parameters-from-spans", "--taxonomy", str(tmp_path / "taxonomy.yaml")]
    assert main(["convert", str(source), "-o", str(out), *options]) == 0
    assert json.loads(out.read_text())["output"] == "play(jazz,Adele)"


def test_tasks_have_the_calls_with_spans_as_pre_labels(tmp_path: Path) -> None:
    source = tmp_path / "rows.jsonl"
    source.write_text(json.dumps(doccano(("play",), ("genre",))))
    convert([str(source)], tmp_path / "tasks.jsonl", to="itag", parameters_from_spans=True)
    assert json.loads((tmp_path / "tasks.jsonl").read_text())["data"]["output"] == "play(jazz)"


def test_a_survey_puts_stated_names_first() -> None:
    survey = OrderSurvey()
    survey.arrange("fly", [NamedValue(("day",), "today")])
    survey.arrange("fly", [NamedValue(("to",), "Oslo")], ["from", "to"])
    assert survey.finish().as_dict() == {"fly": ["from", "to", "day"]}


def test_a_role_names_the_parameter_before_its_entity() -> None:
    order = ParameterOrder({"fly": ["from", "city"]})
    values = [NamedValue(("to", "city"), "Oslo"), NamedValue(("from", "city"), "Rome")]
    assert order.arrange("fly", values) == ("Rome", "Oslo")
