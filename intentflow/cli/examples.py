"""An example of each subcommand, for its help."""

from __future__ import annotations

EXAMPLES = {
    "init": ("intentflow init my-intents --from tickets.csv",),
    "run": (
        "intentflow run --config my-intents/run.yaml",
        "intentflow run --config my-intents/run.yaml --set recipe.num_train_epochs=5",
        "intentflow run --config my-intents/run.yaml --retrain",
    ),
    "convert": (
        "intentflow convert labels.manifest -o records.jsonl",
        "intentflow convert tickets.csv -o records.jsonl --field message --label-field topic",
    ),
    "taxonomy": ("intentflow taxonomy tickets.csv -o taxonomy.yaml",),
    "curate": ("intentflow curate records.jsonl -o clean.jsonl --redact --dedup near",),
    "validate": ("intentflow validate records.jsonl --report data.html",),
    "split": ("intentflow split records.jsonl -o data --test 0.1 --validation 0.1",),
    "train": (
        "intentflow train --recipe smollm2-135m/full --train data/train.jsonl "
        "--validation data/validation.jsonl -o model",
    ),
    "quantize": (
        "intentflow quantize --model model -o model-4bit --method gptq "
        "--calibration data/train.jsonl",
    ),
    "calibrate": ("intentflow calibrate --model model --data data/validation.jsonl",),
    "evaluate": (
        "intentflow evaluate --model model --data data/test.jsonl -o metrics.json "
        "--report evaluation.html",
    ),
    "behave": (
        "intentflow behave --model model --data parts/test.jsonl -o behaviour.json "
        "--report behaviour.html",
    ),
    "baseline": (
        "intentflow baseline --train data/train.jsonl --data data/test.jsonl "
        "--kinds majority,linear -o baselines.json",
    ),
    "gate": ("intentflow gate --metrics metrics.json --policy gate.yaml -o verdict.json",),
    "publish": ("intentflow publish model s3://models/intent",),
    "deploy": (
        "intentflow deploy --model s3://models/intent/sha256-1f2e --name intent -n voice "
        "--verdict verdict.json -o manifests",
    ),
    "promote": ("intentflow promote intent -n voice",),
    "rollback": ("intentflow rollback intent -n voice",),
    "verify": (
        "intentflow verify --url http://intent.voice.svc --model-digest 1f2e --probe rows.jsonl",
    ),
    "feedback": (
        "intentflow feedback s3://logs/intent -o feedback --gold gold.jsonl --known train.jsonl",
    ),
    "review": (
        "intentflow review export feedback -o tasks.json",
        "intentflow review export feedback -o tasks.manifest --to itag --budget 50",
        "intentflow review serve feedback -o review --taxonomy taxonomy.yaml",
    ),
    "drift": (
        "intentflow drift --reference data/train.jsonl --requests s3://logs/intent "
        "--policy drift.yaml --html drift.html",
    ),
    "backtest": ("intentflow backtest dated.csv --policy weekly,drift,never --html backtest.html",),
    "history": ("intentflow history", "intentflow history --html history.html"),
    "erase": (
        "intentflow erase --person c-1042 --registry s3://models/registry",
        "intentflow erase --match utterances.txt --check",
    ),
    "permissions": ("intentflow permissions intent -n voice --account kubeflow/pipeline-runner",),
    "endpoint": ("intentflow endpoint intent -n voice",),
    "serve": ("intentflow serve --model model --port 8000",),
    "predict": (
        'intentflow predict "play some jazz" --model model --top-k 3',
        'intentflow predict "play some jazz" --url http://localhost:8000',
        "intentflow predict --data utterances.txt --model model -o predictions.jsonl",
    ),
    "compile": ("intentflow compile finetune -o finetune.yaml",),
    "submit": (
        "intentflow submit --config my-intents/run.yaml --host https://kubeflow.example",
        "intentflow submit retrain --config my-intents/run.yaml --host https://kubeflow.example "
        "--cron '0 0 3 * * 1'",
    ),
    "schema": ("intentflow schema gate",),
    "completion": ("intentflow completion bash",),
}
"""Command lines by subcommand, the usual one first."""


def epilog(verb: str) -> str:
    """The examples of a subcommand as they stand at the end of its help.

    Example:
        >>> print(epilog("schema"))
        example:
          intentflow schema gate
    """
    lines = EXAMPLES[verb]
    return "\n  ".join(["examples:" if len(lines) > 1 else "example:", *lines])
