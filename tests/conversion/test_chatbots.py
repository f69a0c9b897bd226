"""Exports of chatbot platforms: their phrases, with entities as parameters."""

import json
from pathlib import Path
from typing import Any

import pytest

from intentflow.errors import InputError
from intentflow.taxonomy import Intent, Taxonomy
from tests.conversion.rows import convert

RASA = """version: "3.1"
nlu:
- intent: book_flight
  examples: |
    - fly to [Oslo]{"entity": "city", "role": "to"} from [Rome]{"entity": "city", "role": "from"}
    - from [Rome]{"role": "from", "value": "FCO", "entity": "city"} please
    - take me to [Oslo](to)
- intent: faq/opening
  examples: |
    - when do you open
- intent: yes
  examples:
    - text: |
        - sure
      metadata: {sentiment: 1}
    - of course
- synonym: Oslo
  examples: |
    - OSL
- lookup: city
  examples: |
    - Rome
stories:
- story: booked
  steps: [{intent: book_flight}]
"""
LUIS = {
    "luis_schema_version": "7.0.0",
    "intents": [{"name": "BookFlight"}, {"name": "None"}],
    "utterances": [
        {
            "text": "fly 😀 to Oslo from Rome",
            "intent": "BookFlight",
            "entities": [
                {"entity": "City", "role": "to", "startPos": 10, "endPos": 13, "children": []},
                {"entity": "City", "role": "from", "startPos": 20, "endPos": 23},
            ],
        },
        {"text": "hm", "intent": "None", "entities": []},
    ],
}
CLU = {
    "projectFileVersion": "2022-10-01-preview",
    "stringIndexType": "Utf16CodeUnit",
    "metadata": {"projectKind": "Conversation", "language": "en-us"},
    "assets": {
        "projectKind": "Conversation",
        "intents": [{"category": "BookFlight"}],
        "utterances": [
            {
                "text": "fly 😀 to Oslo from Rome",
                "intent": "BookFlight",
                "language": "en-us",
                "dataset": "Train",
                "entities": [
                    {"category": "to", "offset": 10, "length": 4},
                    {"category": "from", "offset": 20, "length": 4},
                ],
            },
            {"text": "hm", "intent": "None", "entities": []},
        ],
    },
}
SNIPS = {
    "language": "en",
    "entities": {"city": {"data": [], "use_synonyms": True}},
    "intents": {
        "BookFlight": {
            "utterances": [
                {
                    "data": [
                        {"text": "fly 😀 to "},
                        {"text": "Oslo", "entity": "city", "slot_name": "to"},
                        {"text": " from "},
                        {"text": "Rome", "entity": "city", "slot_name": "from"},
                    ]
                }
            ]
        },
        "None": {"utterances": [{"data": [{"text": "hm"}]}]},
    },
}
SNIPS_BENCHMARK = {
    "BookFlight": [
        {
            "data": [
                {"text": "fly 😀 to "},
                {"text": "Oslo", "entity": "to"},
                {"text": " from "},
                {"text": "Rome", "entity": "from"},
            ]
        }
    ],
    "None": [{"data": [{"text": "hm"}]}],
}
RASA_JSON = {
    "rasa_nlu_data": {
        "regex_features": [],
        "common_examples": [
            {
                "text": "fly 😀 to Oslo from Rome",
                "intent": "BookFlight",
                "entities": [
                    {"start": 9, "end": 13, "value": "OSL", "entity": "to"},
                    {"start": 19, "end": 23, "value": "Rome", "entity": "from"},
                ],
            },
            {"text": "hm", "intent": "None", "entities": []},
        ],
    }
}
ES_PHRASES = [
    {
        "id": "1",
        "data": [
            {"text": "fly 😀 to ", "userDefined": False},
            {"text": "Oslo", "alias": "to", "meta": "@city", "userDefined": True},
            {"text": " from ", "userDefined": False},
            {"text": "Rome", "alias": "from", "meta": "@city", "userDefined": True},
        ],
        "isTemplate": False,
        "count": 0,
        "lang": "en",
    }
]
CLU_UTTERANCES = CLU["assets"]["utterances"]  # type: ignore[index]
LUIS_UTTERANCES = LUIS["utterances"]
LUIS_LABELS = [
    {
        "text": "fly 😀 to Oslo from Rome",
        "intentName": "BookFlight",
        "entityLabels": [
            {"entityName": "to", "startCharIndex": 10, "endCharIndex": 13},
            {"entityName": "from", "startCharIndex": 20, "endCharIndex": 23},
        ],
    },
    {"text": "hm", "intentName": "None", "entityLabels": []},
]
FLIGHT = "fly 😀 to Oslo from Rome"


