"""The profile ``restricted`` of Kubernetes' Pod Security Standards."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

_VOLUMES = {
    *("configMap", "csi", "downwardAPI", "emptyDir", "ephemeral", "persistentVolumeClaim"),
    *("projected", "secret"),
}


def restricted_violations(pod: dict[str, Any]) -> list[str]:
    """What a namespace under ``restricted`` refuses of a pod."""
    of_pod = pod.get("securityContext", {})
    found = [key for key in ("hostNetwork", "hostPID", "hostIPC") if pod.get(key)]
    for volume in pod.get("volumes", []):
        found += [f"volume {kind}" for kind in volume if kind != "name" and kind not in _VOLUMES]
    for container in [*pod.get("initContainers", []), *pod["containers"]]:
        of_container = container.get("securityContext", {})
        both = {**of_pod, **of_container}
        found += [f"{container['name']}: {fault}" for fault in _faults(both, of_container)]
        found += [f"host port {it}" for it in container.get("ports", []) if it.get("hostPort")]
    return found


def _faults(both: dict[str, Any], own: dict[str, Any]) -> Iterator[str]:
    if own.get("privileged"):
        yield "privileged"
    if own.get("allowPrivilegeEscalation") is not False:
        yield "allowPrivilegeEscalation"
    capabilities = own.get("capabilities", {})
    if "ALL" not in capabilities.get("drop", []):
        yield "capabilities.drop"
    if set(capabilities.get("add", [])) - {"NET_BIND_SERVICE"}:
        yield "capabilities.add"
    if both.get("runAsNonRoot") is not True or both.get("runAsUser") == 0:
        yield "runAsNonRoot"
    if both.get("seccompProfile", {}).get("type") not in ("RuntimeDefault", "Localhost"):
        yield "seccompProfile"
