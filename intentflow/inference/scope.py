"""Out of scope: whether an answer is too unsure to be one of the other intents.

The model's first step gives a distribution over all intents, fused with the classifier's where
there is one. An utterance is less likely in scope the less probable the first of the other intents
is, and the more probable out of scope itself. Without such a distribution the answer's confidence
decides. The threshold stands in the model's calibration, so that evaluation and all services
decide alike.
"""

from __future__ import annotations

import math

from intentflow.artifacts.calibration import Calibration, ScopeScore
from intentflow.inference.intent_distribution import Ranking


def scope_score(
    kind: ScopeScore, confidence: float | None, ranking: Ranking | None, out_of_scope: str
) -> float | None:
    """Degree, in [0, 1], to which an utterance is in scope; None where it is not known.

    Args:
        kind: ``ranking`` for ``p / (p + sqrt(q))``, of the probability ``p`` of the first of the
            other intents and ``q`` of out of scope; ``confidence`` for the confidence.
        confidence: Calibrated confidence of the answer.
        ranking: The ranked intents.
        out_of_scope: The intent of utterances that belong to no other.

    Example:
        >>> ranking = {"play": 0.8, "oos": 0.16, "stop": 0.04}
        >>> round(scope_score("ranking", 0.8, ranking, "oos"), 6)
        0.666667
    """
    if kind == "confidence":
        return confidence
    if not ranking:
        return None
    first = max((share for name, share in ranking.items() if name != out_of_scope), default=0.0)
    outside = math.sqrt(ranking.get(out_of_scope, 0.0))
    return first / (first + outside) if first + outside else 0.0


def is_out_of_scope(
    calibration: Calibration | None,
    confidence: float | None,
    ranking: Ranking | None,
    out_of_scope: str | None,
) -> bool:
    """Whether an answer counts as out of scope, whatever the model answered.

    Args:
        calibration: The model's calibration; without a threshold in it no answer does.
        confidence: Calibrated confidence of the answer.
        ranking: The ranked intents.
        out_of_scope: The taxonomy's out-of-scope intent; None if it has none.
    """
    if calibration is None or calibration.oos_threshold is None or out_of_scope is None:
        return False
    score = scope_score(calibration.oos_score, confidence, ranking, out_of_scope)
    return score is not None and score < calibration.oos_threshold