def read(path: Path, name: str, content: Any, **options: Any) -> list[tuple[str, str]]:
    """Utterance and label of each record of a file with this content."""
    source = path / name
    text = content if isinstance(content, str) else json.dumps(content, ensure_ascii=False)
    source.write_text(text, encoding="utf-8")
    return records(path, source, **options)


def records(path: Path, source: Path, **options: Any) -> list[tuple[str, str]]:
    convert([str(source)], path / "out.jsonl", **options)
    rows = [json.loads(line) for line in (path / "out.jsonl").read_text("utf-8").splitlines()]
    return [(row["instruction"], row["output"]) for row in rows]


def rejected(path: Path) -> list[dict[str, Any]]:
    lines = (path / "out.rejects.jsonl").read_text("utf-8").splitlines()
    return [json.loads(line) for line in lines]


def test_rasas_entities_are_parameters(tmp_path: Path) -> None:
    assert read(tmp_path, "nlu.yml", RASA) == [
        ("fly to Oslo from Rome", "book_flight(Oslo,Rome)"),
        ("from Rome please", 'book_flight("",Rome)'),
        ("take me to Oslo", "book_flight(Oslo)"),
        ("when do you open", "faq/opening()"),
        ("sure", "yes()"),
        ("of course", "yes()"),
    ]


def test_rasas_parameters_have_the_taxonomys_order(tmp_path: Path) -> None:
    taxonomy = Taxonomy(intents={"book_flight": Intent(parameters=["from", "to"])})
    first = read(tmp_path, "nlu.yml", RASA, taxonomy=taxonomy)[0]
    assert first == ("fly to Oslo from Rome", "book_flight(Rome,Oslo)")


def test_a_rejected_example_of_rasa_has_its_line(tmp_path: Path) -> None:
    read(tmp_path, "nlu.yml", RASA.replace("    - take me", "    - [](to)\n    -\n    - take me"))
    assert [(row["line"], row["reason"]) for row in rejected(tmp_path)] == [(8, "blank_text")]


def test_an_old_mark_with_a_value_is_read(tmp_path: Path) -> None:
    text = "nlu:\n- intent: pay\n  examples: |\n    - in [bucks](currency:USD) please\n"
    assert read(tmp_path, "a.yaml", text) == [("in bucks please", "pay(bucks)")]


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("app.json", LUIS),
        ("project.json", CLU),
        ("dataset.json", SNIPS),
        ("train_BookFlight.json", SNIPS_BENCHMARK),
        ("nlu.json", RASA_JSON),
    ],
)
@pytest.mark.parametrize("indent", [None, 2])
@pytest.mark.parametrize("reverse", [False, True])
def test_a_document_gives_its_phrases(
    tmp_path: Path, name: str, content: dict[str, Any], indent: int | None, reverse: bool
) -> None:
    document = dict(reversed(content.items())) if reverse else content
    text = json.dumps(document, indent=indent, ensure_ascii=False)
    found = sorted(read(tmp_path, name, text))
    assert found == [(FLIGHT, "BookFlight(Oslo,Rome)"), ("hm", "None()")]


@pytest.mark.parametrize(
    ("form", "content"),
    [("luis", LUIS), ("luis", CLU), ("snips", SNIPS), ("rasa", RASA_JSON)],
)
def test_a_document_may_be_named(tmp_path: Path, form: str, content: dict[str, Any]) -> None:
    assert len(read(tmp_path, "export", content, format=form)) == 2


