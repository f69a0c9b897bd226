"""``kube_api``: a real kube-apiserver with etcd and CRDs; ``kube_controllers``: next to it a real
kube-controller-manager and kube-scheduler."""

from __future__ import annotations

import json
import os
import ssl
import subprocess
import time
import uuid
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.real_parts.crds import for_1_20, known_kinds, load_crd
from tests.real_parts.process import CACHE, answers, free_port, program, running, unavailable

_START_SECONDS = 120
# What service accounts ask for; the file is complete when a request is answered.
_AUDIT_POLICY = {
    "apiVersion": "audit.k8s.io/v1",
    "kind": "Policy",
    "omitStages": ["RequestReceived"],
    "rules": [
        {"level": "Metadata", "userGroups": ["system:serviceaccounts"]},
        {"level": "None"},
    ],
}


def _open_crd(group: str, version: str, kind: str) -> dict[str, Any]:
    """A definition that takes every field, of an operator whose own is not at hand."""
    plural = f"{kind.lower()}s"
    schema = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{plural}.{group}"},
        "spec": {
            "group": group,
            "scope": "Namespaced",
            "names": {"kind": kind, "plural": plural, "singular": kind.lower()},
            "versions": [
                {
                    "name": version,
                    "served": True,
                    "storage": True,
                    "schema": {"openAPIV3Schema": schema},
                }
            ],
        },
    }


_SCALED_OBJECTS = _open_crd("keda.sh", "v1alpha1", "ScaledObject")
_OF_PROMETHEUS = [
    _open_crd("monitoring.coreos.com", "v1", kind) for kind in ("PodMonitor", "PrometheusRule")
]


@dataclass(frozen=True)
class KubeApi:
    """A running API server.

    Attributes:
        kubeconfig: An administrator's.
        server: Its URL.
        certificate: The file that verifies it.
        accounts_key: The key of service accounts' tokens.
        audit_log: Requests of service accounts, a JSON object a line.
    """

    kubeconfig: Path
    server: str
    certificate: Path
    accounts_key: Path
    audit_log: Path

    def client(self) -> Any:
        """An administrator's client, for what controllers would do."""
        from kubernetes import config
        from kubernetes.client import ApiClient, Configuration

        configuration = Configuration()
        config.load_kube_config(str(self.kubeconfig), client_configuration=configuration)
        return ApiClient(configuration)

    def kubeconfig_for(self, token: str, target: Path) -> Path:
        """A kubeconfig of whoever has this token."""
        target.write_text(yaml.safe_dump(_kubeconfig(self.server, self.certificate, token)))
        return target


@pytest.fixture(scope="session")
def kube_api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[KubeApi]:
    """An API server for the complete session, with RBAC and without controllers."""
    etcd, apiserver = _program("etcd"), _program("kube-apiserver")
    crds = [for_1_20(load_crd(*kind)) for kind in known_kinds()] + [_SCALED_OBJECTS]
    root = tmp_path_factory.mktemp("kube")
    with ExitStack() as servers:
        etcd_url = servers.enter_context(_etcd(etcd, root))
        api = servers.enter_context(_api_server(apiserver, root, etcd_url))
        _install(api, crds)
        yield api


