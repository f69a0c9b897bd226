"""What one field manager applied, read from an object's managed fields."""

from __future__ import annotations

from typing import Any

from intentflow.deployment.ownership import owned

LIVE: dict[str, Any] = {
    "apiVersion": "v1",
    "kind": "Pod",
    "metadata": {
        "name": "banking",
        "namespace": "team-a",
        "uid": "1",
        "labels": {"ours": "1", "theirs": "2"},
        "finalizers": ["ours/one", "theirs/two"],
        "managedFields": [
            {
                "manager": "intentflow",
                "operation": "Apply",
                "fieldsV1": {
                    "f:metadata": {
                        "f:labels": {".": {}, "f:ours": {}},
                        "f:finalizers": {'v:"ours/one"': {}},
                    },
                    "f:spec": {
                        "f:containers": {
                            'k:{"name":"main"}': {".": {}, "f:name": {}, "f:args": {}},
                        },
                        "f:scratch": {"f:emptyDir": {}},
                    },
                },
            },
            {"manager": "kubectl", "operation": "Update", "fieldsV1": {"f:spec": {}}},
        ],
    },
    "spec": {
        "containers": [
            {"name": "main", "args": ["a", "b"], "image": "theirs"},
            {"name": "sidecar"},
        ],
        "scratch": {"emptyDir": {}},
        "replicas": 3,
    },
    "status": {"phase": "Running"},
}


def test_only_what_the_manager_applied_is_there() -> None:
    assert owned(LIVE) == {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "name": "banking",
            "namespace": "team-a",
            "labels": {"ours": "1"},
            "finalizers": ["ours/one"],
        },
        "spec": {
            "containers": [{"name": "main", "args": ["a", "b"]}],
            "scratch": {"emptyDir": {}},
        },
    }


def test_somebody_elses_object_gives_its_name_alone() -> None:
    assert owned(LIVE, "nobody") == {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "banking", "namespace": "team-a"},
    }