@pytest.mark.parametrize("form", ["auto", "luis"])
@pytest.mark.parametrize(
    "utterances", [CLU_UTTERANCES, LUIS_UTTERANCES, LUIS_LABELS], ids=["CLU", "LUIS", "API"]
)
def test_an_array_of_utterances_has_their_entities(
    tmp_path: Path, utterances: list[dict[str, Any]], form: str
) -> None:
    found = read(tmp_path, "utterances.json", utterances, format=form)
    assert found == [(FLIGHT, "BookFlight(Oslo,Rome)"), ("hm", "None()")]


def test_children_of_a_luis_entity_are_its_parameters(tmp_path: Path) -> None:
    children = [
        {"entity": "Size", "startPos": 8, "endPos": 12, "children": []},
        {"entity": "Topping", "startPos": 14, "endPos": 19},
    ]
    order = {"entity": "Order", "startPos": 6, "endPos": 25, "children": children}
    row = {"text": "order a large cheese pizza", "intent": "Modify", "entities": [order]}
    document = {"luis_schema_version": "7.0.0", "utterances": [row]}
    found = read(tmp_path, "app.json", document)
    assert found == [("order a large cheese pizza", "Modify(large,cheese)")]


def test_clu_may_count_characters(tmp_path: Path) -> None:
    entities = [{"category": "to", "offset": 9, "length": 4}]
    utterances = [{"text": FLIGHT, "intent": "f", "entities": entities}]
    document = CLU | {"stringIndexType": "UnicodeCodePoint", "assets": {"utterances": utterances}}
    assert read(tmp_path, "p.json", document) == [(FLIGHT, "f(Oslo)")]


def es_agent(path: Path) -> Path:
    """An agent as Dialogflow ES exports it, unpacked."""
    intents = path / "agent" / "intents"
    intents.mkdir(parents=True)
    (path / "agent" / "entities").mkdir()
    parameters = [{"name": name, "dataType": "@city"} for name in ("from", "to")]
    intent = {"name": "book.flight", "auto": True, "responses": [{"parameters": parameters}]}
    (intents / "Book Flight.json").write_text(json.dumps(intent))
    (intents / "Book Flight_usersays_en.json").write_text(json.dumps(ES_PHRASES))
    (path / "agent" / "agent.json").write_text('{"description": "", "language": "en"}')
    (path / "agent" / "package.json").write_text('{"version": "1.0.0"}')
    (path / "agent" / "entities" / "city.json").write_text('{"name": "city"}')
    return path / "agent"


def test_an_agent_of_dialogflow_es_is_a_folder(tmp_path: Path) -> None:
    assert records(tmp_path, es_agent(tmp_path)) == [(FLIGHT, "book.flight(Rome,Oslo)")]
    assert not (tmp_path / "out.rejects.jsonl").exists()


def test_phrases_alone_have_the_intent_of_their_files_name(tmp_path: Path) -> None:
    assert read(tmp_path, "Book_usersays_en-gb.json", ES_PHRASES) == [(FLIGHT, "Book(Oslo,Rome)")]


def test_phrases_without_an_intents_name_are_rejected_as_such(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"unnamed_intent 1 .*: give the agent's folder"):
        read(tmp_path, "usersays.json", ES_PHRASES)


# The keys as an agent of 2022 has them, in the examples of Rasa's repository
# (data/examples/dialogflow, Apache-2.0); the words are others.
ES_AGENT_2022 = [
    {
        "id": "a3e1901a-6c84-402c-a5a4-e2ec05307aa9",
        "data": [
            {"text": "a table in the ", "userDefined": False},
            {"text": "south", "alias": "area", "meta": "@area", "userDefined": False},
            {"text": " for ", "userDefined": False},
            {"text": "two", "alias": "guests", "meta": "@sys.number", "userDefined": False},
        ],
        "isTemplate": False,
        "count": 0,
        "updated": 0,
    }
]
ES_INTENT_2022 = {
    "id": "fd566317-b15d-4685-9158-63028b6fb5bf",
    "name": "Book a table",
    "auto": True,
    "contexts": [],
    "responses": [
        {
            "resetContexts": False,
            "action": "",
            "parameters": [
                {"name": "guests", "required": False, "dataType": "@sys.number", "isList": False},
                {"name": "area", "required": False, "dataType": "@area", "isList": True},
            ],
            "messages": [{"type": "0", "lang": "en", "speech": ["Done."]}],
        }
    ],
    "fallbackIntent": False,
    "events": [],
}


