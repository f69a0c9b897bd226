"""A local run: the graph is executed, and its results are put into the run's folder."""

from __future__ import annotations

import logging
import os
import resource
import shutil
import time
from dataclasses import dataclass
from pathlib import Path

from intentflow.artifacts.baselines import Baselines, BaselineScores
from intentflow.artifacts.metrics import Metrics
from intentflow.artifacts.retraining import RetrainNews
from intentflow.artifacts.verdict import Verdict
from intentflow.errors import STOPPED, CheckFailed
from intentflow.io.files import atomic_directory, atomic_file
from intentflow.pipeline.arguments import pipeline_arguments
from intentflow.pipeline.compile import build_pipeline
from intentflow.pipeline.graph_execution import RUN_LOG, execute_graph
from intentflow.pipeline.left_out_rows import (
    BALANCE_LIST,
    TEST_REJECTS,
    LeftOutList,
    left_out_line,
    left_out_lists,
)
from intentflow.pipeline.local_lease import retraining_lease
from intentflow.pipeline.options import PipelineName
from intentflow.pipeline.run_config import RunConfig
from intentflow.pipeline.run_folder import KEPT_RUNS, own_folder
from intentflow.pipeline.run_index import INDEX, RunEnd, write_pages
from intentflow.pipeline.run_inputs import require_inputs
from intentflow.pipeline.step_outputs import StepOutputs

log = logging.getLogger(__name__)

# Sources of each file of the run's folder, as step and output: the first that exists is copied.
_FILES = {
    "records.jsonl": (("convert", "records"),),
    "rejects.jsonl": (("convert", "rejects"),),
    "agreement.json": (("convert", "agreement"),),
    "news.json": (("look", "news"),),
    "merge.json": (("merge", "report"),),
    "merge-changes.jsonl": (("merge", "changes"),),
    "curated.jsonl": (("curate", "curated"),),
    "changes.json": (("curate", "changes"),),
    "findings.jsonl": (("validate", "finding_rows"),),
    "left-out.jsonl": (("split", "left_out"),),
    TEST_REJECTS: (("split", "test_rejects"),),
    BALANCE_LIST: (("balance", "left_out"),),
    "train.jsonl": (("balance", "balanced"), ("split", "train_set")),
    "validation.jsonl": (("split", "validation_set"),),
    "test.jsonl": (("split", "test_set"),),
    "metrics.json": (("evaluate", "metrics"),),
    "baselines.json": (("baseline", "baselines"),),
    "predictions.jsonl": (("evaluate", "predictions"),),
    "behaviour.json": (("behave", "behaviour"),),
    "behaviour-cases.jsonl": (("behave", "cases"),),
    "verdict.json": (("gate", "verdict"),),
    "watch.json": (("watch", "report"),),
    "reports/redaction.html": (("curate", "report"),),
    "reports/data.html": (("validate", "report"),),
    "reports/training.html": (("train", "report"),),
    "reports/corrections.html": (("correct", "report"),),
    "reports/evaluation.html": (("evaluate", "report"),),
    "reports/behaviour.html": (("behave", "report"),),
    "reports/explanation.md": (("explain", "explanation"),),
}
# The others contain utterances.
_PUBLIC = {
    *("metrics.json", "baselines.json", "verdict.json", "reports/training.html"),
    "reports/corrections.html",
    *("news.json", "merge.json", "watch.json"),
}
_MODEL, _MANIFESTS = "model", "manifests"
_RESULTS = (*_FILES, _MODEL, _MANIFESTS, RUN_LOG, INDEX)


@dataclass(frozen=True)
class RunResult:
    """The result of a local run.

    Attributes:
        folder: Folder with reports, data sets, scores and manifests.
        counts: Numbers of rows, kept and rejected rows of convert.
        left_out: The lists of rows that were not used, each a file of the folder.
        metrics: Scores of the model.
        baselines: Scores of simple models on the same rows, by name.
        verdict: The gate's verdict.
        model: The model directory that was scored.
        manifests: The rendered service; None if the gate failed.
        seconds: Wall time of the graph.
        peak_memory_bytes: Maximum resident memory of any step.
    """

    folder: Path
    counts: dict[str, int]
    left_out: list[LeftOutList]
    metrics: Metrics
    baselines: dict[str, BaselineScores]
    verdict: Verdict
    model: Path
    manifests: Path | None
    seconds: float
    peak_memory_bytes: int