@pytest.fixture(scope="module")
def kube_controllers(
    kube_api: KubeApi, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[KubeApi]:
    """The controllers of Deployments, ReplicaSets, quotas and garbage, and the scheduler.

    They run for one module: elsewhere tests make pods that nobody may schedule.
    """
    root = tmp_path_factory.mktemp("controllers")
    common = {"kubeconfig": kube_api.kubeconfig, "leader-elect": "false", "port": 0}
    manager = {
        "controllers": "deployment,replicaset,garbagecollector,resourcequota",
        "service-account-private-key-file": kube_api.accounts_key,
        "root-ca-file": kube_api.certificate,
        "use-service-account-credentials": "false",
        "concurrent-gc-syncs": 4,
    }
    with ExitStack() as programs:
        for name, flags in (("kube-controller-manager", manager), ("kube-scheduler", {})):
            port = free_port()
            flags = common | flags | {"secure-port": port, "cert-dir": root / name}
            command: list[str | Path] = [_program(name), *_as_flags(flags)]
            context = ssl._create_unverified_context()
            ready = partial(answers, f"https://127.0.0.1:{port}/healthz", context=context)
            programs.enter_context(running(command, root / f"{name}.log", ready))
        yield kube_api


@contextmanager
def prometheus_operator(kube_api: KubeApi) -> Iterator[None]:
    """The kinds of the Prometheus operator, which other tests miss, until the block ends."""
    from kubernetes.client import ApiextensionsV1Api

    _install(kube_api, _OF_PROMETHEUS)
    try:
        yield
    finally:
        extensions = ApiextensionsV1Api(kube_api.client())
        names = {crd["metadata"]["name"] for crd in _OF_PROMETHEUS}
        for name in names:
            extensions.delete_custom_resource_definition(name)
        while names & {it.metadata.name for it in _definitions(extensions)}:
            time.sleep(0.2)


@contextmanager
def without_spec_field(kube_api: KubeApi, crd: str, version: str, field: str) -> Iterator[None]:
    """Take a field out of the ``spec`` of a CRD, as an older release had it."""
    from kubernetes.client import ApiextensionsV1Api

    extensions = ApiextensionsV1Api(kube_api.client())
    found = json.loads(extensions.read_custom_resource_definition(crd, _preload_content=False).data)
    versions = found["spec"]["versions"]
    place = next(i for i, item in enumerate(versions) if item["name"] == version)
    fields = versions[place]["schema"]["openAPIV3Schema"]["properties"]["spec"]["properties"]
    root = f"/spec/versions/{place}/schema/openAPIV3Schema/properties/spec/properties"

    def patch(**operation: Any) -> None:
        change = {"path": f"{root}/{field}", **operation}
        extensions.patch_custom_resource_definition(crd, [change])
        time.sleep(2)  # until the server answers by the new schema

    patch(op="remove")
    try:
        yield
    finally:
        patch(op="add", value=fields[field])


def _program(name: str) -> Path:
    assets = Path(os.environ.get("KUBEBUILDER_ASSETS") or CACHE / "envtest")
    return program(assets / name, "envtest")


@pytest.fixture
def namespace(kube_api: KubeApi, monkeypatch: pytest.MonkeyPatch) -> str:
    """A namespace of one's own; ``KUBECONFIG`` is the administrator's."""
    from kubernetes.client import CoreV1Api

    name = f"test-{uuid.uuid4().hex[:8]}"
    CoreV1Api(kube_api.client()).create_namespace({"metadata": {"name": name}})
    monkeypatch.setenv("KUBECONFIG", str(kube_api.kubeconfig))
    speak_1_20(monkeypatch)
    return name


def speak_1_20(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let this process ask for the versions of the tests' server.

    This server has PodDisruptionBudget as policy/v1beta1, with the same fields as policy/v1.
    """
    from kubernetes.dynamic import DynamicClient
    from kubernetes.dynamic.discovery import LazyDiscoverer

    find, request = LazyDiscoverer.get, DynamicClient.request
    old = {"policy/v1": "policy/v1beta1"}

    def find_older(self: Any, **wanted: Any) -> Any:
        version: Any = wanted.get("api_version")
        return find(self, **{**wanted, "api_version": old.get(version, version)})

    def request_older(self: Any, method: str, path: str, body: Any = None, **params: Any) -> Any:
        if isinstance(body, dict) and body.get("apiVersion") in old:
            body = {**body, "apiVersion": old[body["apiVersion"]]}
        return request(self, method, path, body=body, **params)

    monkeypatch.setattr(LazyDiscoverer, "get", find_older)
    monkeypatch.setattr(DynamicClient, "request", request_older)


@contextmanager
def _etcd(program_file: Path, root: Path) -> Iterator[str]:
    url = f"http://127.0.0.1:{free_port()}"
    flags = {
        "data-dir": root / "etcd",
        "listen-client-urls": url,
        "advertise-client-urls": url,
        "listen-peer-urls": "http://127.0.0.1:0",
    }
    command: list[str | Path] = [program_file, "--unsafe-no-fsync", *_as_flags(flags)]
    with running(command, root / "etcd.log", lambda: answers(f"{url}/health")):
        yield url


@contextmanager
def _api_server(program_file: Path, root: Path, etcd_url: str) -> Iterator[KubeApi]:
    port, token = free_port(), uuid.uuid4().hex
    server = f"https://127.0.0.1:{port}"
    (root / "tokens.csv").write_text(f'{token},admin,admin,"system:masters"\n')
    subprocess.run(
        ["openssl", "genrsa", "-out", root / "accounts.key", "2048"],
        check=True,
        capture_output=True,
    )
    (root / "audit.yaml").write_text(yaml.safe_dump(_AUDIT_POLICY))
    flags = {
        "audit-policy-file": root / "audit.yaml",
        "audit-log-path": root / "audit.log",
        "audit-log-mode": "blocking",
        "etcd-servers": etcd_url,
        "bind-address": "127.0.0.1",
        "secure-port": port,
        "insecure-port": 0,
        "cert-dir": root / "certificates",
        "token-auth-file": root / "tokens.csv",
        "authorization-mode": "RBAC",
        "service-account-issuer": server,
        "service-account-key-file": root / "accounts.key",
        "service-account-signing-key-file": root / "accounts.key",
        "service-cluster-ip-range": "10.0.0.0/24",
        # No controllers here: none would make the account that a pod needs.
        "disable-admission-plugins": "ServiceAccount",
        # Pods of a namespace tolerate what its annotation lists: a node can be one namespace's.
        "enable-admission-plugins": "PodTolerationRestriction",
    }
    command: list[str | Path] = [program_file, *_as_flags(flags)]
    context = ssl._create_unverified_context()  # the certificate is made while it starts
    ready = f"{server}/readyz"
    with running(
        command,
        root / "apiserver.log",
        lambda: answers(ready, context=context),
        timeout_seconds=_START_SECONDS,
    ):
        certificate = root / "certificates/apiserver.crt"
        kubeconfig = root / "kubeconfig"
        kubeconfig.write_text(yaml.safe_dump(_kubeconfig(server, certificate, token)))
        yield KubeApi(kubeconfig, server, certificate, root / "accounts.key", root / "audit.log")


def _as_flags(flags: dict[str, Any]) -> list[str]:
    return [f"--{key}={value}" for key, value in flags.items()]


def _install(api: KubeApi, crds: list[dict[str, Any]]) -> None:
    from kubernetes.client import ApiextensionsV1Api

    extensions = ApiextensionsV1Api(api.client())
    for crd in crds:
        extensions.create_custom_resource_definition(crd)
    deadline = time.monotonic() + _START_SECONDS
    waiting = {crd["metadata"]["name"] for crd in crds}
    while waiting:
        if time.monotonic() > deadline:
            unavailable(f"the API server did not take {', '.join(sorted(waiting))}")
        for item in _definitions(extensions):
            conditions = {c.type: c.status for c in item.status.conditions or ()}
            if conditions.get("Established") == "True":
                waiting.discard(item.metadata.name)
        time.sleep(0.2)


def _definitions(extensions: Any) -> list[Any]:
    return list(extensions.list_custom_resource_definition().items)


def _kubeconfig(server: str, certificate: Path, token: str) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "tests",
        "clusters": [
            {
                "name": "tests",
                "cluster": {"server": server, "certificate-authority": str(certificate)},
            }
        ],
        "users": [{"name": "tests", "user": {"token": token}}],
        "contexts": [{"name": "tests", "context": {"cluster": "tests", "user": "tests"}}],
    }