def test_the_intents_own_file_gives_the_order_of_its_parameters(tmp_path: Path) -> None:
    folder = tmp_path / "agent"
    (folder / "intents").mkdir(parents=True)
    (folder / "entities").mkdir()
    files = {
        "agent.json": {"description": "", "language": "en", "supportedLanguages": ["es"]},
        "package.json": {"version": "1.0.0"},
        "entities/area.json": {"id": "1", "name": "area", "isEnum": False},
        "entities/area_entries_en.json": [{"value": "south", "synonyms": ["south"]}],
        "intents/Book a table.json": ES_INTENT_2022,
        "intents/Book a table_usersays_en.json": ES_AGENT_2022,
        "intents/Default Fallback Intent.json": {"name": "Default Fallback Intent"},
    }
    for name, content in files.items():
        (folder / name).write_text(json.dumps(content), encoding="utf-8")
    assert records(tmp_path, folder) == [
        ("a table in the south for two", "Book a table(two,south)")
    ]
    assert not (tmp_path / "out.rejects.jsonl").exists()


def test_a_template_has_no_words(tmp_path: Path) -> None:
    template = {"data": [{"text": "@city:to"}], "isTemplate": True}
    read(tmp_path, "Book_usersays_en.json", [*ES_PHRASES, template])
    assert [row["reason"] for row in rejected(tmp_path)] == ["template"]


def test_a_part_that_the_agent_ignores_is_no_parameter(tmp_path: Path) -> None:
    ignored = {"data": [{"text": "um", "meta": "@sys.ignore", "alias": "x"}, {"text": " hi"}]}
    assert read(tmp_path, "Greet_usersays_en.json", [ignored]) == [("um hi", "Greet()")]


def cx_agent(path: Path) -> Path:
    """An agent as Dialogflow CX exports it, unpacked."""
    phrases = path / "agent" / "intents" / "book_flight" / "trainingPhrases"
    phrases.mkdir(parents=True)
    parts = [
        {"text": "fly 😀 to ", "auto": True},
        {"text": "Oslo", "auto": True, "parameterId": "to"},
        {"text": " from ", "auto": True},
        {"text": "Rome", "auto": True, "parameterId": "from"},
    ]
    document = {"trainingPhrases": [{"id": "1", "parts": parts, "repeatCount": 1}]}
    (phrases / "en.json").write_text(json.dumps(document))
    intent = {
        "name": "0d3c",
        "displayName": "book.flight",
        "parameters": [{"id": "from"}, {"id": "to"}],
    }
    (phrases.parent / "book_flight.json").write_text(json.dumps(intent))
    (path / "agent" / "agent.json").write_text('{"displayName": "bot"}')
    (path / "agent" / "flows").mkdir()
    (path / "agent" / "flows" / "Default.json").write_text('{"displayName": "Default"}')
    return path / "agent"


def test_an_agent_of_dialogflow_cx_is_a_folder(tmp_path: Path) -> None:
    assert records(tmp_path, cx_agent(tmp_path)) == [(FLIGHT, "book.flight(Rome,Oslo)")]
    assert not (tmp_path / "out.rejects.jsonl").exists()


def test_the_intents_of_dialogflows_api_are_read(tmp_path: Path) -> None:
    parts = [{"text": "to "}, {"text": "Oslo", "alias": "city", "entityType": "@city"}]
    intent = {"displayName": "fly", "trainingPhrases": [{"type": "EXAMPLE", "parts": parts}]}
    assert read(tmp_path, "intents.json", {"intents": [intent]}) == [("to Oslo", "fly(Oslo)")]


