"""The names of formats that users choose from are those of the readers."""

from typing import get_args

from intentflow.conversion.formats import FORMATS
from intentflow.pipeline.steps.convert import ExportFormat


def test_every_format_can_be_chosen() -> None:
    assert sorted(get_args(ExportFormat)) == sorted(["auto", *FORMATS])
