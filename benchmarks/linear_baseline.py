"""Intent accuracy of a linear classifier on the bundled example, beside the tuned model.

TF-IDF of words and characters with a linear SVM, trained on the same labelled rows that
``intentflow run`` trains on. Run after it:

    python benchmarks/linear_baseline.py [runs/example]
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.pipeline import make_pipeline, make_union
from sklearn.svm import LinearSVC

from intentflow.calls import parse_calls
from intentflow.records import Example, read_records


def intent_names(examples: list[Example]) -> list[str]:
    """The names of each row's intents, joined: the class that a linear classifier predicts."""
    return [";".join(sorted(c.intent for c in parse_calls(e.output))) for e in examples]


def linear_accuracy(training: list[Example], test: list[Example]) -> float:
    """Share of test rows whose intents a linear SVM over TF-IDF names rightly."""
    features = make_union(
        TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True),
        TfidfVectorizer(analyzer="char_wb", ngram_range=(2, 5), sublinear_tf=True),
    )
    model = make_pipeline(features, LinearSVC())
    model.fit([e.instruction for e in training], intent_names(training))
    predicted = model.predict([e.instruction for e in test])
    gold = intent_names(test)
    return sum(p == g for p, g in zip(predicted, gold, strict=True)) / len(gold)


def main() -> None:
    """Print both accuracies as JSON."""
    run = Path(sys.argv[1] if len(sys.argv) > 1 else "runs/example")
    training = read_records(run / "train.jsonl") + read_records(run / "validation.jsonl")
    test = read_records(run / "test.jsonl")
    tuned = json.loads((run / "metrics.json").read_text())["intent_accuracy"]
    print(json.dumps({"linear": linear_accuracy(training, test), "tuned": tuned, "n": len(test)}))


if __name__ == "__main__":
    main()
