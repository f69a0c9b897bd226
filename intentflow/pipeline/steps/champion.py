"""The scores of the model in service, on the rows that a new model is scored on."""

from __future__ import annotations

import logging
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from intentflow.pipeline.steps import evaluate

if TYPE_CHECKING:
    from intentflow.artifacts.metrics import Metrics
    from intentflow.pipeline.steps.evaluate import EvaluateConfig

log = logging.getLogger(__name__)


def champion_scores(
    given: Metrics | None, model: str, test_set: str | Path, config: EvaluateConfig
) -> Metrics | None:
    """The scores of the model in service on the rows of a run.

    Args:
        given: Scores of the model in service, if they are known.
        model: Address of the model in service, if it is to be scored; empty otherwise.
        test_set: Records with gold answers.
        config: Engine, constraint, limits: those of the model that it is compared with.

    Returns:
        The scores that a gate compares; None without a model in service.

    Raises:
        InputError: The model cannot be read or scored.
    """
    from intentflow.evaluation.scores import for_comparing
    from intentflow.storage import fetch

    if given or not model:
        return given
    log.info("scoring the model in service, %s", model)
    with tempfile.TemporaryDirectory() as folder:
        files = evaluate.EvaluateFiles(Path(folder) / "metrics.json")
        found = evaluate.run_evaluate(str(fetch(model, folder)), test_set, files, config)
        return for_comparing(found.metrics)
