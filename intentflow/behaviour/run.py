"""Behavioural tests of a model: cases, the answers to them, and the outcome of each kind.

The method is CheckList's (Ribeiro et al., Beyond Accuracy: Behavioral Testing of NLP Models with
CheckList, ACL 2020): invariance tests and directional expectation tests, made from rows by edits.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from intentflow.artifacts.behaviour import (
    BEHAVIOUR_KINDS,
    INVARIANCE_KINDS,
    BehaviourCase,
    BehaviourKind,
    BehaviourReport,
    BehaviourScores,
)
from intentflow.behaviour.cases import UNKNOWN_LANGUAGE, BehaviourSuite, make_cases
from intentflow.behaviour.judging import judge
from intentflow.behaviour.rows import read_suite
from intentflow.errors import InputError, ServiceError
from intentflow.evaluation.wilson import wilson_interval
from intentflow.inference.engine_selection import EngineOptions, EvaluationRequest, open_engine
from intentflow.inference.engines import Engine
from intentflow.inference.subject import Subject
from intentflow.records import Example, content_digest
from intentflow.redaction.anonymizer import redact_text
from intentflow.taxonomy import Taxonomy

_EXAMPLES = 5


@dataclass(frozen=True)
class BehaviourPlan:
    """Kinds, number and seed of the tests.

    Attributes:
        kinds: Kinds of edits.
        cases_per_kind: Maximum number of cases of each kind.
        seed: Seed of the edits.
    """

    kinds: Sequence[BehaviourKind] = BEHAVIOUR_KINDS
    cases_per_kind: int = 100
    seed: int = 0


@dataclass(frozen=True)
class Behaviour:
    """The result of the tests.

    Attributes:
        report: The outcome of each kind.
        cases: All cases with their answers.
    """

    report: BehaviourReport
    cases: list[BehaviourCase]


def measure_behaviour(
    request: EvaluationRequest,
    examples: Sequence[Example],
    plan: BehaviourPlan = BehaviourPlan(),
    options: EngineOptions | None = None,
) -> Behaviour:
    """Let a model answer edited rows, and judge each kind of edit.

    Args:
        request: The model, its engine and constraint. An endpoint's taxonomy is inferred from the
            rows unless it is given.
        examples: Labelled rows.
        plan: Kinds, number of cases and seed.
        options: Options of the engine.

    Raises:
        InputError: No row can be edited, or the directory is not a model.
        ServiceError: The endpoint is not available, or answers no request.
        UsageError: The engine does not support the options.
    """
    with open_engine(request, options or EngineOptions()) as (engine, subject):
        taxonomy = subject.taxonomy or Taxonomy.infer(examples)
        suite = read_suite(examples, taxonomy, subject.output_format)
        made = make_cases(suite, plan.kinds, plan.cases_per_kind, plan.seed)
        if not made.cases:
            reasons = "; ".join(f"{one.kind}: {one.reason}" for one in made.skipped)
            raise InputError(f"no row can be edited ({reasons or 'no label parses'})")
        cases = _answered(engine, subject, made)
    languages = {name or UNKNOWN_LANGUAGE: rows for name, rows in suite.languages.items()}
    report = BehaviourReport(
        rows=len(suite.rows),
        seed=plan.seed,
        languages=languages,
        kinds=[_scores(kind, cases) for kind in plan.kinds if _of_kind(kind, cases)],
        skipped=made.skipped,
        model_digest=subject.model_digest,
        data_digest=content_digest(examples),
        prompt_digest=subject.prompt_digest,
        constrained=subject.constrained,
        engine=subject.engine,
        engine_version=subject.engine_version,
        quantization=subject.quantization,
        grammar_backend=subject.grammar_backend,
    )
    return Behaviour(report, cases)


def _answered(engine: Engine, subject: Subject, made: BehaviourSuite) -> list[BehaviourCase]:
    """Every case with both answers; each text is asked once."""
    texts = list(dict.fromkeys(t for case in made.cases for t in (case.instruction, case.edited)))
    given = engine.answer(texts)
    if all(answer.failed for answer in given):
        raise ServiceError("every request failed: there are no answers to judge")
    answers = {text: answer.text for text, answer in zip(texts, given, strict=True)}
    return [
        BehaviourCase(
            **case.model_dump(),
            answer=answers[case.instruction],
            edited_answer=answers[case.edited],
            passed=judge(
                case, answers[case.instruction], answers[case.edited], subject.output_format
            ),
        )
        for case in made.cases
    ]


def _of_kind(kind: BehaviourKind, cases: Sequence[BehaviourCase]) -> list[BehaviourCase]:
    return [case for case in cases if case.kind == kind]


def _scores(kind: BehaviourKind, cases: Sequence[BehaviourCase]) -> BehaviourScores:
    own = _of_kind(kind, cases)
    judged = [case for case in own if case.passed is not None]
    failed = [case for case in judged if not case.passed]
    passed = [case for case in judged if case.passed]
    rate = len(failed) / len(judged) if judged else None
    return BehaviourScores(
        kind=kind,
        rule="invariance" if kind in INVARIANCE_KINDS else "directional",
        cases=len(judged),
        failures=len(failed),
        failure_rate=rate,
        interval=None if rate is None else list(wilson_interval(rate, len(judged))),
        not_judged=len(own) - len(judged),
        examples=[_redacted(case) for case in [*failed[:_EXAMPLES], *passed[:1]]],
    )


def _redacted(case: BehaviourCase) -> BehaviourCase:
    texts = {
        name: redact_text(value)
        for name, value in case.model_dump().items()
        if isinstance(value, str) and name != "kind"
    }
    return case.model_copy(update=texts)
