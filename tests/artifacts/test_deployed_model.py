"""What a service states about its model."""

from __future__ import annotations

from intentflow.artifacts.deployed_model import DeployedModel

PREFIX = "example.com/"


def test_what_is_stated_is_read_again() -> None:
    model = DeployedModel(verdict="passed", model_digest="a" * 64, constrained="true")
    assert DeployedModel.read(model.annotations(PREFIX), PREFIX) == model


def test_keys_are_written_with_dashes_behind_the_prefix() -> None:
    model = DeployedModel(training_data_digest="c")
    assert model.annotations(PREFIX) == {"example.com/training-data-digest": "c"}


def test_what_is_not_known_is_not_stated() -> None:
    assert DeployedModel().annotations(PREFIX) == {}


def test_annotations_of_others_are_passed_over() -> None:
    found = DeployedModel.read({"other.com/model-digest": "b", "verdict": "passed"}, PREFIX)
    assert found == DeployedModel()
