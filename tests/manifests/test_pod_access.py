"""How the rendered pods come to the object storage: keys, a role, certificates, the download."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from intentflow.deployment import DeployOptions, ModelFacts, render
from intentflow.deployment.kustomize import mappings
from intentflow.deployment.rendering import to_yaml
from intentflow.errors import IntentflowError
from tests.manifests.pod_security import restricted_violations
from tests.real_parts.strict import is_custom, violations

ROOT = Path(__file__).parents[2] / "manifests"
ROLE = {"eks.amazonaws.com/role-arn": "arn:aws:iam::1:role/banking"}
Objects = list[dict[str, Any]]


def _objects(facts: ModelFacts, **more: Any) -> Objects:
    given = {"name": "banking", "namespace": "team-a", "rollout_job": True, **more}
    return render(facts, DeployOptions.model_validate(given), None)


def _pods(objects: Objects) -> Objects:
    """The transformer's pod and the Job's."""
    [job] = [item for item in objects if item["kind"] == "Job"]
    return [objects[-1]["spec"]["transformer"], job["spec"]["template"]["spec"]]


def _account(objects: Objects) -> dict[str, Any]:
    return next(item for item in objects if item["kind"] == "ServiceAccount")


def test_a_role_replaces_the_keys_everywhere(facts: ModelFacts) -> None:
    objects = _objects(facts, s3_secret=None, service_account_annotations=ROLE)
    text = to_yaml(objects)
    assert "intentflow-s3" not in text
    assert "AWS_ACCESS_KEY_ID" not in text
    assert _account(objects)["metadata"]["annotations"] == ROLE


def test_an_account_names_no_secret_that_does_not_exist(facts: ModelFacts) -> None:
    """KServe refuses its pods (service_account_credentials.go:201-214 of v0.20.0)."""
    assert "secrets" not in _account(_objects(facts, s3_secret=None))


def test_tokens_stay_where_keys_go(facts: ModelFacts) -> None:
    for pod in _pods(_objects(facts, s3_secret=None)):
        secrets = [it["secretKeyRef"]["name"] for it in mappings(pod) if "secretKeyRef" in it]
        assert secrets == ["intentflow-api-key"]


def test_the_transformer_takes_the_key_of_persons_from_a_secret(facts: ModelFacts) -> None:
    given = {"person_key_secret": "persons", "person_key_secret_key": "hashes"}
    transformer, job = _pods(_objects(facts, **given))
    [container] = transformer["containers"]
    variables = {it["name"]: it.get("valueFrom") for it in container["env"]}
    expected = {"secretKeyRef": {"name": "persons", "key": "hashes"}}
    assert variables["INTENTFLOW_PERSON_KEY"] == expected
    assert "INTENTFLOW_PERSON_KEY" not in str(job)


def test_without_that_secret_the_transformer_has_no_key_of_persons(facts: ModelFacts) -> None:
    assert "INTENTFLOW_PERSON_KEY" not in to_yaml(_objects(facts))


def test_a_key_of_persons_needs_a_transformer() -> None:
    with pytest.raises(IntentflowError, match="person_key_secret: only the transformer"):
        DeployOptions.from_layers(None, ["person_key_secret=persons", "transformer=false"])


def test_an_existing_account_is_annotated_by_its_owner() -> None:
    with pytest.raises(IntentflowError, match="an existing service_account is not rendered"):
        DeployOptions.from_layers(
            None, ["service_account=own", "service_account_annotations={role: nlu}"]
        )


def test_certificates_are_mounted_and_named(facts: ModelFacts) -> None:
    for pod in _pods(_objects(facts, ca_config_map="our-ca")):
        [container] = pod["containers"]
        [name] = [it["name"] for it in pod["volumes"] if it.get("configMap") == {"name": "our-ca"}]
        [mount] = [it for it in container["volumeMounts"] if it["name"] == name]
        variables = {it["name"]: it.get("value") for it in container["env"]}
        assert variables["SSL_CERT_FILE"] == f"{mount['mountPath']}/cabundle.crt"
        assert "subPath" not in mount


def test_without_certificates_nothing_is_mounted(facts: ModelFacts) -> None:
    assert "SSL_CERT_FILE" not in to_yaml(_objects(facts))


def test_the_download_has_the_container_that_is_named(facts: ModelFacts) -> None:
    service = _objects(facts, storage_container="intentflow-restricted")[-1]
    assert service["spec"]["predictor"]["storageContainerName"] == "intentflow-restricted"
    assert violations(service) == []


def _storage_container() -> dict[str, Any]:
    file = ROOT / "storage-container/clusterstoragecontainer.yaml"
    found: dict[str, Any] = yaml.safe_load(file.read_text())
    return found


def test_the_download_passes_where_restricted_is_enforced(facts: ModelFacts) -> None:
    pod = _objects(facts)[-1]["spec"]["predictor"]
    container = _storage_container()["spec"]["container"]
    assert restricted_violations({**pod, "containers": [container]}) == []


def test_kserves_own_download_does_not_pass(facts: ModelFacts) -> None:
    """As recorded: the container in the pods of a first deployment has no security context."""
    pod = _objects(facts)[-1]["spec"]["predictor"]
    container = {"name": "storage-initializer", "image": "kserve/storage-initializer:v0.20.0"}
    assert restricted_violations({**pod, "containers": [container]}) == [
        "storage-initializer: allowPrivilegeEscalation",
        "storage-initializer: capabilities.drop",
    ]


def test_the_storage_container_passes_the_strict_check() -> None:
    assert is_custom(_storage_container())
    assert violations(_storage_container()) == []


def test_the_storage_container_is_named_as_the_option_documents() -> None:
    description = DeployOptions.model_fields["storage_container"].description or ""
    assert "manifests/storage-container" in description
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    assert f"storage_container={_storage_container()['metadata']['name']}" in text
