"""Requests that are worth a label: few of many, by several criteria in turn.

One criterion alone fills a queue with one kind of row, such as the same unsure answer in a hundred
phrasings. So the criteria take turns, each with its next request, until the budget is spent. One of
them draws at random, which finds what no other looks for.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, zip_longest

from intentflow.artifacts.feedback import QueuedRequest, ReviewReason
from intentflow.curation.dedup import label_key, normalised_utterance
from intentflow.feedback.queue_criteria import intents_of, new_clusters
from intentflow.feedback.service_log import TimedRequest
from intentflow.feedback.similarity import similarities

MAX_KNOWN_SIMILARITY = 0.5
"""Similarity to a labelled row from which on a request is not unlike it."""


@dataclass(frozen=True)
class _Candidate:
    """An utterance that was asked.

    Attributes:
        latest: Latest request with the utterance.
        requests: Number of its requests.
        models_differ: Whether two models answered it differently.
    """

    latest: TimedRequest
    requests: int
    models_differ: bool

    @property
    def text(self) -> str:
        return self.latest.line.instruction

    @property
    def confidence(self) -> float | None:
        return self.latest.line.confidence


def review_queue(
    requests: Iterable[TimedRequest],
    *,
    budget: int,
    labelled: Collection[str] = (),
    threshold: float | None = None,
    known: Sequence[str] = (),
    drifting: Sequence[str] = (),
    differing: Collection[str] = (),
) -> list[QueuedRequest]:
    """Choose requests to label, each utterance once.

    Args:
        requests: Requests of a log.
        budget: Maximum number of rows.
        labelled: Normalised utterances that need no label.
        threshold: Confidence below which an application does not trust an answer, in [0, 1].
        known: Labelled utterances, to find those that are unlike all of them; not compared if
            empty.
        drifting: Intents that are asked more often than labelled rows have them, see
            :func:`intentflow.feedback.queue_criteria.drifting_intents`.
        differing: Normalised utterances that a shadow answered differently.

    Raises:
        ModuleNotFoundError: ``known`` is given, and the ``data`` extra is not installed.
    """
    groups: dict[str, list[TimedRequest]] = {}
    for request in requests:
        key = normalised_utterance(request.line.instruction)
        if key not in labelled:
            groups.setdefault(key, []).append(request)
    candidates = [_candidate(group, key in differing) for key, group in groups.items()]
    chosen = _take_turns(_rankings(candidates, threshold, known, drifting), budget)
    return [_queued(candidates[at], reason) for at, reason in chosen.items()]


def _candidate(group: Sequence[TimedRequest], differs_from_shadow: bool) -> _Candidate:
    ordered = sorted(group, key=lambda request: request.time)
    answers = {it.line.model_digest: label_key(it.line.prediction) for it in ordered}
    return _Candidate(
        ordered[-1], len(group), differs_from_shadow or len(set(answers.values())) > 1
    )


def _rankings(
    candidates: Sequence[_Candidate],
    threshold: float | None,
    known: Sequence[str],
    drifting: Sequence[str],
) -> dict[ReviewReason, list[int]]:
    """Places of candidates by criterion, the most interesting first."""
    places = sorted(range(len(candidates)), key=lambda at: _draw(candidates[at].text))
    sure = {at: value for at in places if (value := candidates[at].confidence) is not None}
    found: dict[ReviewReason, list[int]] = {
        "models_differ": sorted(
            (at for at in places if candidates[at].models_differ),
            key=lambda at: -candidates[at].requests,
        ),
        "least_confident": sorted(sure, key=lambda at: sure[at]),
    }
    if threshold is not None:
        limit = threshold
        found["near_threshold"] = sorted(sure, key=lambda at: abs(sure[at] - limit))
    if known and places:
        (similar,) = similarities(known, [candidate.text for candidate in candidates])
        unlike = [at for at in places if similar[at] < MAX_KNOWN_SIMILARITY]
        groups = new_clusters([candidates[at].text for at in unlike])
        found["new_cluster"] = [
            max((unlike[at] for at in group), key=lambda at: candidates[at].requests)
            for group in groups
        ]
        found["unlike_known"] = sorted(unlike, key=lambda at: similar[at])
    if drifting:
        intents = intents_of([candidate.latest.line.prediction for candidate in candidates])
        ranked = [[at for at in places if name in intents[at]] for name in drifting]
        found["drifting_intent"] = list(dict.fromkeys(_one_of_each(ranked)))
    return found | {"drawn": places}


def _one_of_each(groups: Sequence[Sequence[int]]) -> Iterator[int]:
    """The first of each group, then the second of each, and so on."""
    return (at for at in chain.from_iterable(zip_longest(*groups)) if at is not None)


def _take_turns(
    rankings: Mapping[ReviewReason, Sequence[int]], budget: int
) -> dict[int, ReviewReason]:
    """The next place of each criterion in turn, each place once."""
    chosen: dict[int, ReviewReason] = {}
    queues = {name: iter(places) for name, places in rankings.items()}
    while queues:
        for name in list(queues):
            if len(chosen) >= budget:
                return chosen
            place = next((at for at in queues[name] if at not in chosen), None)
            if place is None:
                del queues[name]
            else:
                chosen[place] = name
    return chosen


def _draw(text: str) -> str:
    """A number of the utterance that orders requests at random, and always alike."""
    return hashlib.sha256(normalised_utterance(text).encode()).hexdigest()


def _queued(candidate: _Candidate, reason: ReviewReason) -> QueuedRequest:
    line = candidate.latest.line
    return QueuedRequest(
        instruction=line.instruction,
        prediction=line.prediction,
        confidence=line.confidence,
        reason=reason,
        requests=candidate.requests,
        request_id=line.request_id,
        time=candidate.latest.time.isoformat(timespec="milliseconds"),
        model_digest=line.model_digest,
        person=line.person,
    )
