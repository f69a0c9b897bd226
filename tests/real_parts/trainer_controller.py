"""Kubeflow Trainer for tests: what v2.3.0 refuses, makes of a TrainJob, and says of it.

Each function names the source that it follows, in the repository kubeflow/trainer at v2.3.0 unless
another is named, and ``test_trainer_controller.py`` holds it to what the real controllers made of
the same objects (``tests/data/controllers/trainer``). What no container can say here, a test says
through :class:`TrainerController`.
"""

from __future__ import annotations

import copy
import re
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml

from tests.real_parts.admission import Webhook, admission
from tests.real_parts.kube import KubeApi

_RECORDS = Path(__file__).parents[1] / "data" / "controllers" / "trainer"
TORCH_DISTRIBUTED: dict[str, Any] = {
    "mlPolicy": {"numNodes": 1, "torch": {}},
    "template": {
        "spec": {
            "replicatedJobs": [
                {
                    "name": "node",
                    "template": {
                        "metadata": {
                            "labels": {"trainer.kubeflow.org/trainjob-ancestor-step": "trainer"}
                        },
                        "spec": {"template": {"spec": {"containers": [{"name": "node"}]}}},
                    },
                }
            ]
        }
    },
}
"""``manifests/base/runtimes/torch_distributed.yaml`` without its image: every job sets its own."""

_SUBDOMAIN = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")
_PATH = re.compile(r"[A-Za-z0-9/\-._~%!$&'()*+,;=:]+")
_RESERVED = frozenset(
    {"PET_NNODES", "PET_NPROC_PER_NODE", "PET_NODE_RANK", "PET_MASTER_ADDR", "PET_MASTER_PORT"}
)
"""``pkg/constants/constants.go:300``."""


def record(name: str) -> dict[str, Any]:
    """A recorded object by its file's name."""
    found: dict[str, Any] = yaml.safe_load((_RECORDS / f"{name}.yaml").read_text("utf-8"))
    return found


def refusal(job: Mapping[str, Any], former: Mapping[str, Any] | None = None) -> str:
    """Why the validating webhook refuses a job; empty where it admits it.

    ``pkg/runtime/framework/plugins/jobset/jobset.go:172-209`` (patches) and
    ``pkg/runtime/framework/plugins/torch/torch.go:65-77`` (reserved variables).
    """
    spec = job["spec"]
    errors = []
    for patch in spec.get("runtimePatches") or ():
        errors += _domain_prefixed_path(patch["manager"])
        errors += _patched_containers(patch)
    if former and (former["spec"].get("runtimePatches") or []) != (
        spec.get("runtimePatches") or []
    ):
        errors.append(
            "spec.runtimePatches: Forbidden: RuntimePatches can only be modified when the TrainJob "
            "is suspended before or after the update"
        )
    given = {item["name"] for item in spec.get("trainer", {}).get("env") or ()}
    if given & _RESERVED:
        errors.append(
            "spec.trainer.env: Invalid value: must not have reserved envs, invalid envs "
            f"configured: {sorted(given & _RESERVED)}"
        )
    return errors[0] if len(errors) == 1 else f"[{', '.join(errors)}]" if errors else ""


def _domain_prefixed_path(manager: str) -> list[str]:
    """kubernetes/apimachinery, ``pkg/util/validation/validation.go``: IsDomainPrefixedPath."""
    domain, slash, path = manager.partition("/")
    if slash and path and _SUBDOMAIN.fullmatch(domain) and _PATH.fullmatch(path):
        return []
    return [
        f'spec.runtimePatches.manager: Invalid value: "{manager}": must be a domain-prefixed path '
        '(such as "acme.io/foo")'
    ]


def _patched_containers(patch: Mapping[str, Any]) -> list[str]:
    """``jobset.go:181-208``."""
    errors = []
    template = (patch.get("trainingRuntimeSpec") or {}).get("template") or {}
    for job in (template.get("spec") or {}).get("replicatedJobs") or ():
        if job["name"] != "node":
            errors.append(
                "spec.runtimePatches: Invalid value: must not have replicated job that doesn't "
                "exist in the runtime job template"
            )
            continue
        for container in job["template"]["spec"]["template"]["spec"].get("containers") or ():
            if container["name"] != "node":
                errors.append(
                    "spec.runtimePatches: Invalid value: must not have container that doesn't "
                    "exist in the runtime job node"
                )
            elif container.get("env"):
                errors.append(
                    "spec.runtimePatches: Invalid value: must not have envs for the "
                    "dataset-initializer, model-initializer, node containers"
                )
    return errors


