"""Probable label errors: labels that a classifier, trained without the row, contradicts."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from intentflow.io.progress import progress_bar
from intentflow.validation.dataset import Dataset, Row
from intentflow.validation.findings import CheckResult, NotCheckedError
from intentflow.validation.policy import DataPolicy, LabelErrorCheck
from intentflow.validation.texts import count_of, listing

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
# In a script without blanks, each character counts as a word.
_UNSPACED = "\u0e00-\u0eff\u3040-\u30ff\u3400-\u9fff"
_WORD = f"[{_UNSPACED}]|[^\\W{_UNSPACED}]+"


def probable_label_error(data: Dataset, policy: DataPolicy) -> CheckResult | None:
    """Rows whose label is contradicted by a classifier that was trained on other rows.

    A label here is the set of a row's intents. Confident learning (Northcutt, Jiang and Chuang
    2021, with cleanlab) finds the candidates, of which :func:`doubted` keeps the confident ones.

    Raises:
        NotCheckedError: Fewer than two labels have enough rows.
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
    return CheckResult(
        len(doubts),
        f"{count_of(len(doubts), 'label')} probably wrong, of {len(rows):,} rows checked with "
        f"{len(labels):,} labels (data: {len(data.rows):,} rows): "
        f"{listing([f'{pair} {count}' for pair, count in pairs.most_common()])}",
        "Check these rows, the most confident ones come first; intents that overlap often need "
        "a clearer definition.",
        [rows[at] for at, _ in doubts],
        notes=[f"rather {other}" for _, other in doubts],
    )


def doubted(
    texts: Sequence[str], labels: Sequence[str], max_confidence: float
) -> list[tuple[int, str]]:
    """Find texts whose label is probably wrong.

    Args:
        texts: Utterances.
        labels: The label of each text; every label occurs at least three times.
        max_confidence: Maximum out-of-sample probability of a doubted label.

    Returns:
        Index of the text and its more probable label, the least probable given label first. Of
        cleanlab's candidates, those are kept whose other label has a probability of at least one
        half and is reliable: in four of five rows in which the classifier predicts it with such
        confidence, it is the given label.

    Raises:
        ModuleNotFoundError: The ``data`` extra is not installed.
    """
    import numpy as np
    from cleanlab.filter import find_label_issues

    names, given = np.unique(np.array(labels, dtype=object).astype(str), return_inverse=True)
    probabilities = _out_of_sample(texts, given, len(names))
    candidates = find_label_issues(
        given, probabilities, return_indices_ranked_by="self_confidence", n_jobs=1
    )
    likely = probabilities.argmax(axis=1)
    reliable = _reliable_labels(probabilities, likely, given)
    return [
        (int(at), str(names[likely[at]]))
        for at in candidates
        if probabilities[at, given[at]] <= max_confidence
        and probabilities[at, likely[at]] >= _SURE
        and reliable[likely[at]]
    ]


def _judged_labels(data: Dataset, minimum: int) -> dict[str, list[Row]]:
    """The rows of the most frequent labels that have enough rows."""
    rows: dict[str, list[Row]] = {}
    for row in data.rows:
        if row.calls and row.example.instruction.strip():
            rows.setdefault(_label(row), []).append(row)
    enough = sorted((n for n in rows if len(rows[n]) >= minimum), key=lambda n: (-len(rows[n]), n))
    return {name: rows[name] for name in enough[:_MAX_LABELS]}


def _label(row: Row) -> str:
    return "; ".join(sorted(row.intents))


def _sample(labels: dict[str, list[Row]], limits: LabelErrorCheck) -> list[Row]:
    """All rows, or a sample in which each label has its share, but at least the minimum."""
    rng = random.Random(_SEED)
    total = sum(map(len, labels.values()))
    share = min(1.0, limits.sample_rows / max(total, 1))
    drawn: list[Row] = []
    for rows in labels.values():
        wanted = max(-int(-share * len(rows) // 1), limits.minimum)
        drawn += rows if wanted >= len(rows) else rng.sample(rows, wanted)
    return sorted(drawn, key=lambda row: row.number)


def _out_of_sample(texts: Sequence[str], given: _Classes, count: int) -> _Probabilities:
    """Probability of each label for each text, from a classifier trained on other texts."""
    import numpy as np
    from sklearn.linear_model import SGDClassifier
    from sklearn.model_selection import StratifiedKFold

    features = _features(texts)
    probabilities = np.zeros((len(texts), count), np.float32)
    folds = StratifiedKFold(_FOLDS, shuffle=True, random_state=_SEED)
    with progress_bar("label errors", total=_FOLDS, unit="fold", leave=False) as bar:
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
            likely = model.predict_proba(features[held_out])
            probabilities[np.ix_(held_out, model.classes_)] = likely
            bar.update()
    return probabilities


def _features(texts: Sequence[str]) -> Any:
    """TF-IDF of words and word pairs."""
    import numpy as np
    from sklearn.feature_extraction.text import TfidfVectorizer

    vectorizer = TfidfVectorizer(
        ngram_range=(1, 2), sublinear_tf=True, token_pattern=_WORD, dtype=np.float32
    )
    try:
        return vectorizer.fit_transform(texts).tocsr()
    except ValueError:  # no words in any text
        raise NotCheckedError("the utterances contain no words") from None


def _reliable_labels(
    probabilities: _Probabilities, likely: _Classes, given: _Classes
) -> NDArray[np.bool_]:
    """Labels that are mostly correct when the classifier predicts them with confidence."""
    import numpy as np

    sure = probabilities.max(axis=1) >= _SURE
    count = probabilities.shape[1]
    named = np.bincount(likely[sure], minlength=count)
    agreed = np.bincount(likely[sure & (likely == given)], minlength=count)
    reliable: NDArray[np.bool_] = (named >= _MIN_CONFIDENT_ROWS) & (agreed >= _RELIABLE * named)
    return reliable
