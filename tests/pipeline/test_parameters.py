"""A configuration passes through KFP, whose parameters have neither nulls nor an order."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from google.protobuf import json_format, struct_pb2
from hypothesis import given
from hypothesis import strategies as st

from intentflow.pipeline.parameters import as_parameter, from_parameter
from intentflow.pipeline.steps.train import TrainConfig
from intentflow.prompts import PromptSpec
from tests.models import recipe

NAMES = st.lists(
    st.from_regex(r"[a-z][a-z_]{0,8}", fullmatch=True), min_size=1, max_size=8, unique=True
)


def _config(names: list[str]) -> TrainConfig:
    intents = {
        name: {
            "parameters": ["when", "city"],
            "values": {"when": ["now"], "city": ["Rome", "Bern"]},
        }
        for name in names
    }
    document = {"recipe": recipe(Path("base")), "taxonomy": {"intents": intents}}
    return TrainConfig.from_mapping(document, "test")


def _through_a_struct(value: dict[str, Any]) -> dict[str, Any]:
    """Through the message that KFP's parameters are."""
    found: dict[str, Any] = json_format.MessageToDict(
        json_format.ParseDict(value, struct_pb2.Struct())
    )
    return found


def _reversed(value: Any) -> Any:
    """The same JSON, each object's keys the other way round."""
    if isinstance(value, dict):
        return {key: _reversed(value[key]) for key in reversed(value)}
    return [_reversed(item) for item in value] if isinstance(value, list) else value


@given(NAMES)
def test_the_intents_keep_their_order(names: list[str]) -> None:
    parameter = _reversed(as_parameter(_config(names)))
    read = from_parameter(TrainConfig, parameter, "train")
    assert read.taxonomy and list(read.taxonomy.intents) == names


@given(NAMES)
def test_the_prompt_is_the_same_in_a_graph(names: list[str]) -> None:
    config = _config(names)
    read = from_parameter(TrainConfig, _through_a_struct(as_parameter(config)), "train")
    made = [
        PromptSpec.build(taxonomy=it.taxonomy, taxonomy_in_prompt="full") for it in (config, read)
    ]
    assert made[0].digest == made[1].digest


@given(NAMES)
def test_a_written_parameter_without_an_order_is_read_alphabetically(names: list[str]) -> None:
    parameter = as_parameter(_config(sorted(names)))
    assert "$order" not in parameter["taxonomy"]["intents"]
    read = from_parameter(TrainConfig, _reversed(parameter), "train")
    assert read.taxonomy and list(read.taxonomy.intents) == sorted(names)


@pytest.mark.parametrize("order", [["a"], ["a", "b", "c"], "a b", None])
def test_an_order_that_does_not_fit_is_not_followed(order: Any) -> None:
    parameter = as_parameter(_config(["a", "b"]))
    parameter["taxonomy"]["intents"]["$order"] = order
    read = from_parameter(TrainConfig, parameter, "train")
    assert read.taxonomy and list(read.taxonomy.intents) == ["a", "b"]
