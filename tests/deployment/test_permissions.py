"""The Role for one service, as the API server decides by it, and what is done with it."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from intentflow.cli.main import main
from intentflow.cluster.client import Cluster
from intentflow.deployment import DeployOptions, deploy
from intentflow.deployment.ownership import owned
from intentflow.deployment.revisions import record
from intentflow.deployment.rollback import promote, rollback
from intentflow.errors import CheckFailed
from tests.deployment.conftest import Deployed
from tests.real_parts.kube import KubeApi, prometheus_operator
from tests.simulators.fixtures import KServe
from tests.simulators.node import Behaviour

ACCOUNT = "default-editor"
ANY = "*"

Right = tuple[str, str, str]
"""Kind with its group, verb, and name of the object where the right is limited to names."""


@dataclass(frozen=True)
class Runs:
    """The account of a pipeline's runs, in a namespace of its own.

    Attributes:
        api: The API server.
        home: Its namespace.
        target: The namespace of the service, which its Role is for.
        role: The Role.
    """

    api: KubeApi
    home: str
    target: str
    role: dict[str, Any]

    @property
    def user(self) -> str:
        """The account's name in Kubernetes."""
        return f"system:serviceaccount:{self.home}:{ACCOUNT}"

    @property
    def granted(self) -> set[Right]:
        """The rights that the Role gives."""
        return {
            (f"{group}/{kind}".lstrip("/"), verb, name)
            for rule in self.role["rules"]
            for group in rule["apiGroups"]
            for kind in rule["resources"]
            for verb in rule["verbs"]
            for name in rule.get("resourceNames", [ANY])
        }

    def used(self) -> set[Right]:
        """The rights that the account's requests took, allowed or not, from the audit log."""
        events = map(json.loads, self.api.audit_log.read_text().splitlines())
        asked = [it for it in events if it["user"]["username"] == self.user and "objectRef" in it]
        return {right for event in asked for right in self._rights(event)}

    def _rights(self, event: dict[str, Any]) -> Iterator[Right]:
        about = event["objectRef"]
        kind = "/".join(about[it] for it in ("resource", "subresource") if it in about)
        kind = f"{about.get('apiGroup', '')}/{kind}".lstrip("/")
        right = (kind, event["verb"], about.get("name", ANY))
        yield right if right in self.granted else (*right[:2], ANY)
        if event["verb"] == "patch" and event["responseStatus"]["code"] == 201:
            yield kind, "create", ANY

    def may(self, verb: str, resource: str, name: str = "", namespace: str = "") -> bool:
        """What the server answers to ``kubectl auth can-i`` about it."""
        from kubernetes.client import AuthorizationV1Api

        group, _, kind = resource.rpartition("/")
        asked = {
            "user": self.user,
            "resourceAttributes": {
                "namespace": namespace or self.target,
                "verb": verb,
                "group": group,
                "resource": kind,
                "name": name,
            },
        }
        review = AuthorizationV1Api(self.api.client()).create_subject_access_review({"spec": asked})
        return bool(review.status.allowed)

    def kubeconfig(self, folder: Path) -> str:
        """Credentials of the account."""
        from kubernetes.client import CoreV1Api

        body = {"spec": {"audiences": [self.api.server], "expirationSeconds": 600}}
        answer = CoreV1Api(self.api.client()).create_namespaced_service_account_token(
            ACCOUNT, self.home, body
        )
        return str(self.api.kubeconfig_for(answer.status.token, folder / "kubeconfig"))


@pytest.fixture
def runs(kube_api: KubeApi, namespace: str, tmp_path: Path) -> Runs:
    """The account with the Role that the command renders for the service ``banking``."""
    from kubernetes.client import CoreV1Api

    home = f"{namespace}-runs"
    core = CoreV1Api(kube_api.client())
    core.create_namespace({"metadata": {"name": home}})
    core.create_namespaced_service_account(home, {"metadata": {"name": ACCOUNT}})
    file = tmp_path / "role.yaml"
    given = ["-n", namespace, "--account", f"{home}/{ACCOUNT}", "-o", str(file)]
    assert main(["permissions", "banking", *given]) == 0
    role, binding = yaml.safe_load_all(file.read_text())
    for item in (role, binding):
        Cluster().apply(item, "tests")
    account = Runs(kube_api, home, namespace, role)
    deadline = time.monotonic() + 10
    while not account.may("list", "pods") and time.monotonic() < deadline:
        time.sleep(0.05)  # the server's authorizer learns of a Role a moment after its storage
    return account


@pytest.mark.real
@pytest.mark.parametrize(
    ("verb", "resource", "name"),
    [
        ("get", "serving.kserve.io/inferenceservices", "banking"),
        ("patch", "serving.kserve.io/inferenceservices", "banking"),
        ("delete", "serving.kserve.io/inferenceservices", "banking"),
        ("create", "serving.kserve.io/inferenceservices", ""),
        ("patch", "networking.k8s.io/networkpolicies", "banking-default-deny"),
        ("patch", "policy/poddisruptionbudgets", "banking-predictor"),
        ("list", "apps/deployments", ""),
        ("list", "pods", ""),
    ],
)
def test_the_account_may(runs: Runs, verb: str, resource: str, name: str) -> None:
    assert runs.may(verb, resource, name)


