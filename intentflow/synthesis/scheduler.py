"""Which requests come next: a wave, the same whatever the concurrency and in a run that goes on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from intentflow.synthesis.budget import Budget, Hold
from intentflow.synthesis.journal import Journal
from intentflow.synthesis.prompts import Questions, Request
from intentflow.synthesis.targets import Demand
from intentflow.synthesis.teacher import Teacher

FRUITLESS_REQUESTS = 3
"""Requests in a row without a usable row after which an intent is given up."""

_WAVE = 16
_PER_INTENT = 4


@dataclass
class Task:
    """One request for new utterances, and what is held of the budget for it.

    Attributes:
        demand: What is lacking.
        count: Utterances asked for.
        request: The request.
        hold: Held for it; None where it is answered already.
        labels_hold: Held for labelling what it brings: rows that nobody can check are worth
            nothing.
    """

    demand: Demand
    count: int
    request: Request
    hold: Hold | None = None
    labels_hold: Hold | None = None


def next_wave(
    demands: Sequence[Demand],
    questions: Questions,
    teacher: Teacher,
    budget: Budget,
    journal: Journal,
    number: int,
) -> list[Task]:
    """The requests to begin together; none where the budget has ended or nothing is wanted.

    How many a wave has depends on what was left of the budget when it began, so the journal
    remembers it.

    Args:
        demands: What is lacking.
        questions: Writes the requests.
        teacher: How many utterances to ask for at a time.
        budget: What may still be spent.
        journal: Of this run and those before.
        number: Of the wave, from 0.
    """
    # The first wave is one request: it shows whether the teacher is there and what it takes.
    size = 1 if number == 0 else _WAVE
    wave = _plan(demands, questions, teacher.phrasings_per_request, size)
    if number < len(journal.waves):
        wave = wave[: journal.waves[number]]
        for task in wave:
            if task.request.key not in journal.replies:
                _hold_both(task, questions, budget)
    else:
        wave = _affordable(wave, questions, budget)
        if wave:
            journal.begin_wave(len(wave))
    for task in wave:
        task.demand.requests += 1
    return wave


def is_wanted(demand: Demand) -> bool:
    """Whether an intent still lacks rows and was not given up."""
    return demand.missing > 0 and demand.fruitless < FRUITLESS_REQUESTS


def _plan(
    demands: Sequence[Demand], questions: Questions, per_request: int, size: int
) -> list[Task]:
    """Round by round one request for each intent, the rarest first."""
    tasks: list[Task] = []
    for turn in range(_PER_INTENT):
        for demand in filter(is_wanted, demands):
            count = min(per_request, demand.missing - turn * per_request)
            if count > 0 and len(tasks) < size:
                request = questions.for_utterances(demand, demand.requests + turn, count)
                tasks.append(Task(demand, count, request))
    return tasks


def _affordable(wave: list[Task], questions: Questions, budget: Budget) -> list[Task]:
    for index, task in enumerate(wave):
        if not _hold_both(task, questions, budget):
            return wave[:index]
    return wave


def _hold_both(task: Task, questions: Questions, budget: Budget) -> bool:
    tokens = questions.max_label_tokens(task.count, task.demand.longest)
    task.hold = budget.hold(task.request.max_tokens)
    task.labels_hold = budget.hold(tokens) if task.hold else None
    if task.hold and not task.labels_hold:
        task.hold.release()
        task.hold = None
    return task.hold is not None