def run_locally(
    config: RunConfig,
    folder: str | Path,
    *,
    kept_runs: int = KEPT_RUNS,
    verbose: bool = False,
    pipeline: PipelineName = "finetune",
) -> RunResult | RetrainNews:
    """Run a graph in subprocesses; steps with unchanged inputs are not run again.

    Args:
        config: The run configuration.
        folder: Folder for all files of the run; a later run in the same folder reuses steps, and
            sets the results of this one aside.
        kept_runs: Number of earlier runs whose results are kept there.
        verbose: Whether to show the runner's complete log, which is always in
            ``.steps/runner.log``.
        pipeline: Name of the graph.

    Returns:
        The result; for a retraining that has nothing to do, what it has compared.

    Raises:
        KeyboardInterrupt: Ctrl-C; what the steps before have written is in the folder.
        IntentflowError: A step failed; the error is of the kind that the step raised, such as
            CheckFailed if the data checks failed; InputError if another run is in the folder, or
            another retraining of the service is under way.
    """
    root = Path(folder).resolve()
    require_inputs(config, root)
    arguments = pipeline_arguments(
        config,
        publish_to=str(root / "published"),
        record_at=str(root.parent / "registry"),
        pipeline=pipeline,
    )
    graph = build_pipeline(pipeline, config.pipeline)
    data = ", ".join(Path(source).name for source in config.data.sources)
    with retraining_lease(arguments), own_folder(folder, _RESULTS, kept_runs):
        started = time.monotonic()
        outputs, failure = execute_graph(graph, arguments, root, verbose=verbose)
        refused = isinstance(failure, CheckFailed) and outputs.get("gate", "Output") == "fail"
        _copy(outputs, root)
        if left_out := left_out_lists(outputs):
            log.info("%s", left_out_line(left_out, str(folder)))
        if failure and not refused:
            write_pages(root, RunEnd(root.name, data, failure=str(failure) or STOPPED))
            raise failure
        if outputs.get("look", "Output") == "nothing":
            write_pages(root, RunEnd(root.name, data, nothing_new=True))
            return RetrainNews.read(root / "news.json")
        result = _collect(outputs, root, time.monotonic() - started)
        write_pages(root, RunEnd(root.name, data, metrics=result.metrics, verdict=result.verdict))
        return result


def _collect(outputs: StepOutputs, root: Path, seconds: float) -> RunResult:
    """The result of a run that reached the gate, whose files are in its folder."""
    model = _scored_model(outputs)
    (root / _MODEL).symlink_to(os.path.relpath(model, root))
    verdict = Verdict.read(root / "verdict.json")
    if verdict.passed:
        with atomic_directory(root / _MANIFESTS) as partial:
            shutil.copytree(outputs.get("deploy", "manifests").path, partial, dirs_exist_ok=True)
    counts = outputs.get("convert", "counts").metadata
    return RunResult(
        folder=root,
        counts={key: int(counts[key]) for key in ("rows", "kept", "rejected")},
        left_out=left_out_lists(outputs),
        metrics=Metrics.read(root / "metrics.json"),
        baselines=Baselines.read(root / "baselines.json").baselines,
        verdict=verdict,
        model=model,
        manifests=root / _MANIFESTS if verdict.passed else None,
        seconds=seconds,
        peak_memory_bytes=resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024,
    )


def _scored_model(outputs: StepOutputs) -> Path:
    """The model directory of the last step that changed the model."""
    places = (("quantize", "quantized"), ("correct", "corrected"), ("train", "model"))
    return Path(next(found for place in places if (found := outputs.get(*place))).path)


def _copy(outputs: StepOutputs, root: Path) -> None:
    """Copy what the steps wrote, also those before one that failed, to the run's folder."""
    for name, places in _FILES.items():
        if (source := outputs.path(*places)) is not None:
            with atomic_file(root / name, private=name not in _PUBLIC) as partial:
                shutil.copyfile(source, partial)
