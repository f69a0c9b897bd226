"""Plain JSON requests to an API server, as an administrator."""

from __future__ import annotations

from typing import Any

from tests.real_parts.kube import KubeApi

Object = dict[str, Any]

_GROUPS = {
    "pods": "api/v1",
    "services": "api/v1",
    "events": "api/v1",
    "nodes": "api/v1",
    "namespaces": "api/v1",
    "resourcequotas": "api/v1",
    "deployments": "apis/apps/v1",
    "replicasets": "apis/apps/v1",
    "ingresses": "apis/networking.k8s.io/v1",
    # autoscaling/v2 with the same fields is of 1.23.
    "horizontalpodautoscalers": "apis/autoscaling/v2beta2",
    "scaledobjects": "apis/keda.sh/v1alpha1",
    "inferenceservices": "apis/serving.kserve.io/v1beta1",
    "servingruntimes": "apis/serving.kserve.io/v1alpha1",
    "mutatingwebhookconfigurations": "apis/admissionregistration.k8s.io/v1",
    "validatingwebhookconfigurations": "apis/admissionregistration.k8s.io/v1",
}
_MERGE = "application/merge-patch+json"


class Api:
    """Requests about one namespace; None is the cluster."""

    def __init__(self, kube_api: KubeApi, namespace: str | None) -> None:
        self._client, self.namespace = kube_api.client(), namespace

    def list_objects(self, plural: str, labels: str = "") -> list[Object]:
        """The objects with these labels."""
        query = [("labelSelector", labels)] if labels else []
        items: list[Object] = self._send("GET", self._path(plural), query=query)["items"]
        return items

    def find(self, plural: str, name: str) -> Object | None:
        """An object; None if there is none."""
        try:
            return self._send("GET", self._path(plural, name))
        except Exception as error:
            if getattr(error, "status", None) == 404:
                return None
            raise

    def create(self, plural: str, body: Object, *, dry_run: bool = False) -> Object:
        """Create an object, or see what would come of it."""
        query = [("dryRun", "All")] if dry_run else []
        return self._send("POST", self._path(plural), body, query=query)

    def replace(self, plural: str, body: Object, *, dry_run: bool = False) -> Object:
        """Put an object in the place of another, or see what would come of it."""
        query = [("dryRun", "All")] if dry_run else []
        return self._send("PUT", self._path(plural, body["metadata"]["name"]), body, query=query)

    def replace_status(self, plural: str, body: Object) -> Object:
        """Put a status in the place of another; a conflict if the object has changed."""
        path = self._path(plural, body["metadata"]["name"]) + "/status"
        return self._send("PUT", path, body)

    def merge(self, plural: str, name: str, body: Object) -> Object:
        """Merge fields into an object."""
        return self._send("PATCH", self._path(plural, name), body, content=_MERGE)

    def merge_status(self, plural: str, name: str, status: Object) -> Object:
        """Merge fields into a status."""
        path = self._path(plural, name) + "/status"
        return self._send("PATCH", path, {"status": status}, content=_MERGE)

    def delete(self, plural: str, name: str, *, grace_seconds: int | None = None) -> None:
        """Delete an object, and what it owns after it; a missing one is no error."""
        query = [("propagationPolicy", "Background")]
        if grace_seconds is not None:
            query.append(("gracePeriodSeconds", str(grace_seconds)))
        try:
            self._send("DELETE", self._path(plural, name), query=query)
        except Exception as error:
            if getattr(error, "status", None) != 404:
                raise

    def _path(self, plural: str, name: str = "") -> str:
        where = f"/namespaces/{self.namespace}" if self.namespace else ""
        return f"/{_GROUPS[plural]}{where}/{plural}" + (f"/{name}" if name else "")

    def _send(
        self,
        method: str,
        path: str,
        body: Object | None = None,
        *,
        query: list[tuple[str, str]] | None = None,
        content: str = "application/json",
    ) -> Object:
        answer: Object = self._client.call_api(
            path,
            method,
            query_params=query or [],
            header_params={"Content-Type": content, "Accept": "application/json"},
            body=body,
            response_type="object",
            auth_settings=["BearerToken"],
            _return_http_data_only=True,
            _request_timeout=30,
        )
        return answer
