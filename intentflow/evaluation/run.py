"""Evaluation of a model, an endpoint or given predictions."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from statistics import fmean

from intentflow.artifacts.metrics import Latency, Measurement, Metrics, TokensPerRequest
from intentflow.artifacts.predictions import GivenPrediction, RankedIntent, ScoredPrediction
from intentflow.calls import OutputFormat
from intentflow.errors import InputError, IntentflowError, ServiceError, kind_of
from intentflow.evaluation.metrics import compute_metrics
from intentflow.evaluation.resume import AnswerJournal
from intentflow.evaluation.scored_rows import Scored, score_row
from intentflow.inference.engine_selection import EngineOptions, EvaluationRequest, open_engine
from intentflow.inference.engines import Answer, Engine
from intentflow.inference.intent_distribution import Ranking
from intentflow.inference.subject import Subject
from intentflow.records import Example, content_digest
from intentflow.taxonomy import Taxonomy


@dataclass(frozen=True)
class Evaluation:
    """The result of an evaluation.

    Attributes:
        metrics: The scores, as in ``metrics.json``.
        rows: The scored rows.
        output_format: Format of the answers.
        journal: The journal of answers.
    """

    metrics: Metrics
    rows: list[Scored]
    output_format: OutputFormat = "call"
    journal: AnswerJournal = field(default_factory=AnswerJournal)


def evaluate_model(
    model: str,
    examples: Sequence[Example],
    *,
    engine: str = "auto",
    constrained: bool | None = None,
    taxonomy: Taxonomy | None = None,
    output_format: OutputFormat | None = None,
    options: EngineOptions | None = None,
    journal_for: str | Path | None = None,
) -> Evaluation:
    """Score a model directory or an OpenAI endpoint on labelled rows.

    Args:
        model: A model directory, or the URL of an endpoint.
        examples: Rows with gold answers.
        engine: ``transformers``, ``vllm``, ``openai`` or ``auto``: for an endpoint ``openai``, for
            a directory the engine that serves it
            (:func:`intentflow.inference.vllm_installation.local_engine`).
        constrained: Whether to constrain answers to the taxonomy. If None, they are constrained for
            a directory, and an endpoint decides itself.
        taxonomy: Taxonomy of an endpoint.
        output_format: Format of an endpoint's answers; ``call`` if None. A model directory has its
            own.
        options: Options of the engine.
        journal_for: Output file of the evaluation. Answers are recorded in a journal in its folder,
            from which the next evaluation of the same model and rows resumes; remove the
            evaluation's journal when the file is written. None keeps no journal.

    Raises:
        InputError: There are no rows, or the directory is not a model.
        ServiceError: The endpoint is not available, or does not answer.
        UsageError: The engine does not support the options.
    """
    if not examples:
        raise InputError("there are no rows to score")
    request = EvaluationRequest(model, engine, constrained, taxonomy, output_format)
    with open_engine(request, options or EngineOptions()) as (runner, subject):
        identity = {**subject.identity(), "data_digest": content_digest(examples)}
        journal = AnswerJournal.open(
            Path(journal_for) if journal_for is not None else None, identity
        )
        try:
            seconds = _answer_missing(runner, examples, journal)
        except BaseException:
            journal.close()
            raise
    answers = [journal.answers[place] for place in range(len(examples))]
    _require_answers(answers)
    return replace(score(examples, answers, subject, seconds), journal=journal)


def _answer_missing(runner: Engine, examples: Sequence[Example], journal: AnswerJournal) -> float:
    """Answer the rows that the journal lacks; returns the wall time of all.

    Raises:
        IntentflowError: The engine failed; the message has the journal's path.
        KeyboardInterrupt: The evaluation was interrupted; the message has the journal's path, if
            there is one.
    """
    places = [place for place in range(len(examples)) if place not in journal.answers]
    journal.start_clock()
    started = time.perf_counter()
    try:
        runner.answer(
            [examples[place].instruction for place in places],
            lambda index, answer: journal.keep(places[index], answer),
        )
    except IntentflowError as error:
        raise kind_of(error)(f"{error}{journal.kept(len(examples))}") from error
    except KeyboardInterrupt:
        if not journal.kept(len(examples)):
            raise
        raise KeyboardInterrupt(f"stopped{journal.kept(len(examples))}") from None
    return journal.seconds + time.perf_counter() - started


def _require_answers(answers: Sequence[Answer]) -> None:
    if all(answer.failed for answer in answers):
        raise ServiceError("every request failed: there are no answers to score")


def score(
    examples: Sequence[Example],
    answers: Sequence[Answer],
    subject: Subject,
    seconds: float | None = None,
) -> Evaluation:
    """Score answers, with the facts about the measurement.

    Args:
        examples: Rows with gold answers.
        answers: One per row.
        subject: Model or endpoint that gave the answers.
        seconds: Wall time of all answers; None if they were given.
    """
    rows = [
        _score_answer(example, answer, subject, timed=seconds is not None)
        for example, answer in zip(examples, answers, strict=True)
    ]
    answered = [answer.seconds for answer in answers if not answer.failed]
    latency = sorted(answered) if seconds is not None else []
    measurement = Measurement(
        latency_seconds=Latency(p50=_quantile(latency, 0.5), p95=_quantile(latency, 0.95)),
        model_digest=subject.model_digest,
        data_digest=content_digest(examples),
        prompt_digest=subject.prompt_digest,
        taxonomy_digest=subject.taxonomy.digest if subject.taxonomy else None,
        constrained=subject.constrained,
        engine=subject.engine,
        engine_version=subject.engine_version,
        quantization=subject.quantization,
        grammar_backend=subject.grammar_backend,
        served_by=subject.engine,
        tokens_per_request=_tokens_per_request(answers),
        failed_rows=sum(answer.failed for answer in answers),
        rows_per_second=len(rows) / seconds if seconds else None,
    )
    scores = compute_metrics(rows, subject.taxonomy, subject.calibration)
    metrics = scores.model_copy(update=dict(measurement))
    return Evaluation(metrics, rows, subject.output_format)


def _tokens_per_request(answers: Sequence[Answer]) -> TokensPerRequest | None:
    """Mean tokens of the requests that were answered; None unless each states its own."""
    stated = [answer.usage for answer in answers if not answer.failed]
    usages = [usage for usage in stated if usage is not None]
    if not usages or len(usages) < len(stated):
        return None
    return TokensPerRequest(
        prompt=fmean(usage.prompt for usage in usages),
        answer=fmean(usage.answer for usage in usages),
    )


def read_predictions(path: str | Path) -> tuple[list[Example], list[Answer]]:
    """Read ``{"instruction", "output", "prediction"}`` rows, as JSON lines or an array.

    Their ``confidence`` is used if every row has one.

    Raises:
        InputError: A row is invalid; the message has the file and the line.
    """
    rows = GivenPrediction.read_rows(path)
    is_sure = all(row.confidence is not None for row in rows)
    examples = [Example(row.instruction, row.output) for row in rows]
    answers = [
        Answer(
            row.prediction,
            0.0,
            row.confidence if is_sure else None,
            margin=row.margin,
            ranking=_given_ranking(row.ranking),
            own_intent=row.own_intent,
        )
        for row in rows
    ]
    return examples, answers


def write_predictions(path: str | Path, rows: Sequence[Scored]) -> None:
    """Write one JSON line per row; only the owner may read the file, which contains utterances."""
    ScoredPrediction.write_rows(path, map(_prediction, rows))


def _given_ranking(ranking: Sequence[RankedIntent] | None) -> Ranking | None:
    return None if ranking is None else {one.intent: one.probability for one in ranking}


def _ranked(ranking: Ranking | None) -> list[RankedIntent] | None:
    if ranking is None:
        return None
    return [RankedIntent(intent=name, probability=share) for name, share in ranking.items()]


def _prediction(row: Scored) -> ScoredPrediction:
    return ScoredPrediction(
        instruction=row.instruction,
        output=row.gold_text,
        prediction=row.prediction,
        intent_right=row.intent_right,
        parameters_right=row.parameters_right,
        confidence=row.confidence,
        seconds=row.seconds,
        margin=row.margin,
        ranking=_ranked(row.ranking),
        own_intent=row.own_intent,
    )


def _score_answer(example: Example, answer: Answer, subject: Subject, *, timed: bool) -> Scored:
    scored = score_row(
        example.instruction, example.output, answer.text, subject.taxonomy, subject.output_format
    )
    raw = answer.confidence
    calibrated = subject.calibration.apply(raw) if subject.calibration and raw is not None else raw
    seconds = answer.seconds if timed else None
    return replace(
        scored,
        raw_confidence=raw,
        confidence=calibrated,
        seconds=seconds,
        margin=answer.margin,
        ranking=answer.ranking,
        own_intent=answer.own_intent,
    )


def _quantile(values: Sequence[float], share: float) -> float | None:
    if not values:
        return None
    return values[min(int(share * len(values)), len(values) - 1)]
