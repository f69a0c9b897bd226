"""Evaluate: scores of a model on held-out rows."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field

from intentflow.artifacts.baselines import Baselines
from intentflow.artifacts.metrics import RATES, Metrics
from intentflow.artifacts.predictions import GivenPrediction
from intentflow.artifacts.scores import Throughput
from intentflow.calls import OutputFormat, without_thinking
from intentflow.config import Flag
from intentflow.evaluation.scored_rows import NO_INTENT
from intentflow.pipeline.steps import keep_metadata
from intentflow.pipeline.steps.answering import AnswerConfig, EndpointFacts

if TYPE_CHECKING:
    from intentflow.evaluation.report import Prices
    from intentflow.evaluation.run import Evaluation
    from intentflow.records import Example

log = logging.getLogger(__name__)

_MATRIX_INTENTS = 50


class EvaluateConfig(AnswerConfig):
    r"""Configuration of scoring a model.

    Example:
        With ``model_directory`` a folder that :func:`intentflow.train` wrote:

        >>> import intentflow
        >>> from pathlib import Path
        >>> rows = "text,intent\nplay jazz,play(jazz)\nrain in Rome,weather(Rome)\n"
        >>> _ = Path("calls.csv").write_text(rows)
        >>> _ = intentflow.convert("calls.csv", "records.jsonl")
        >>> files = intentflow.EvaluateFiles("metrics.json")
        >>> config = intentflow.EvaluateConfig(engine="transformers", constrained=False)
        >>> evaluation = intentflow.evaluate(str(model_directory), "records.jsonl", files, config)
        >>> evaluation.metrics.engine, evaluation.metrics.constrained
        ('transformers', False)
    """

    hourly_price: Annotated[float | None, Flag(metavar="X")] = Field(
        None,
        ge=0,
        description="Price of an hour on this hardware, in any currency, from which the report "
        "computes the cost of 1,000 requests",
    )
    prompt_token_price: Annotated[float | None, Flag(metavar="X")] = Field(
        None,
        ge=0,
        description="Price of 1,000,000 tokens of prompts, in any currency, from which the report "
        "computes the cost of 1,000 requests to an endpoint that states its tokens",
    )
    answer_token_price: Annotated[float | None, Flag(metavar="X")] = Field(
        None, ge=0, description="Price of 1,000,000 tokens of answers, in the same currency"
    )

    @property
    def prices(self) -> Prices:
        """The prices, for the report."""
        from intentflow.evaluation.report import Prices

        return Prices(self.hourly_price, self.prompt_token_price, self.answer_token_price)


@dataclass(frozen=True)
class EvaluateFiles:
    r"""Files that an evaluation writes, and files for the comparison in its report.

    Attributes:
        metrics: ``metrics.json`` to write.
        predictions: File for every row with its answer, as JSON lines; None for none.
        report: HTML page to write; None for none.
        baselines: ``baselines.json`` of the same rows, for the report.
        champion: Scores of the model in service on the same rows, or their ``metrics.json``, for
            the report.
        other_predictions: Predictions that another engine wrote for the same rows, to compare
            with.
        parity: ``parity.json`` to write: the rows that both answer differently; None for none.

    Example:
        With ``model_directory`` a folder that :func:`intentflow.train` wrote:

        >>> import intentflow
        >>> from pathlib import Path
        >>> rows = "text,intent\nplay jazz,play(jazz)\nrain in Rome,weather(Rome)\n"
        >>> _ = Path("calls.csv").write_text(rows)
        >>> _ = intentflow.convert("calls.csv", "records.jsonl")
        >>> files = intentflow.EvaluateFiles("metrics.json", "predictions.jsonl", "report.html")
        >>> _ = intentflow.evaluate(str(model_directory), "records.jsonl", files)
        >>> sorted(path.name for path in Path().iterdir() if path.suffix != ".csv")
        ['metrics.json', 'predictions.jsonl', 'records.jsonl', 'report.html']
    """

    metrics: str | Path
    predictions: str | Path | None = None
    report: str | Path | None = None
    baselines: str | Path | None = None
    champion: str | Path | Metrics | None = None
    other_predictions: str | Path | None = None
    parity: str | Path | None = None


def run_evaluate(
    model: str | Path,
    test_set: str | Path,
    files: EvaluateFiles,
    config: EvaluateConfig | None = None,
    *,
    endpoint: EndpointFacts | None = None,
    resume: bool = False,
) -> Evaluation:
    r"""Score a model directory or an OpenAI endpoint.

    Args:
        model: The model directory, or the URL of an endpoint.
        test_set: Records with gold answers.
        files: Files to write, and those that the report compares with.
        config: Engine, constraint, limits; the defaults if None.
        endpoint: Facts that an endpoint does not state itself.
        resume: Whether to record answers in a journal next to the files, from which the next
            evaluation with the same inputs resumes.

    Returns:
        Scores and scored rows, as they were written.

    Raises:
        InputError: There are no rows, the directory is not a model, or a file cannot be read or
            written, or is about other rows.
        ServiceError: The endpoint is not available, or does not answer.
        UsageError: The engine does not support the options.

    Example:
        With ``model_directory`` a folder that :func:`intentflow.train` wrote:

        >>> import intentflow
        >>> from pathlib import Path
        >>> rows = "text,intent\nplay jazz,play(jazz)\nrain in Rome,weather(Rome)\n"
        >>> _ = Path("calls.csv").write_text(rows)
        >>> _ = intentflow.convert("calls.csv", "records.jsonl")
        >>> files = intentflow.EvaluateFiles("metrics.json")
        >>> evaluation = intentflow.evaluate(str(model_directory), "records.jsonl", files)
        >>> evaluation.metrics.n, evaluation.metrics.off_taxonomy_rate  # answers are constrained
        (2, 0.0)
    """
    from intentflow.evaluation.run import evaluate_model
    from intentflow.records import read_records

    settings, facts = config or EvaluateConfig(), endpoint or EndpointFacts()
    compared = _read_compared(files)  # first, so that a broken file does not waste an evaluation
    rows = read_records(test_set)
    compared.require_same(rows)
    _warn_of_labels(rows, test_set)
    evaluation = evaluate_model(
        str(model),
        rows,
        engine=settings.engine,
        constrained=settings.constrained,
        taxonomy=facts.taxonomy,
        output_format=facts.output_format,
        options=settings.engine_options(facts),
        journal_for=(files.predictions or files.metrics) if resume else None,
    )
    _write(evaluation, files, compared, settings)
    return evaluation


def run_score(
    predictions: str | Path,
    files: EvaluateFiles,
    config: EvaluateConfig | None = None,
    *,
    endpoint: EndpointFacts | None = None,
) -> Evaluation:
    """Score given predictions, without a model.

    Args:
        predictions: Rows ``{"instruction", "output", "prediction"}``, JSON lines or an array.
        files: Files to write, and those that the report compares with.
        config: The prices, for the report.
        endpoint: Taxonomy and output format of the predictions' source.

    Returns:
        Scores and scored rows, as they were written.

    Raises:
        InputError: A file cannot be read or written, or is of other rows.
    """
    from intentflow.evaluation.run import read_predictions, score
    from intentflow.inference.subject import Subject

    settings, facts = config or EvaluateConfig(), endpoint or EndpointFacts()
    compared = _read_compared(files)
    rows, answers = read_predictions(predictions)
    compared.require_same(rows)
    _warn_of_labels(rows, predictions)
    written_in: OutputFormat = facts.output_format or "call"
    subject = Subject("given", False, taxonomy=facts.taxonomy, output_format=written_in)
    if facts.allow_thinking:
        answers = [replace(one, text=without_thinking(one.text)) for one in answers]
    evaluation = score(rows, answers, subject)
    _write(evaluation, files, compared, settings)
    return evaluation


def _warn_of_labels(rows: Sequence[Example], path: str | Path) -> None:
    """Log the rows whose label is no call, so that only the same text would be right."""
    from intentflow.taxonomy import count_unreadable_labels

    without = count_unreadable_labels(rows)
    if without:
        log.warning(
            "%s: %d of %d rows have a label that is no call, and count as wrong unless the answer "
            "is the same text; intentflow validate lists them",
            *(path, without, len(rows)),
        )


@dataclass(frozen=True)
class _Compared:
    """Scores for the comparison in the report."""

    baselines: Baselines | None
    champion: Metrics | None
    others: list[GivenPrediction] | None

    def require_same(self, rows: Sequence[Example]) -> None:
        """Check that they are about the same rows."""
        from intentflow.evaluation.parity import require_same_rows
        from intentflow.evaluation.report import check_same_rows
        from intentflow.records import content_digest

        if self.others is not None:
            require_same_rows([(row.instruction, row.output) for row in rows], self.others)
        if self.baselines or self.champion:
            check_same_rows(content_digest(rows), baselines=self.baselines, champion=self.champion)


def _read_compared(files: EvaluateFiles) -> _Compared:
    baselines = Baselines.read(files.baselines) if files.baselines else None
    others = None
    if files.other_predictions is not None:
        others = GivenPrediction.read_rows(files.other_predictions)
    return _Compared(baselines, read_champion(files.champion), others)


def _write(
    evaluation: Evaluation,
    files: EvaluateFiles,
    compared: _Compared,
    config: EvaluateConfig,
) -> None:
    from intentflow.evaluation.parity import compare_answers
    from intentflow.evaluation.report import write_evaluation_report
    from intentflow.evaluation.run import write_predictions

    if files.predictions is not None:
        write_predictions(files.predictions, evaluation.rows)
    evaluation.metrics.write(files.metrics)
    parity = None
    if compared.others is not None:
        parity = compare_answers(evaluation.rows, compared.others, evaluation.output_format)
        if files.parity is not None:
            parity.write(files.parity, private=True)  # it contains utterances
    if files.report is not None:
        write_evaluation_report(
            files.report,
            evaluation,
            prices=config.prices,
            baselines=compared.baselines,
            champion=compared.champion,
            parity=parity,
        )
    evaluation.journal.remove()


def read_champion(champion: str | Path | Metrics | None) -> Metrics | None:
    """Scores of the model in service, read from the file if necessary.

    Args:
        champion: ``metrics.json``, its content, or None.

    Raises:
        InputError: The file cannot be read or contains no scores.
    """
    return Metrics.read(champion) if isinstance(champion, str | Path) else champion


def log_scores(metrics: Metrics, scores: Any, confusion: Any) -> None:
    """Write the scores for the Kubeflow page.

    Args:
        metrics: The scores.
        scores: KFP's ``Metrics`` for the headline.
        confusion: KFP's ``ClassificationMetrics`` for the confusion matrix.
    """
    for name, value in headline(metrics).items():
        scores.log_metric(name, value)
    confusion.log_confusion_matrix(*confusion_matrix(metrics))
    keep_metadata(scores)
    keep_metadata(confusion)


def headline(metrics: Metrics) -> dict[str, float]:
    """The scores for the Kubeflow page: those that were measured."""
    names = (name for name in (*RATES, *Throughput.model_fields) if "." not in name)
    found = {"n": metrics.n, **{name: metrics.value(name) for name in names}}
    found["calibration_ece"] = metrics.calibration.ece if metrics.calibration else None
    return {name: value for name, value in found.items() if value is not None}


def confusion_matrix(metrics: Metrics) -> tuple[list[str], list[list[int]]]:
    """Counts by gold (row) and predicted (column) intent, for the Kubeflow page.

    The page is slow and unreadable with many names. Beyond 50 names, only the most confused ones
    stay, and the others are counted together under a common name.
    """
    pairs = {(c.gold, c.predicted): c.count for c in metrics.confusion}
    per_intent = metrics.per_intent or {}
    right = {(name, name): values.correct for name, values in per_intent.items()}
    names = sorted({*per_intent, *(name for pair in pairs for name in pair)} - {NO_INTENT})
    names += [NO_INTENT] if any(NO_INTENT in pair for pair in pairs) else []
    shown = _most_confused(names, pairs)
    other = [f"{len(names) - len(shown)} other intents"] if len(shown) < len(names) else []
    counts: Counter[tuple[str, str]] = Counter()
    for (gold, guess), count in {**pairs, **right}.items():
        counts[gold if gold in shown else other[0], guess if guess in shown else other[0]] += count
    columns = [*(name for name in names if name in shown), *other]
    return columns, [[counts[gold, guess] for guess in columns] for gold in columns]


def _most_confused(names: Sequence[str], pairs: Mapping[tuple[str, str], int]) -> set[str]:
    """All names if they are few, otherwise those with the most errors on either side."""
    if len(names) <= _MATRIX_INTENTS:
        return set(names)
    harm: Counter[str] = Counter()
    for (gold, guess), count in pairs.items():
        harm[gold] += count
        harm[guess] += count
    return set(sorted(names, key=lambda name: (-harm[name], name))[:_MATRIX_INTENTS])