@pytest.mark.real
@pytest.mark.parametrize(
    ("verb", "resource", "name"),
    [
        ("patch", "serving.kserve.io/inferenceservices", "travel"),
        ("delete", "serving.kserve.io/inferenceservices", "travel"),
        ("delete", "networking.k8s.io/networkpolicies", "travel-default-deny"),
        ("patch", "serviceaccounts", "default"),
        ("list", "serving.kserve.io/inferenceservices", ""),
        ("get", "secrets", "intentflow-api-key"),
        ("create", "pods", ""),
        ("patch", "apps/deployments", "banking-predictor"),
        ("patch", "rbac.authorization.k8s.io/roles", "intentflow-deployer-banking"),
    ],
)
def test_the_account_may_not(runs: Runs, verb: str, resource: str, name: str) -> None:
    assert not runs.may(verb, resource, name)


@pytest.mark.real
def test_the_account_may_nothing_in_its_own_namespace(runs: Runs) -> None:
    assert not runs.may("create", "serving.kserve.io/inferenceservices", namespace=runs.home)


@pytest.fixture
def monitoring(kube_api: KubeApi) -> Iterator[None]:
    """The Prometheus operator's kinds."""
    with prometheus_operator(kube_api):
        yield


def _live(deploy_model: Callable[..., Deployed], kserve: KServe, namespace: str) -> None:
    """A failed first deployment, a model, a canary that is promoted, the way back, and much use."""
    options = {"components": ["autoscaling", "monitoring"]}
    with pytest.raises(CheckFailed):
        deploy_model(b"broken", Behaviour(crashes=True), **options)
    deploy_model(b"first", **options)
    deploy_model(b"second", canary_percent=10, **options)
    promote("banking", namespace, 60)
    rollback("banking", namespace, 60)
    service = kserve.service()
    for number in range(12):  # older revisions are deleted
        changed = {**owned(service), "spec": {"predictor": {"name": f"p{number}"}}}
        record(Cluster(), service, [changed], [])


@pytest.mark.real
def test_exactly_these_rights_are_used_from_a_first_deployment_to_a_rollback(
    deploy_model: Callable[..., Deployed],
    apply_options: DeployOptions,
    runs: Runs,
    kserve: KServe,
    monitoring: None,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("KUBECONFIG", runs.kubeconfig(tmp_path))
    _live(deploy_model, kserve, apply_options.namespace)
    assert runs.used() == runs.granted


@pytest.mark.real
def test_these_rights_are_enough_to_take_back_what_fails_and_say_why(
    published: str,
    apply_options: DeployOptions,
    write_verdict: Callable[..., Path],
    runs: Runs,
    kserve: KServe,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    kserve.node.behave("banking-predictor", Behaviour(crashes=True))
    monkeypatch.setenv("KUBECONFIG", runs.kubeconfig(tmp_path))
    with pytest.raises(CheckFailed, match="kserve-container restarted 3 times: "):
        deploy(published, apply_options, verdict_file=write_verdict())
    assert kserve.api.find("inferenceservices", "banking") is None


def _printed(capsys: pytest.CaptureFixture[str], *arguments: str) -> list[dict[str, Any]]:
    assert main(["permissions", *arguments]) == 0
    return list(yaml.safe_load_all(capsys.readouterr().out))


def test_the_role_is_printed_with_its_binding_to_an_account_elsewhere(
    capsys: pytest.CaptureFixture[str],
) -> None:
    role, binding = _printed(capsys, "banking", "-n", "bots", "--account", "team-a/default-editor")
    assert {item["metadata"]["namespace"] for item in (role, binding)} == {"bots"}
    assert binding["roleRef"]["name"] == role["metadata"]["name"] == "intentflow-deployer-banking"
    assert binding["subjects"] == [
        {"kind": "ServiceAccount", "name": "default-editor", "namespace": "team-a"}
    ]


def test_only_what_has_no_name_of_its_own_is_not_limited(
    capsys: pytest.CaptureFixture[str],
) -> None:
    role, _ = _printed(capsys, "banking", "--account", "team-a/default-editor")
    unlimited = {
        (rule["resources"][0], verb)
        for rule in role["rules"]
        if "resourceNames" not in rule
        for verb in rule["verbs"]
        if verb not in ("create", "list")
    }
    assert unlimited == {
        ("controllerrevisions", "delete"),
        ("pods/log", "get"),
        *(("scaledobjects", verb) for verb in ("get", "patch", "delete")),
    }


@pytest.mark.parametrize("account", ["default-editor", "team-a/", "/x", "Team/x", "a/b/c"])
def test_an_account_without_a_namespace_is_refused(
    account: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["permissions", "banking", "--account", account]) == 2
    assert "expected NAMESPACE/NAME" in capsys.readouterr().err
