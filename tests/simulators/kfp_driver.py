"""The pods of KFP's steps, as the driver of KFP 2.17.0 makes them of a compiled pipeline.

Lines are those of https://github.com/kubeflow/pipelines at 2.17.0, below
``backend/src/v2/driver/``; ``tests/data/controllers/kfp/pod-patches.yaml`` has what the driver's
own code made of this project's options. Played are resources, variables, secrets, claims and
placement.
"""

from __future__ import annotations

from typing import Any

Object = dict[str, Any]


def pod_of_step(documents: list[Object], step: str) -> Object:
    """The part of a step's pod that follows from its options.

    Args:
        documents: The compiled pipeline: its specification, and the platform's part.
        step: Name of the step.
    """
    name = f"exec-{step}"
    container = documents[0]["deploymentSpec"]["executors"][name]["container"]
    platform = documents[1]["platforms"]["kubernetes"]["deploymentSpec"]["executors"].get(name, {})
    volumes = [_volume(claim) for claim in platform.get("pvcMount", ())]
    main = {
        "name": "main",
        "image": container["image"],
        "env": container.get("env", []) + _secrets(platform),
        "resources": _resources(container.get("resources") or {}),
        "volumeMounts": [mount for _, mount in volumes],
    }
    pod = {
        "containers": [{key: value for key, value in main.items() if value or key == "resources"}],
        "volumes": [volume for volume, _ in volumes],
        "nodeSelector": (platform.get("nodeSelector") or {}).get("labels"),
        "tolerations": platform.get("tolerations"),
    }
    return {key: value for key, value in pod.items() if value}


def _resources(given: Object) -> Object:
    """driver.go:358-447: the quantities as they are written, an accelerator as a limit."""
    limits = {"cpu": given.get("resourceCpuLimit"), "memory": given.get("resourceMemoryLimit")}
    requests = {
        "cpu": given.get("resourceCpuRequest"),
        "memory": given.get("resourceMemoryRequest"),
    }
    accelerator = given.get("accelerator")
    if accelerator:
        limits[accelerator["resourceType"]] = accelerator["resourceCount"]
    found = {"limits": limits, "requests": requests}
    present = {
        kind: {name: amount for name, amount in amounts.items() if amount}
        for kind, amounts in found.items()
    }
    return {kind: amounts for kind, amounts in present.items() if amounts}


def _secrets(platform: Object) -> list[Object]:
    """k8s.go:346-393."""
    return [
        {
            "name": key["envVar"],
            "valueFrom": {
                "secretKeyRef": {
                    "name": secret["secretName"],
                    "key": key["secretKey"],
                    "optional": secret["optional"],
                }
            },
        }
        for secret in platform.get("secretAsEnv", ())
        for key in secret["keyToEnv"]
    ]


def _volume(claim: Object) -> tuple[Object, Object]:
    """k8s.go:1111-1170: a volume by the name of its claim, and its mount."""
    name = claim["pvcNameParameter"]["runtimeValue"]["constant"]
    volume = {"name": name, "persistentVolumeClaim": {"claimName": name}}
    return volume, {"name": name, "mountPath": claim["mountPath"]}
