"""The Kubernetes client: connection by kubectl's configuration, and one-line errors."""

from __future__ import annotations

import json
import logging
import math
import os
import re
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from intentflow.errors import IntentflowError, ServiceError

log = logging.getLogger(__name__)

_CONNECT_SECONDS = 10
_READ_SECONDS = 60
# Products that bring the kinds of optional components, by group or kind.
_OPERATORS = {
    "keda.sh": "KEDA",
    "monitoring.coreos.com": "the Prometheus Operator",
    "LocalModelCache": "KServe's controller of local models",
}
# RBAC's words; everything else that is forbidden was refused on admission.
_LACKS_PERMISSION = re.compile(r'\bUser "[^"]*" cannot ')


class Cluster:
    """A Kubernetes API server, accessed with the official client.

    The configuration is found as by kubectl (``KUBECONFIG``, ``~/.kube/config``), in a pod by the
    pod's service account.

    Args:
        needs: Product that has to be installed there, for messages.
        role: Location of the Role that is needed, for messages.
        without: Alternative without a cluster, for messages.

    Raises:
        ServiceError: There is no configuration, or the server does not answer.
    """

    def __init__(
        self,
        *,
        needs: str = "KServe",
        role: str = "manifests/deployer",
        without: str = "use --mode render",
    ) -> None:
        from kubernetes.client import ApiClient
        from kubernetes.dynamic import DynamicClient

        self._needs, self._role = needs, role
        configuration = _configuration(without)
        configuration.retries = 1
        self.host: str = configuration.host
        # The default cache is a guessable file in a shared folder, read again by later runs.
        with self.readable_errors(), tempfile.TemporaryDirectory() as scratch:
            cache = Path(scratch) / "discovery.json"
            self._client = DynamicClient(ApiClient(configuration), cache_file=str(cache))
            self._client.resources.search(api_version="v1")

    def apply(
        self, manifest: dict[str, Any], field_manager: str, *, dry_run: bool = False
    ) -> dict[str, Any]:
        """Server-side apply one object; returns its state in the server, or the dry run's."""
        resource = self._resource(manifest["apiVersion"], manifest["kind"])
        where = f"{manifest['kind']} {manifest['metadata']['name']}"
        log.debug("apply %s%s", where, ", a dry run" if dry_run else "")
        with self.readable_errors(where):
            answer = self._client.server_side_apply(
                resource,
                body=manifest,
                namespace=manifest["metadata"].get("namespace"),
                field_manager=field_manager,
                dry_run="All" if dry_run else None,
                _request_timeout=(_CONNECT_SECONDS, _READ_SECONDS),
            )
            return dict(answer.to_dict())

    def create(self, manifest: dict[str, Any]) -> dict[str, Any]:
        """Create one object; an error if there is already one of that name."""
        resource = self._resource(manifest["apiVersion"], manifest["kind"])
        with self.readable_errors(f"{manifest['kind']} {manifest['metadata']['name']}"):
            answer = resource.create(
                body=manifest,
                namespace=manifest["metadata"].get("namespace"),
                _request_timeout=(_CONNECT_SECONDS, _READ_SECONDS),
            )
            return dict(answer.to_dict())

    def get(self, api_version: str, kind: str, name: str, namespace: str | None) -> dict[str, Any]:
        """Get one object; an error if it does not exist."""
        log.debug("get %s %s", kind, name)
        resource = self._resource(api_version, kind)
        with self.readable_errors(f"{kind} {name}"):
            timeout = (_CONNECT_SECONDS, _READ_SECONDS)
            answer = resource.get(name=name, namespace=namespace, _request_timeout=timeout)
            return dict(answer.to_dict())

    def find(
        self, api_version: str, kind: str, name: str, namespace: str | None
    ) -> dict[str, Any] | None:
        """Get one object; None if it does not exist."""
        try:
            return self.get(api_version, kind, name, namespace)
        except IntentflowError as error:
            if is_missing(error):
                return None
            raise

    def watch(
        self, api_version: str, kind: str, name: str, namespace: str, timeout_seconds: float
    ) -> Iterator[tuple[str, dict[str, Any]]]:
        """Yield one object as it is, then at each change, until the time is over.

        Yields:
            ``ADDED``, ``MODIFIED`` or ``DELETED``, and the object.
        """
        from kubernetes.watch import Watch

        resource = self._resource(api_version, kind)
        seconds = max(1, math.ceil(timeout_seconds))  # the server accepts integers
        with self.readable_errors(f"{kind} {name}"):
            for event in Watch().stream(
                resource.get,
                namespace=namespace,
                field_selector=f"metadata.name={name}",
                serialize=False,
                timeout_seconds=seconds,
                _request_timeout=(_CONNECT_SECONDS, seconds + _CONNECT_SECONDS),
            ):
                yield event["type"], dict(event["object"])

    def list(
        self, api_version: str, kind: str, namespace: str, labels: str, *, fields: str = ""
    ) -> list[Any]:
        """List the objects with these labels and fields."""
        resource = self._resource(api_version, kind)
        with self.readable_errors(f"{kind} of {labels or fields}"):
            timeout = (_CONNECT_SECONDS, _READ_SECONDS)
            answer = resource.get(
                namespace=namespace,
                label_selector=labels,
                field_selector=fields,
                _request_timeout=timeout,
            )
            return list(answer.to_dict()["items"])

    def delete(self, api_version: str, kind: str, name: str, namespace: str | None) -> None:
        """Delete one object and, after it, its dependents."""
        log.debug("delete %s %s", kind, name)
        resource = self._resource(api_version, kind)
        with self.readable_errors(f"{kind} {name}"):
            resource.delete(
                name=name,
                namespace=namespace,
                body={"propagationPolicy": "Background"},
                _request_timeout=(_CONNECT_SECONDS, _READ_SECONDS),
            )

    def last_log_lines(
        self,
        pod: str,
        namespace: str,
        lines: int,
        *,
        container: str | None = None,
        previous: bool = False,
    ) -> Sequence[str]:
        """The last lines of a container's log.

        Args:
            pod: Name of the pod.
            namespace: Namespace of the pod.
            lines: Maximum number of lines.
            container: Name of the container; None for a pod with a single one.
            previous: Whether to read the previous run of the container.
        """
        from kubernetes.client import CoreV1Api

        chosen = {"container": container} if container else {}
        with self.readable_errors(f"log of pod {pod}"):
            text: str = CoreV1Api(self._client.client).read_namespaced_pod_log(
                pod,
                namespace,
                tail_lines=lines,
                previous=previous,
                **chosen,
                _request_timeout=(_CONNECT_SECONDS, _READ_SECONDS),
            )
            return text.splitlines()

    def _resource(self, api_version: str, kind: str) -> Any:
        from kubernetes.dynamic.exceptions import ResourceNotFoundError

        with self.readable_errors():
            try:
                return self._client.resources.get(api_version=api_version, kind=kind)
            except ResourceNotFoundError:
                group = api_version.partition("/")[0]
                product = _OPERATORS.get(kind) or _OPERATORS.get(group) or self._needs
                raise ServiceError(
                    f"the cluster {self.host} has no {kind} ({api_version}): "
                    f"is {product} installed?"
                ) from None

    @contextmanager
    def readable_errors(self, where: str = "") -> Iterator[None]:
        """Turn the client's errors into one line; ``where`` names the object."""
        from kubernetes.client.exceptions import ApiException
        from urllib3.exceptions import HTTPError

        try:
            yield
        except ApiException as error:
            raise ServiceError(_explain(error, where, self.host, self._role)) from error
        except HTTPError as error:
            cause = type(getattr(error, "reason", None) or error).__name__
            raise ServiceError(
                f"the cluster {self.host} cannot be reached ({cause}); check KUBECONFIG"
            ) from error


