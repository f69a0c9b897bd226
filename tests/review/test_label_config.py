"""The form of a Label Studio project."""

from __future__ import annotations

from xml.etree import ElementTree as ET

from intentflow.review.label_config import label_config
from intentflow.taxonomy import Intent, Taxonomy
from tests.review.queue import TAXONOMY


def _values(config: str, tag: str) -> list[str | None]:
    return [element.get("value") for element in ET.fromstring(config).iter(tag)]


def test_every_intent_is_a_choice_and_every_parameter_a_label() -> None:
    config = label_config(TAXONOMY)
    assert _values(config, "Choice") == ["weather_search", "play_music", "cancel"]
    assert _values(config, "Label") == ["place", "day", "artist"]


def test_a_parameter_of_several_intents_is_one_label() -> None:
    shared = {name: Intent(parameters=["city"]) for name in ("fly", "stay")}
    assert _values(label_config(Taxonomy(intents=shared)), "Label") == ["city"]


def test_names_of_intents_are_no_markup() -> None:
    assert _values(label_config(Taxonomy(intents={'"&': Intent()})), "Choice") == ['"&']


def test_intents_without_parameters_have_no_marks() -> None:
    config = ET.fromstring(label_config(Taxonomy(intents={"stop": Intent()})))
    assert config.find("Labels") is None


def test_many_intents_can_be_filtered() -> None:
    many = Taxonomy(intents={f"intent_{number}": Intent() for number in range(40)})
    assert ET.fromstring(label_config(many)).find("Filter") is not None
    assert ET.fromstring(label_config(TAXONOMY)).find("Filter") is None
