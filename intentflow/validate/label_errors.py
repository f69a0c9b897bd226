"""Labels that a classifier, trained without the row, is sure are others."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from intentflow.validate.dataset import Dataset, Row
from intentflow.validate.findings import Found, NotCheckedError
from intentflow.validate.policy import DataPolicy, LabelErrorCheck
from intentflow.validate.texts import count_of, listing

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    _Probabilities = NDArray[np.float32]
    _Classes = NDArray[np.int64]

_MAX_LABELS = 500
_FOLDS = 3
_PASSES = 5
_SEED = 0
_SURE = 0.5
_RELIABLE = 0.8
_MIN_CONFIDENT_ROWS = 5
_LOOKED_AT = 2_000
# A character of a script without blanks is a word.
_UNSPACED = "\u0e00-\u0eff\u3040-\u30ff\u3400-\u9fff"
_WORD = f"[{_UNSPACED}]|[^\\W{_UNSPACED}]+"


def probable_label_error(data: Dataset, policy: DataPolicy) -> Found | None:
    """Rows whose label a classifier doubts that was trained on other rows.

    A label is here the set of a row's intents. Confident learning (Northcutt, Jiang and Chuang
    2021, by cleanlab) names the candidates; of these are kept the ones that ``doubted`` is sure of.

    Raises:
        NotCheckedError: Fewer than two labels with enough rows.
        ModuleNotFoundError: The ``data`` extra is not installed.
    """
    limits = policy.probable_label_error
    labels = _judged_labels(data, limits.minimum)
    rows = _sample(labels, limits)
    if len(labels) < 2:
        raise NotCheckedError(f"needs two labels with {limits.minimum} rows each")
    names = [_label(row) for row in rows]
    doubts = doubted(
        [r.example.instruction[:_LOOKED_AT] for r in rows], names, limits.max_confidence
    )
    if not doubts:
        return None
    pairs = Counter(f"{names[at]} → {other}" for at, other in doubts)
    return Found(
        len(doubts),
        f"{count_of(len(doubts), 'label')} probably wrong, of {len(rows):,} rows judged with "
        f"{len(labels):,} labels (data: {len(data.rows):,} rows): "
        f"{listing([f'{pair} {count}' for pair, count in pairs.most_common()])}",
        "Look at these rows first, the surest stand first; what two intents share often needs a "
        "clearer line between them.",
        [rows[at] for at, _ in doubts],
        notes=[f"rather {other}" for _, other in doubts],
    )


def doubted(
    texts: Sequence[str], labels: Sequence[str], max_confidence: float
) -> list[tuple[int, str]]:
    """Texts whose label is probably wrong.

    Args:
        texts: Utterances.
        labels: The label of each; every label at least three times.
        max_confidence: Highest out-of-sample probability of a label that is doubted.

    Returns:
        Index of the text and the label it rather has, the least probable first. Kept are those
        of cleanlab's candidates whose other label has at least half the probability and is one
        that the classifier, where it is so sure, gives as the labels do in four of five rows.

    Raises:
        ModuleNotFoundError: The ``data`` extra is not installed.
    """
    import numpy as np
    from cleanlab.filter import find_label_issues

    names, given = np.unique(np.array(labels, dtype=object).astype(str), return_inverse=True)
    chances = _out_of_sample(texts, given, len(names))
    candidates = find_label_issues(
        given, chances, return_indices_ranked_by="self_confidence", n_jobs=1
    )
    likely = chances.argmax(axis=1)
    reliable = _reliable_labels(chances, likely, given)
    return [
        (int(at), str(names[likely[at]]))
        for at in candidates
        if chances[at, given[at]] <= max_confidence
        and chances[at, likely[at]] >= _SURE
        and reliable[likely[at]]
    ]


def _judged_labels(data: Dataset, minimum: int) -> dict[str, list[Row]]:
    """The rows of the most frequent labels that have enough of them."""
    rows: dict[str, list[Row]] = {}
    for row in data.rows:
        if row.calls and row.example.instruction.strip():
            rows.setdefault(_label(row), []).append(row)
    enough = sorted((n for n in rows if len(rows[n]) >= minimum), key=lambda n: (-len(rows[n]), n))
    return {name: rows[name] for name in enough[:_MAX_LABELS]}


def _label(row: Row) -> str:
    return "; ".join(sorted(row.intents))


def _sample(labels: dict[str, list[Row]], limits: LabelErrorCheck) -> list[Row]:
    """All rows, or a sample in which each label has its share and no fewer than the least."""
    chance = random.Random(_SEED)
    total = sum(map(len, labels.values()))
    share = min(1.0, limits.sample_rows / max(total, 1))
    drawn: list[Row] = []
    for rows in labels.values():
        wanted = max(-int(-share * len(rows) // 1), limits.minimum)
        drawn += rows if wanted >= len(rows) else chance.sample(rows, wanted)
    return sorted(drawn, key=lambda row: row.number)


def _out_of_sample(texts: Sequence[str], given: _Classes, count: int) -> _Probabilities:
    """Probability of each label for each text, by a classifier trained on other texts."""
    import numpy as np
    from sklearn.linear_model import SGDClassifier
    from sklearn.model_selection import StratifiedKFold

    features = _features(texts)
    chances = np.zeros((len(texts), count), np.float32)
    folds = StratifiedKFold(_FOLDS, shuffle=True, random_state=_SEED)
    for known, held_out in folds.split(features, given):
        model = SGDClassifier(
            loss="log_loss",
            alpha=1e-5,
            max_iter=_PASSES,
            tol=None,
            random_state=_SEED,
            n_jobs=-1,
        )
        model.fit(features[known], given[known])
        chances[np.ix_(held_out, model.classes_)] = model.predict_proba(features[held_out])
    return chances


def _features(texts: Sequence[str]) -> Any:
    """TF-IDF of words and pairs of words."""
    import numpy as np
    from sklearn.feature_extraction.text import TfidfVectorizer

    vectorizer = TfidfVectorizer(
        ngram_range=(1, 2), sublinear_tf=True, token_pattern=_WORD, dtype=np.float32
    )
    try:
        return vectorizer.fit_transform(texts).tocsr()
    except ValueError:  # not one word in all texts
        raise NotCheckedError("the utterances hold no words") from None


def _reliable_labels(
    chances: _Probabilities, likely: _Classes, given: _Classes
) -> NDArray[np.bool_]:
    """Labels that are mostly right where the classifier is sure of them."""
    import numpy as np

    sure = chances.max(axis=1) >= _SURE
    count = chances.shape[1]
    named = np.bincount(likely[sure], minlength=count)
    agreed = np.bincount(likely[sure & (likely == given)], minlength=count)
    reliable: NDArray[np.bool_] = (named >= _MIN_CONFIDENT_ROWS) & (agreed >= _RELIABLE * named)
    return reliable