LEX_V1 = {
    "metadata": {"schemaVersion": "1.0", "importType": "LEX", "importFormat": "JSON"},
    "resource": {
        "name": "Travel",
        "intents": [
            {
                "name": "BookHotel",
                "sampleUtterances": ["book a hotel", "a room in {City}"],
                "slots": [{"name": "City", "priority": 1}],
            }
        ],
    },
}


def test_lex_gives_its_sample_utterances(tmp_path: Path) -> None:
    assert read(tmp_path, "Travel.json", LEX_V1) == [("book a hotel", "BookHotel()")]
    assert [row["reason"] for row in rejected(tmp_path)] == ["template"]


def test_a_bot_of_lex_v2_is_a_folder(tmp_path: Path) -> None:
    intent = tmp_path / "Bot" / "BotLocales" / "en_US" / "Intents" / "BookHotel"
    intent.mkdir(parents=True)
    samples = [{"utterance": "book a hotel"}]
    document = {"name": "BookHotel", "identifier": "X", "sampleUtterances": samples}
    (intent / "Intent.json").write_text(json.dumps(document))
    (tmp_path / "Bot" / "Bot.json").write_text('{"name": "Travel"}')
    (tmp_path / "Bot" / "Manifest.json").write_text('{"metadata": {}}')
    assert records(tmp_path, tmp_path / "Bot") == [("book a hotel", "BookHotel()")]
    assert not (tmp_path / "out.rejects.jsonl").exists()


def test_a_folder_of_rasa_is_read_without_its_domain(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    folder.mkdir()
    (folder / "nlu.yml").write_text("nlu:\n- intent: greet\n  examples: |\n    - hi\n")
    (folder / "domain.yml").write_text("intents: [greet]\n")
    assert records(tmp_path, folder) == [("hi", "greet()")]


BOMB = "a: &a [x,x,x,x,x,x,x,x,x,x]\n" + "".join(
    f"{name}: &{name} [{','.join(['*' + before] * 10)}]\n"
    for before, name in zip("abcdefgh", "bcdefghi", strict=True)
)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("nlu.yml", BOMB + "nlu: *i\n", "expands to more than"),
        ("nlu.yml", "nlu: &a [*a]\n", "an alias"),
        ("nlu.yml", "nlu: " + "[" * 5000, "levels deep|not YAML"),
        (
            "nlu.yml",
            "nlu:\n- intent: a\n  examples: |\n   - x\n  examples: |\n   - y\n",
            "repeated",
        ),
        ("nlu.yml", "nlu: !!python/object/apply:os.system [id]\n", "not YAML"),
        ("nlu.yml", "nlu:\n", "the files contain no rows"),
        ("a.json", '{"luis_schema_version": "7", "utterances": ' + "[" * 9000, "no row was kept"),
        ("a.json", '{"luis_schema_version": "7", "utterances": 3}', "no row was kept"),
    ],
)
def test_a_hostile_document_is_refused_in_one_line(
    tmp_path: Path, name: str, content: str, message: str
) -> None:
    with pytest.raises(InputError, match=message) as caught:
        read(tmp_path, name, content)
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "out.jsonl").exists()


@pytest.mark.parametrize(
    "entities",
    [
        [{"entity": "x", "startPos": "0", "endPos": 3}],
        [{"entity": "x"}],
    ],
)
def test_an_entity_without_a_place_is_a_reject(tmp_path: Path, entities: list[Any]) -> None:
    utterances = [{"text": "hm", "intent": "a", "entities": entities}]
    with pytest.raises(InputError, match="no row was kept: unknown_shape"):
        read(tmp_path, "a.json", {"luis_schema_version": "7", "utterances": utterances})


def test_one_broken_phrase_does_not_affect_the_others(tmp_path: Path) -> None:
    phrases = [{"data": [3]}, *ES_PHRASES, {"data": "x"}]
    assert read(tmp_path, "Book_usersays_en.json", phrases) == [(FLIGHT, "Book(Oslo,Rome)")]
    assert [row["reason"] for row in rejected(tmp_path)] == ["unknown_shape"] * 2
