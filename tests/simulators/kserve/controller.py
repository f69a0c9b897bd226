"""The reconciliation of InferenceServices in one namespace."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from copy import deepcopy
from typing import Any

from tests.simulators.api import Api, Object
from tests.simulators.kserve import workloads
from tests.simulators.kserve.ingress import entry_point, ingress
from tests.simulators.kserve.names import (
    AUTOSCALER_CLASS,
    DEPLOYMENT_MODE,
    SERVICE_LABEL,
    domain,
    predictor_name,
)
from tests.simulators.kserve.status import Status

log = logging.getLogger(__name__)

_LOOK_SECONDS = 0.1
_REQUEUE_SECONDS = 1.0


class Controller:
    """KServe's controller manager for one namespace.

    Attributes:
        makes_ingress: False as with ``disableIngressCreation`` in KServe's configuration.
    """

    def __init__(self, api: Api) -> None:
        self._api, self.makes_ingress = api, True
        self._seen: dict[str, Any] = {}
        self._stop = threading.Event()

    @contextmanager
    def running(self) -> Iterator[None]:
        """Reconcile until the block ends."""
        self._stop.clear()
        thread = threading.Thread(target=self._run)
        thread.start()
        try:
            yield
        finally:
            self._stop.set()
            thread.join()

    def _run(self) -> None:
        while not self._stop.wait(_LOOK_SECONDS):
            try:
                self._look()
            except Exception as error:  # an API server that is away, a conflict: tried again
                log.debug("KServe's simulator: %s", getattr(error, "body", error))
                self._seen.clear()

    def _look(self) -> None:
        for service in self._api.list_objects("inferenceservices"):
            name = service["metadata"]["name"]
            trigger = self._trigger(service)
            if self._seen.get(name) != trigger:
                self._seen[name] = trigger
                reconciliation = Reconciliation(self._api, service, self.makes_ingress)
                if not reconciliation.run():
                    self._stop.wait(_REQUEUE_SECONDS)
                    del self._seen[name]

    def _trigger(self, service: Object) -> object:
        """What starts a reconciliation: controller.go:601-700; of pods their init containers."""
        labels = f"{SERVICE_LABEL}={service['metadata']['name']}"

        def versions(plural: str) -> list[str]:
            return [
                item["metadata"]["resourceVersion"]
                for item in self._api.list_objects(plural, labels)
            ]

        pods = [
            (pod.get("status") or {}).get("initContainerStatuses")
            for pod in self._api.list_objects("pods", labels)
        ]
        runtimes = [
            item["metadata"]["generation"] for item in self._api.list_objects("servingruntimes")
        ]
        owned = [versions(plural) for plural in ("deployments", "services")]
        return (service["metadata"]["resourceVersion"], owned, pods, runtimes)


class _FailedError(Exception):
    """An error that ends a reconciliation."""


class Reconciliation:
    """One reconciliation of one service: controller/v1beta1/inferenceservice/controller.go:123."""

    def __init__(self, api: Api, service: Object, makes_ingress: bool = True) -> None:
        self._api, self._service, self._makes_ingress = api, service, makes_ingress
        self._name, self._namespace = service["metadata"]["name"], service["metadata"]["namespace"]
        self._spec = service["spec"]
        self.status = Status(service.get("status"))

    def run(self) -> bool:
        """Reconcile; False asks for another one in a second (nothing is written then: :303-305)."""
        annotations = self._service["metadata"].get("annotations") or {}
        mode = self.status.fields.get("deploymentMode") or annotations.get(DEPLOYMENT_MODE)
        self.status.fields["deploymentMode"] = mode or "Standard"
        if mode == "Knative":
            self._knative()
            return True
        try:
            if not self._predictor():
                return False
            if "transformer" in self._spec:
                self._transformer()
        except _FailedError:
            self._write()
            return True
        self.status.mark("Stopped", "False")
        self._ingress()
        self._write()
        return True

    def _predictor(self) -> bool:
        """components/predictor.go:184-287."""
        runtime = self._api.find("servingruntimes", self._spec["predictor"]["model"]["runtime"])
        if runtime is None:  # :329-338
            message = "Waiting for runtime to become available"
            self.status.invalid_spec("RuntimeNotRecognized", message)
            raise _FailedError(message)
        self.status.fields["servingRuntimeName"] = runtime["metadata"]["name"]
        deployment = workloads.predictor_deployment(self._service, runtime)
        self._part("predictor", deployment, self._spec["predictor"])
        self._canaries(runtime)
        pods = self._api.list_objects("pods", f"app={deployment['metadata']['labels']['app']}")
        return self.status.propagate_model(pods)

    def _canaries(self, runtime: Object) -> None:
        """components/predictor.go:913-1040."""
        canaries = self._spec.get("canary") or []
        expected = {predictor_name(self._name, self._spec["predictor"].get("name"))}
        statuses = []
        for canary in canaries:
            deployment = workloads.canary_deployment(self._service, canary, runtime)
            least = {"minReplicas": workloads.canary_replicas(self._service, canary)}
            found = self._apply(deployment, least)
            expected.add(deployment["metadata"]["name"])
            available = ((found or {}).get("status") or {}).get("availableReplicas", 0)
            name, percent = canary["predictor"]["name"], canary.get("trafficPercent", 0)
            statuses.append(
                {
                    "name": name,
                    "ready": available > 0,
                    "trafficPercent": percent,
                    "modelStatus": {"transitionStatus": ""},
                }
            )
        self.status.fields["canaryStatuses"] = statuses
        if canaries:
            ready = all(item["ready"] for item in statuses)
            reason = "AllCanariesReady" if ready else "CanariesNotReady"
            self.status.mark("CanaryPredictorReady", str(ready), reason)
        else:
            self.status.clear("CanaryPredictorReady")
            del self.status.fields["canaryStatuses"]
        self._remove_orphans(expected)

    def _remove_orphans(self, expected: set[str]) -> None:
        """Deployments and Services of predictors that are gone, nothing else: :1002-1037."""
        labels = f"{SERVICE_LABEL}={self._name},component=predictor"
        for plural in ("deployments", "services"):
            for item in self._api.list_objects(plural, labels):
                if item["metadata"]["name"] not in expected:
                    self._api.delete(plural, item["metadata"]["name"])

    def _transformer(self) -> None:
        deployment = workloads.transformer_deployment(self._service)
        self._part("transformer", deployment, self._spec["transformer"])

    def _part(self, component: str, deployment: Object, part: Object) -> None:
        try:
            host = domain(deployment["metadata"]["name"], self._namespace)
        except ValueError as error:  # reconcilers/raw/raw_kube_reconciler.go:110-113
            message = f"fails to create NewRawKubeReconciler for {component}: {error}"
            kind = f"{component.capitalize()}Ready"
            self.status.mark(kind, "False", "ReconcileFailed", message)
            raise _FailedError(message) from None
        found = self._apply(deployment, part)
        self.status.propagate_deployment(component, found, host)

    def _apply(self, deployment: Object, part: Object) -> Object | None:
        """Service, Deployment, autoscaler: reconcilers/raw/raw_kube_reconciler.go:238-268.

        Returns:
            The Deployment as it was before; None if it is new.
        """
        name = deployment["metadata"]["name"]
        wanted = workloads.k8s_service(deployment)
        service = self._api.find("services", name)
        if service is None:
            self._api.create("services", wanted)
        elif not _same_service(wanted, service):
            kept = {"clusterIP": service["spec"]["clusterIP"]}
            version = {"resourceVersion": service["metadata"]["resourceVersion"]}
            wanted["spec"] |= kept
            wanted["metadata"] |= version
            self._api.replace("services", wanted)
        found = self._api.find("deployments", name)
        if found is None:
            self._api.create("deployments", deployment)
        else:
            self._update(deployment, found)
        self._scale(deployment, part)
        return found

    def _update(self, deployment: Object, found: Object) -> None:
        """Update what differs: reconcilers/deployment/deployment_reconciler.go:223-505."""
        deployment = deepcopy(deployment)
        annotations = found["metadata"].get("annotations") or {}
        if workloads.autoscaler_class(deployment) != "none":
            deployment["spec"]["replicas"] = found["spec"]["replicas"]
        planned = self._api.replace("deployments", deployment, dry_run=True)["spec"]
        now = dict(found["spec"])
        if annotations.get(AUTOSCALER_CLASS) != "none":
            planned.pop("replicas", None)
            now.pop("replicas", None)
        if planned != now:
            self._api.replace("deployments", deployment)

    def _scale(self, deployment: Object, part: Object) -> None:
        """reconcilers/hpa/hpa_reconciler.go:186-290."""
        name = deployment["metadata"]["name"]
        chosen = workloads.autoscaler_class(deployment)
        if chosen == "keda":
            # Nothing of this project asks for the class: its ScaledObjects are its own (external).
            raise NotImplementedError("KServe's own ScaledObjects are not played")
        found = self._api.find("horizontalpodautoscalers", name)
        wanted = workloads.autoscaler(deployment, part)
        if chosen in ("none", "external"):
            if found:
                self._api.delete("horizontalpodautoscalers", name)
        elif found is None:
            self._api.create("horizontalpodautoscalers", wanted)
        elif found["spec"] != wanted["spec"]:
            self._api.replace("horizontalpodautoscalers", wanted)

    def _ingress(self) -> None:
        """reconcilers/ingress/kube_ingress_reconciler.go:62-329."""
        for kind in ("Predictor", "Transformer"):
            needed = kind == "Predictor" or "transformer" in self._spec
            if self._makes_ingress and needed and not self.status.is_true(f"{kind}Ready"):
                self.status.mark("IngressReady", "False", f"{kind} ingress not created")
                return
        if self._makes_ingress:  # :106; what follows is done in any case
            self._write_ingress(ingress(self._service))
        self.status.fields["url"] = f"http://{domain(self._name, self._namespace)}"
        host = f"{entry_point(self._service)}.{self._namespace}.svc.cluster.local"
        self.status.fields["address"] = {"url": f"http://{host}"}
        self.status.mark("IngressReady", "True")

    def _write_ingress(self, wanted: Object) -> None:
        found = self._api.find("ingresses", self._name)
        if found is None:
            self._api.create("ingresses", wanted)
        elif found["spec"] != wanted["spec"]:  # :331-333
            self._api.replace("ingresses", wanted)

    def _knative(self) -> None:
        """A Knative Service that is ready at once.

        This is neither KServe's code nor Knative's, and no record holds it: Knative was never at
        hand. It plays no more than the fields of the status that the wait reads, which are
        those of apis/serving/v1beta1/inference_service_status.go (ComponentStatusSpec).
        """
        generation = self._service["metadata"]["generation"]
        components = ["predictor"] + ["transformer"] * ("transformer" in self._spec)
        revisions = {
            name: {"latestCreatedRevision": it, "latestReadyRevision": it}
            for name in components
            for it in [f"{self._name}-{name}-{generation:05d}"]
        }
        self.status.fields |= {"components": revisions, "url": f"http://{self._name}.example.com"}
        self.status.fields["modelStatus"] = {
            "copies": {"failedCopies": 0, "totalCopies": 1},
            "states": {"activeModelState": "Loaded", "targetModelState": "Loaded"},
            "transitionStatus": "UpToDate",
        }
        for kind in [f"{name.capitalize()}Ready" for name in components] + ["IngressReady"]:
            self.status.mark(kind, "True")
        self._write()

    def _write(self) -> None:
        """controller.go:421-456: only what has changed."""
        status = _without_empty(self.status.written())
        if status != self._service.get("status"):
            self._api.replace_status("inferenceservices", {**self._service, "status": status})


def _without_empty(value: Any) -> Any:
    """Without empty strings, which the validation of Kubernetes 1.20 takes for null."""
    if isinstance(value, dict):
        return {key: _without_empty(item) for key, item in value.items() if item != ""}
    return [_without_empty(item) for item in value] if isinstance(value, list) else value


def _same_service(wanted: Object, found: Object) -> bool:
    """reconcilers/service/service_reconciler.go:276-279."""
    return all(wanted["spec"][key] == found["spec"][key] for key in ("ports", "selector"))