def jobset_spec(job: Mapping[str, Any], runtime: Mapping[str, Any]) -> dict[str, Any]:
    """The JobSet's ``spec``, with the defaults of JobSet v0.12.0's own webhook.

    ``jobset.go:325-440`` and ``torch.go:110-204``; the defaults are those of the records.
    """
    spec: dict[str, Any] = copy.deepcopy(dict(runtime["template"]["spec"]))
    trainer, name = job["spec"]["trainer"], job["metadata"]["name"]
    (replicated,) = spec["replicatedJobs"]
    replicated |= {"groupName": "default", "replicas": 1}
    template = replicated["template"]["spec"]
    template |= {"completionMode": "Indexed"}
    template |= dict.fromkeys(("completions", "parallelism"), trainer["numNodes"])
    pod = template["template"]["spec"]
    pod.setdefault("restartPolicy", "OnFailure")
    template["template"].setdefault("metadata", {})
    for patch in job["spec"].get("runtimePatches") or ():
        _apply_patch(pod, patch)
    (container,) = pod["containers"]
    container |= {key: trainer[key] for key in ("image", "command", "args") if key in trainer}
    container["resources"] = trainer["resourcesPerNode"]
    container["env"] = [*(trainer.get("env") or ()), *pet_variables(name, trainer)]
    container["ports"] = [{"containerPort": 29500, "protocol": "TCP"}]
    return {
        **spec,
        "network": {"enableDNSHostnames": True, "publishNotReadyAddresses": True},
        "startupPolicy": {"startupPolicyOrder": "AnyOrder"},
        "successPolicy": {"operator": "All"},
        "suspend": False,
    }


def _apply_patch(pod: dict[str, Any], patch: Mapping[str, Any]) -> None:
    (patched,) = patch["trainingRuntimeSpec"]["template"]["spec"]["replicatedJobs"]
    found = dict(patched["template"]["spec"]["template"]["spec"])
    for container in found.pop("containers", ()):
        pod["containers"][0] |= container
    pod |= found


def pet_variables(name: str, trainer: Mapping[str, Any]) -> list[dict[str, Any]]:
    """What torchrun reads, ``torch.go:145-176``."""
    index = "metadata.annotations['batch.kubernetes.io/job-completion-index']"
    return [
        {"name": "PET_NNODES", "value": str(trainer["numNodes"])},
        {"name": "PET_NPROC_PER_NODE", "value": str(trainer["numProcPerNode"])},
        {"name": "PET_NODE_RANK", "valueFrom": {"fieldRef": {"fieldPath": index}}},
        {"name": "PET_MASTER_ADDR", "value": f"{name}-node-0-0.{name}"},
        {"name": "PET_MASTER_PORT", "value": "29500"},
    ]


def running_status(ready: bool) -> dict[str, Any]:
    """The status while it runs: Jobs are counted, however many pods they have (``:459-470``)."""
    counts = {"active": 1, "ready": int(ready), "succeeded": 0, "failed": 0, "suspended": 0}
    return {"jobsStatus": [{"name": "node", **counts}]}


def ended_status(name: str, failed: bool) -> dict[str, Any]:
    """The status at its end: JobSet's condition, renamed (``:450-457``)."""
    counts = {"active": 0, "ready": 0, "suspended": 0}
    counts |= {"succeeded": int(not failed), "failed": int(failed)}
    condition = {
        "type": "Failed" if failed else "Complete",
        "status": "True",
        "reason": "FailedJobs" if failed else "AllJobsCompleted",
        "message": (
            f"jobset failed due to one or more job failures (first failed job: {name}-node-0)"
            if failed
            else "jobset completed successfully"
        ),
    }
    return {"conditions": [condition], "jobsStatus": [{"name": "node", **counts}]}