def is_taken(error: BaseException) -> bool:
    """Whether an error of this module means that another object has that name."""
    return getattr(error.__cause__, "status", None) == 409


def is_missing(error: BaseException) -> bool:
    """Whether an error of this module means that the object does not exist."""
    return getattr(error.__cause__, "status", None) == 404


def is_away(error: BaseException) -> bool:
    """Whether an error of this module may pass: the server does not answer, or is overloaded."""
    from urllib3.exceptions import HTTPError

    status = getattr(error.__cause__, "status", None)
    return isinstance(error.__cause__, HTTPError) or status == 429 or (status or 0) >= 500


def is_in_pod() -> bool:
    """Whether this process runs in a pod of the cluster that it talks to."""
    return "KUBERNETES_SERVICE_HOST" in os.environ and "KUBECONFIG" not in os.environ


def _configuration(without: str) -> Any:
    from kubernetes import config
    from kubernetes.client import Configuration

    configuration = Configuration()
    try:
        if is_in_pod():
            config.load_incluster_config(client_configuration=configuration)
        else:
            # The client's own default is fixed when it is imported.
            files = os.environ.get("KUBECONFIG") or "~/.kube/config"
            config.load_kube_config(config_file=files, client_configuration=configuration)
    except config.ConfigException as error:
        reason = str(error).splitlines()[0].rstrip(".")
        raise ServiceError(
            f"no cluster is configured ({reason}): set KUBECONFIG, or {without}"
        ) from None
    return configuration


def _explain(error: Any, where: str, host: str, role: str) -> str:
    message = _message(error)
    if error.status == 401:
        return f"the cluster {host} does not accept the credentials in KUBECONFIG (401)"
    if error.status == 403 and _LACKS_PERMISSION.search(message):
        return f"{where}: not allowed: {message}; the Role that permits it is in {role}"
    if error.status == 403:
        return f"{where}: refused on admission: {message}"
    if error.status == 409:
        return (
            f"{where}: another field manager owns fields that this would change: {message}; "
            "adopt its values in the deploy options, or let that manager release them"
        )
    if error.status == 404:
        return f"{where}: {message or 'not found'}"
    return f"{where}: the cluster refused ({error.status}): {message}"


def _message(error: Any) -> str:
    try:
        message = str(json.loads(error.body)["message"])
    except (TypeError, ValueError, KeyError):
        message = str(error.reason or error)
    return " ".join(message.split())
