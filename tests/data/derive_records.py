"""Reduce the complete records of KServe's controller to ``tests/data/controllers/kserve``.

    python -m tests.data.derive_records FOLDER

Of records kept are the InferenceServices, of most also the Deployments and pods, and the errors of
commands. Left out are summaries of what a status has in full, and addresses of the record's own
node. Objects are kept without their status.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import yaml

TARGET = Path(__file__).parent / "controllers" / "kserve"

# The kinds that are kept of each record.
_STATUSES = ("InferenceService",)
_ALL = ("InferenceService", "Deployment", "Pod")
RECORDS = {
    "01-first-deployment": _STATUSES,
    "02-update": _ALL,
    "03-update-crash-loop": _ALL,
    "04-canary": _ALL,
    "05-promote-refused": _ALL,
    "06-promote-by-rename-at-once": _ALL,
    "07-promote-without-rename": _ALL,
    "08-promote-by-rename-in-order": _ALL,
    "09-storage-initializer-fails-once-by-kubectl": _ALL,
    "10-storage-initializer-fails-always-by-kubectl": _ALL,
    "11-first-deployment-crash-loop": _ALL,
    "12-update-with-one-gpu": _ALL,
    "13-update-with-one-gpu-recreate": _ALL,
    "14-predictor-alone": _ALL,
    "16-gitops-update": _STATUSES,
    "17-gitops-predictor-alone": _STATUSES,
    "18-promote-scaled-from-outside": _ALL,
    "19-canary-crash-loop-taken-away": _ALL,
    "20-two-replicas-two-changes": _ALL,
}
OBJECTS = (
    *("01-deployments", "01-horizontalpodautoscalers", "01-inferenceservices", "01-ingresses"),
    *("01-pods", "01-services", "01-servingruntimes"),
    *("04-deployments", "04-inferenceservices", "08-deployments", "08-inferenceservices"),
)
_LEFT_OUT = (
    *("address", "canaryStatuses", "conditions", "containers", "failure"),
    *(
        "model_digest_annotation",
        "node",
        "observedGeneration",
        "phase",
        "ready",
        "states",
        "transition",
        "url",
    ),
)
_LEFT_OUT_OF_PODS = ("hostIP", "podIP", "podIPs", "qosClass")


def derive(source: Path) -> dict[str, str]:
    """The reduced records and objects by their files' names.

    Args:
        source: Folder of the complete ones.
    """
    found = {}
    for name, kinds in RECORDS.items():
        lines = (source / f"{name}.jsonl").read_text(encoding="utf-8").splitlines()
        events = [event for event in map(json.loads, lines) if _is_kept(event, kinds)]
        reduced = [json.dumps(_reduced(event)) + "\n" for event in events]
        found[f"{name}.jsonl"] = "".join(reduced)
    for name in OBJECTS:
        text = (source / f"{name}.yaml").read_text(encoding="utf-8")
        kept = [
            {key: value for key, value in item.items() if key != "status"}
            for item in yaml.safe_load_all(text)
        ]
        found[f"{name}.yaml"] = yaml.safe_dump_all(kept, sort_keys=False)
    return found


def _is_kept(event: dict[str, Any], kinds: tuple[str, ...]) -> bool:
    """Whether a line is kept: one of these kinds, or a command's error."""
    return event["kind"] in kinds or ": error: " in event.get("line", "")


def _reduced(event: dict[str, Any]) -> dict[str, Any]:
    kept = {key: value for key, value in event.items() if key not in _LEFT_OUT}
    if event["kind"] == "Pod" and "status" in event:
        status = event["status"]
        kept["status"] = {key: it for key, it in status.items() if key not in _LEFT_OUT_OF_PODS}
    return kept


def main() -> None:
    """Write the reduced records into ``tests/data/controllers/kserve``."""
    parser = argparse.ArgumentParser(description="Reduce the records of KServe's controller.")
    parser.add_argument("source", type=Path, help="folder of the complete records")
    for file, text in derive(parser.parse_args().source).items():
        (TARGET / file).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