class TrainerController:
    """The controller in one namespace: statuses and pods, moved on by a test.

    Args:
        api: The API server.
        namespace: The namespace.
    """

    def __init__(self, api: KubeApi, namespace: str) -> None:
        from kubernetes.client import CoreV1Api, CustomObjectsApi

        self.namespace = namespace
        self.core = CoreV1Api(api.client())
        self._objects = CustomObjectsApi(api.client())
        self._where = {
            "group": "trainer.kubeflow.org",
            "version": "v1alpha1",
            "namespace": namespace,
            "plural": "trainjobs",
        }

    @contextmanager
    def webhook(self, api: KubeApi, folder: Path) -> Iterator[None]:
        """Have the API server ask the validating webhook of Trainer inside the block."""
        self.core.patch_namespace(
            self.namespace, {"metadata": {"labels": {"tests": self.namespace}}}
        )
        name = "validator.trainjob.trainer.kubeflow.org"
        group = "trainer.kubeflow.org"
        hook = Webhook(name, group, "v1alpha1", ["trainjobs"], refusal, self.namespace)
        with admission(api, hook, folder):
            yield

    def jobs(self) -> list[dict[str, Any]]:
        """The TrainJobs that there are."""
        found = self._objects.list_namespaced_custom_object(**self._where)
        jobs: list[dict[str, Any]] = found["items"]
        return jobs

    def wait_for_job(self, unlike: str = "") -> dict[str, Any]:
        """A job other than the one with this uid, once there is one."""
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            for job in self.jobs():
                if job["metadata"]["uid"] != unlike:
                    return job
            time.sleep(0.1)
        raise AssertionError("no TrainJob")

    def delete(self, job: Mapping[str, Any]) -> None:
        """Delete a job, as another user would."""
        self._objects.delete_namespaced_custom_object(**self._where, name=job["metadata"]["name"])

    def start(self, job: Mapping[str, Any]) -> list[str]:
        """Create the pods of a job, pending; returns their names, by rank."""
        (replicated,) = jobset_spec(job, TORCH_DISTRIBUTED)["replicatedJobs"]
        template = replicated["template"]["spec"]["template"]
        name, nodes = job["metadata"]["name"], job["spec"]["trainer"]["numNodes"]
        names = [f"{name}-node-0-{rank}-x{rank}" for rank in range(nodes)]
        for rank, pod in enumerate(names):
            labels = {
                "jobset.sigs.k8s.io/jobset-name": name,
                "batch.kubernetes.io/job-completion-index": str(rank),
            }
            self.core.create_namespaced_pod(
                self.namespace,
                {"metadata": {"name": pod, "labels": labels}, "spec": template["spec"]},
            )
        self._patch(job, running_status(ready=False))
        return names

    def run(self, job: Mapping[str, Any], pods: Sequence[str], **trainer_status: Any) -> None:
        """The pods run; with a trainer's report where the feature gate is on."""
        for pod in pods:
            self._patch_pod(pod, "Running", {"running": {}}, ready=True)
        status = running_status(ready=True)
        if trainer_status:
            stamp = {"lastUpdatedTime": "2026-01-01T00:00:00Z"}
            status["trainerStatus"] = {**stamp, **trainer_status}
        self._patch(job, status)

    def keep_waiting(self, pod: str, message: str) -> None:
        """No node has room for a pod."""
        condition = {
            "type": "PodScheduled",
            "status": "False",
            "reason": "Unschedulable",
            "message": message,
        }
        self.core.patch_namespaced_pod_status(
            pod, self.namespace, {"status": {"phase": "Pending", "conditions": [condition]}}
        )

    def crash(self, pod: str, message: str) -> None:
        """A pod's container ends with an error; ``OnFailure`` starts it again."""
        ended = {"terminated": {"exitCode": 1, "reason": "Error", "message": message}}
        self._patch_pod(pod, "Running", ended, ready=False)

    def fail(self, job: Mapping[str, Any]) -> None:
        """The Job's limit is reached: its pods are deleted, then the status has it."""
        for pod in self.core.list_namespaced_pod(self.namespace).items:
            self.core.delete_namespaced_pod(
                pod.metadata.name, self.namespace, grace_period_seconds=0
            )
        self._patch(job, ended_status(job["metadata"]["name"], failed=True))

    def complete(self, job: Mapping[str, Any]) -> None:
        """All pods have succeeded."""
        self._patch(job, ended_status(job["metadata"]["name"], failed=False))

    def suspend(self, job: Mapping[str, Any], message: str) -> None:
        """A queue holds the job back."""
        self._patch(job, {"conditions": [_dated(_suspended(message))]})

    def _patch(self, job: Mapping[str, Any], status: Mapping[str, Any]) -> None:
        dated = {**status, "conditions": [_dated(it) for it in status.get("conditions") or ()]}
        self._objects.patch_namespaced_custom_object_status(
            **self._where, name=job["metadata"]["name"], body={"status": dated}
        )

    def _patch_pod(self, pod: str, phase: str, state: Mapping[str, Any], *, ready: bool) -> None:
        container = {
            "name": "node",
            "image": "intentflow",
            "imageID": "",
            "ready": ready,
            "restartCount": 0,
            "state": state,
        }
        self.core.patch_namespaced_pod_status(
            pod, self.namespace, {"status": {"phase": phase, "containerStatuses": [container]}}
        )


def _suspended(message: str) -> dict[str, Any]:
    """``pkg/controller/trainjob_controller.go:213-234``."""
    return {"type": "Suspended", "status": "True", "reason": "Suspended", "message": message}


def _dated(condition: Mapping[str, Any]) -> dict[str, Any]:
    return {"lastTransitionTime": "2026-01-01T00:00:00Z", **condition}
