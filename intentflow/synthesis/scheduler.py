"""Scheduling of requests in waves that do not depend on concurrency or on interruptions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from intentflow.synthesis.budget import Budget, Hold
from intentflow.synthesis.journal import SynthesisJournal
from intentflow.synthesis.prompts import RequestWriter, TeacherRequest
from intentflow.synthesis.targets import Demand
from intentflow.synthesis.teacher import Teacher

FRUITLESS_REQUESTS = 3
"""Number of consecutive requests without a usable row after which an intent is given up."""

_WAVE = 16
_PER_INTENT = 4


@dataclass
class Task:
    """One request for new utterances, with its reservations of the budget.

    Attributes:
        demand: The intent that lacks rows.
        count: Number of requested utterances.
        request: The request.
        hold: Reservation for the request; None if it is answered already.
        labels_hold: Reservation for labelling its rows, which are useless without the check.
    """

    demand: Demand
    count: int
    request: TeacherRequest
    hold: Hold | None = None
    labels_hold: Hold | None = None


def next_wave(
    demands: Sequence[Demand],
    writer: RequestWriter,
    teacher: Teacher,
    budget: Budget,
    journal: SynthesisJournal,
    number: int,
) -> list[Task]:
    """The requests to start together; none if the budget has ended or all demands are met.

    The size of a wave depends on the budget that was left when it started, so the journal records
    it.

    Args:
        demands: The intents that lack rows.
        writer: Writer of the requests.
        teacher: Configuration with the number of utterances per request.
        budget: The remaining budget.
        journal: Journal of this run and earlier ones.
        number: Number of the wave, from 0.
    """
    # The first wave is one request: it shows whether the teacher answers and which format it takes.
    size = 1 if number == 0 else _WAVE
    wave = _plan(demands, writer, teacher.phrasings_per_request, size)
    if number < len(journal.waves):
        wave = wave[: journal.waves[number]]
        for task in wave:
            if task.request.key not in journal.replies:
                _hold_both(task, writer, budget)
    else:
        wave = _affordable(wave, writer, budget)
        if wave:
            journal.begin_wave(len(wave))
    for task in wave:
        task.demand.requests += 1
    return wave


def is_wanted(demand: Demand) -> bool:
    """Whether an intent still lacks rows and is not given up."""
    return demand.missing > 0 and demand.fruitless < FRUITLESS_REQUESTS


def _plan(
    demands: Sequence[Demand], writer: RequestWriter, per_request: int, size: int
) -> list[Task]:
    """One request per intent and round, the rarest intent first."""
    tasks: list[Task] = []
    for turn in range(_PER_INTENT):
        for demand in filter(is_wanted, demands):
            count = min(per_request, demand.missing - turn * per_request)
            if count > 0 and len(tasks) < size:
                request = writer.for_utterances(demand, demand.requests + turn, count)
                tasks.append(Task(demand, count, request))
    return tasks


def _affordable(wave: list[Task], writer: RequestWriter, budget: Budget) -> list[Task]:
    for index, task in enumerate(wave):
        if not _hold_both(task, writer, budget):
            return wave[:index]
    return wave


def _hold_both(task: Task, writer: RequestWriter, budget: Budget) -> bool:
    tokens = writer.max_label_tokens(task.count, task.demand.longest)
    task.hold = budget.hold(task.request.max_tokens)
    task.labels_hold = budget.hold(tokens) if task.hold else None
    if task.hold and not task.labels_hold:
        task.hold.release()
        task.hold = None
    return task.hold is not None
