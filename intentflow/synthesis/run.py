"""Synthesis: a teacher writes new phrasings of rare intents; rows that pass all checks are kept.

A row takes two requests, as in self-instruction with a filter (Wang et al. 2023, "Self-Instruct",
arXiv:2212.10560): one for new utterances with their labels, and one for labels of those utterances
alone. A row whose two labels differ is rejected.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from intentflow.errors import InputError
from intentflow.records import Example, content_digest
from intentflow.redaction.anonymizer import redact_text
from intentflow.synthesis.answer_checks import Checker
from intentflow.synthesis.answers import Candidate
from intentflow.synthesis.budget import Budget, BudgetEnded
from intentflow.synthesis.client import TeacherClient, read_key
from intentflow.synthesis.faults import TeacherError
from intentflow.synthesis.filters import RowFilter
from intentflow.synthesis.journal import Reply, SynthesisJournal
from intentflow.synthesis.prompts import RequestWriter
from intentflow.synthesis.scheduler import Task, is_wanted, next_wave
from intentflow.synthesis.targets import (
    SafeRow,
    agreed_values,
    find_demands,
    illustrations,
    safe_rows,
    safe_taxonomy,
    usable_rows,
)
from intentflow.synthesis.teacher import Teacher
from intentflow.taxonomy import Taxonomy

Progress = Callable[[str], None]

USELESS_ANSWERS = 20
"""Number of answers without a usable row after which the teacher is considered unfit."""


@dataclass
class SynthesisResult:
    """Rows and costs of a synthesis, including the runs that it resumed.

    Attributes:
        examples: The new rows, marked as synthetic, in the order of their requests.
        requests: Number of requests sent.
        tokens: Tokens as the server reports them, otherwise their upper bound.
        rejected: Number of rejected rows, or complete answers, by reason.
        missing: Number of rows that are still missing, by intent.
        unasked: Rare intents without requests, because no row of theirs may be shown.
        budget_exhausted: Whether the budget ended before the work was done.
    """

    examples: list[Example] = field(default_factory=list)
    requests: int = 0
    tokens: int = 0
    rejected: dict[str, int] = field(default_factory=dict)
    missing: dict[str, int] = field(default_factory=dict)
    unasked: list[str] = field(default_factory=list)
    budget_exhausted: bool = False

    def as_dict(self) -> dict[str, Any]:
        """The numbers of the summary, without the rows."""
        return {
            "made": len(self.examples),
            "requests": self.requests,
            "tokens": self.tokens,
            "rejected": self.rejected,
            "missing": self.missing,
            "unasked": self.unasked,
            "budget_exhausted": self.budget_exhausted,
        }


def synthesise(
    examples: Sequence[Example],
    teacher: Teacher,
    *,
    taxonomy: Taxonomy | None = None,
    seed: int = 0,
    journal: Path | None = None,
    progress: Progress | None = None,
) -> SynthesisResult:
    """Let a teacher write new phrasings of rare intents.

    Every row is redacted first, so only redacted text is sent. The result depends on the arguments
    and on the teacher's answers, but not on their timing.

    Args:
        examples: The rows of a training set.
        teacher: Configuration of the teacher: endpoint, target numbers and budget.
        taxonomy: The intents and their parameters; inferred from the rows if None.
        seed: Seed of the choice of rows that requests show.
        journal: File that records all requests and rows, readable by the owner only; a run that
            ended early is resumed from it. None records nothing.
        progress: Function that gets one line after each wave of requests.

    Returns:
        The new rows only; use them for training.

    Raises:
        TeacherError: The teacher cannot be used; the rows so far are in the journal.
        InputError: Redaction is not possible, or the journal belongs to another synthesis.
        KeyboardInterrupt: The run was stopped; the rows so far are in the journal.
    """
    _check_redaction()
    key = read_key(teacher)
    known = taxonomy or Taxonomy.infer(examples)
    identity: dict[str, str | int] = {
        "rows": content_digest(examples),
        "teacher": teacher.digest,
        "taxonomy": known.digest,
        "seed": seed,
    }
    with SynthesisJournal.open(journal, identity) as notes:
        try:
            run = _Synthesis(safe_rows(examples), safe_taxonomy(known), teacher, seed, notes)
            return asyncio.run(run.work(key, progress or (lambda _: None)))
        except TeacherError as error:
            raise TeacherError(f"{error}{_kept(notes)}") from error
        except KeyboardInterrupt as error:
            raise KeyboardInterrupt(f"stopped{_kept(notes)}") from error


class _Synthesis:
    """State of a synthesis: demands, rows and costs."""

    def __init__(
        self,
        rows: Sequence[SafeRow],
        taxonomy: Taxonomy,
        teacher: Teacher,
        seed: int,
        journal: SynthesisJournal,
    ) -> None:
        usable = usable_rows(rows, taxonomy)
        shown = illustrations(usable, taxonomy.intents)
        self._demands, self._unasked = find_demands(rows, usable, taxonomy, teacher)
        self._writer = RequestWriter(teacher, taxonomy, shown, seed)
        checker = Checker(taxonomy, agreed_values(usable))
        self._filter = RowFilter(checker, rows, self._demands)
        self._budget = Budget(teacher.budget, journal.requests, journal.tokens)
        self._teacher = teacher
        self._journal = journal
        self._made: list[Example] = []
        self._answers = 0
        self._waves = 0
        self._ended = False

    async def work(self, key: str | None, progress: Progress) -> SynthesisResult:
        """Send requests until all demands are met or given up, or the budget ends."""
        wanted = sum(demand.missing for demand in self._demands)
        if wanted:
            progress(f"{wanted:,} rows requested for {len(self._demands)} intents")
            async with TeacherClient(self._teacher, self._budget, self._journal, key) as client:
                while not self._ended and any(map(is_wanted, self._demands)):
                    await self._run_wave(client)
                    spent = f"{self._budget.requests:,} requests, {self._budget.tokens:,} tokens"
                    progress(f"{len(self._made):,} of {wanted:,} rows generated; {spent}")
        return self._result()

    async def _run_wave(self, client: TeacherClient) -> None:
        """One wave: request, check, label again, keep; each step in the order of the requests."""
        wave = next_wave(
            self._demands, self._writer, self._teacher, self._budget, self._journal, self._waves
        )
        self._waves += 1
        if not wave:
            self._ended = True
            return
        replies = await self._all(client.ask(task.request, task.hold) for task in wave)
        rows = [self._select(task, reply) for task, reply in zip(wave, replies, strict=True)]
        labels = await self._all(
            self._ask_labels(client, task, found) for task, found in zip(wave, rows, strict=True)
        )
        for task, found, reply in zip(wave, rows, labels, strict=True):
            self._keep(task, self._filter.confirm(reply, found))
        self._check_usefulness()

    async def _all(
        self, questions: Iterable[Coroutine[Any, Any, Reply | None]]
    ) -> list[Reply | None]:
        """All replies in order, None after the budget ended; running requests are awaited."""
        results = await asyncio.gather(*questions, return_exceptions=True)
        for result in results:
            if isinstance(result, BudgetEnded):
                self._ended = True
            elif isinstance(result, BaseException):
                raise result
        return [result if isinstance(result, Reply) else None for result in results]

    def _select(self, task: Task, reply: Reply | None) -> list[Candidate]:
        if reply is None:
            return []
        self._answers += 1
        return self._filter.select(reply, task.demand, task.count)

    async def _ask_labels(
        self, client: TeacherClient, task: Task, rows: list[Candidate]
    ) -> Reply | None:
        if rows:
            return await client.ask(self._writer.for_labels(rows), task.labels_hold)
        if task.labels_hold:
            task.labels_hold.release()
        return None

    def _keep(self, task: Task, rows: list[Candidate]) -> None:
        demand = task.demand
        demand.fruitless = 0 if rows else demand.fruitless + 1
        demand.missing -= len(rows)
        for row in rows:
            demand.made.append(row.instruction)
            example = Example(row.instruction, row.output, synthetic=True)
            self._made.append(example)
            self._journal.keep(example)

    def _check_usefulness(self) -> None:
        """Stop with an error if the teacher cannot do the task, to save the rest of the budget."""
        if self._made or self._answers < USELESS_ANSWERS:
            return
        reasons = ", ".join(f"{why} {count}" for why, count in self._filter.rejected.most_common(3))
        raise TeacherError(
            f"teacher {self._teacher.base_url}: none of its {self._answers} answers contained a "
            f"usable row ({reasons}): is {self._teacher.model} capable of the task?"
        )

    def _result(self) -> SynthesisResult:
        return SynthesisResult(
            self._made,
            self._budget.requests,
            self._budget.tokens,
            dict(sorted(self._filter.rejected.items())),
            {demand.intent: demand.missing for demand in self._demands if demand.missing},
            [redact_text(name) for name in self._unasked],
            self._ended,
        )


def _check_redaction() -> None:
    """Check that redaction works, because only redacted rows are sent.

    Raises:
        InputError: The ``data`` extra is not installed.
    """
    probe = "jane@example.com"
    try:
        redacted = redact_text(f"write to {probe}")
    except ModuleNotFoundError as error:
        raise InputError(
            "only redacted rows are sent to a teacher, and redaction needs a package that is not "
            f"installed ({error.name}): pip install 'intentflow[data]'"
        ) from error
    if probe in redacted:
        raise InputError("redaction does not work, so no row is sent to a teacher")


def _kept(journal: SynthesisJournal) -> str:
    return f"; {journal.kept()}" if journal.path else ""
