"""A change of the model on a real API server: next to the one in service, then in its place."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from intentflow.cluster.client import Cluster
from intentflow.deployment import DeployOptions, find_endpoint
from intentflow.deployment.annotations import model_of, model_uris
from intentflow.deployment.in_service import model_in_service
from intentflow.deployment.ownership import FIELD_MANAGER, owned
from intentflow.deployment.rollback import promote, rollback
from intentflow.errors import CheckFailed
from tests.deployment.conftest import Deployed
from tests.simulators.fixtures import KServe
from tests.simulators.kserve.names import SOURCE_URI
from tests.simulators.node import Behaviour

pytestmark = pytest.mark.real

Deploy = Callable[..., Deployed]
Object = dict[str, Any]

BROKEN = Behaviour(crashes=True, words="torch.OutOfMemoryError: CUDA out of memory")
ADAPTERS = {"transformer": False, "lora_adapters": {"cards": "s3://m/cards/1"}}
TWO = {"gpu_count": 1, "min_replicas": 2, "max_replicas": 2}


def _is_ready(pod: Object) -> bool:
    conditions = (pod.get("status") or {}).get("conditions") or ()
    return any(item["type"] == "Ready" and item["status"] == "True" for item in conditions)


def _value(pod: Object, flag: str) -> str:
    """Value of an argument of a pod's container, ``--flag=value`` or ``--flag value``."""
    arguments = [str(it) for it in pod["spec"]["containers"][0]["args"]]
    for number, argument in enumerate(arguments):
        name, separator, value = argument.partition("=")
        if name == flag:
            return value if separator else arguments[number + 1]
    return ""


class Watch:
    """What was seen of a service, all the time.

    Attributes:
        unanswered: Moments in which a ready transformer had no ready pod of its model to ask.
        most: The most pods of predictors at one time.
        uids: Pods of each location of a model.
    """

    def __init__(self, kserve: KServe) -> None:
        self._kserve = kserve
        self.unanswered: list[str] = []
        self.most = 0
        self.least: dict[str, int] = {}
        self.uids: dict[str, set[str]] = {}

    def look(self) -> None:
        """Look once."""
        predictors = self._kserve.pods("predictor")
        ready: dict[str, set[str]] = {}
        for pod in predictors:
            uri = pod["metadata"]["annotations"][SOURCE_URI]
            self.uids.setdefault(uri, set()).add(pod["metadata"]["uid"])
            if _is_ready(pod):
                app = pod["metadata"]["labels"]["app"].removeprefix("isvc.")
                ready.setdefault(app, set()).add(uri)
        self.most = max(self.most, len(predictors))
        for pod in self._kserve.pods("transformer"):
            if _is_ready(pod):
                self._require_answers(pod, ready)

    def _require_answers(self, pod: Object, ready: dict[str, set[str]]) -> None:
        """Note a share of the requests that no ready pod of the right model would answer."""
        canary = int(_value(pod, "--canary_percent") or 0)
        ways = {"--predictor_host": "--model_uri"} if canary < 100 else {}
        ways |= {"--canary_host": "--canary_model_uri"} if canary else {}
        for host, uri in ways.items():
            found = ready.get(_value(pod, host).partition(".")[0], set())
            if found != {_value(pod, uri)}:
                self.unanswered.append(f"{_value(pod, host)}: {found} for {_value(pod, uri)}")


@contextmanager
def watched(kserve: KServe) -> Iterator[Watch]:
    """Look all the time until the block ends."""
    watch, stop = Watch(kserve), threading.Event()

    def run() -> None:
        while not stop.wait(0.05):
            watch.look()

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield watch
    finally:
        stop.set()
        thread.join()


def test_new_model_takes_over_without_a_gap_or_a_restart(
    deploy_model: Deploy, kserve: KServe
) -> None:
    deploy_model(b"first", **TWO)
    with watched(kserve) as watch:
        second = deploy_model(b"second", Behaviour(ready_seconds=2), **TWO).uri
        time.sleep(1)
        watch.look()
    assert watch.unanswered == []
    assert len(watch.uids[second]) == 2
    assert watch.most == 4
    predictor = kserve.service()["spec"]["predictor"]
    assert predictor["model"]["storageUri"] == second
    assert (predictor["minReplicas"], predictor["maxReplicas"]) == (2, 2)


def test_rollback_goes_the_same_way(
    deploy_model: Deploy, kserve: KServe, apply_options: DeployOptions
) -> None:
    first = deploy_model(b"first").uri
    deploy_model(b"second")
    with watched(kserve) as watch:
        rollback("banking", apply_options.namespace, 60)
        time.sleep(1)
    assert watch.unanswered == []
    assert len(watch.uids[first]) == 1
    assert kserve.service()["spec"]["predictor"]["model"]["storageUri"] == first


def test_promotion_of_a_share_goes_the_same_way(
    deploy_model: Deploy, kserve: KServe, apply_options: DeployOptions
) -> None:
    deploy_model(b"first", **TWO)
    with watched(kserve) as watch:
        second = deploy_model(b"second", canary_percent=10, **TWO).uri
        promote("banking", apply_options.namespace, 60)
        time.sleep(1)
    assert watch.unanswered == []
    assert len(watch.uids[second]) == 2


def test_new_model_that_fails_is_taken_away_and_nothing_else_has_changed(
    deploy_model: Deploy, kserve: KServe
) -> None:
    first = deploy_model(b"first").uri
    before = kserve.service()
    pods = {it["metadata"]["uid"] for it in kserve.pods("predictor")}
    with watched(kserve) as watch:
        with pytest.raises(CheckFailed, match=r"restarted 3 times.*previous revision was restored"):
            deploy_model(b"second", BROKEN)
        time.sleep(1)
    after = kserve.service()
    assert watch.unanswered == []
    assert watch.uids[first] == pods
    assert (after["spec"], after["metadata"]["annotations"]) == (
        before["spec"],
        before["metadata"]["annotations"],
    )


def test_failure_after_the_former_model_is_gone_brings_it_back_the_same_way(
    deploy_model: Deploy, kserve: KServe, monkeypatch: pytest.MonkeyPatch
) -> None:
    from intentflow.deployment import rollout

    first = deploy_model(b"first").uri
    original = rollout.put

    def fail_last(cluster: Any, stage: Any, *rest: Any) -> Any:
        state = original(cluster, stage, *rest)
        if stage.title.endswith("replaces the former one"):
            raise CheckFailed("the transformer failed")
        return state

    monkeypatch.setattr(rollout, "put", fail_last)
    with watched(kserve) as watch:
        with pytest.raises(CheckFailed, match="the previous revision was restored"):
            deploy_model(b"second")
        time.sleep(1)
    assert watch.unanswered == []
    assert kserve.service()["spec"]["predictor"]["model"]["storageUri"] == first


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"deployment_strategy": "Recreate"}, "deployment_strategy: Recreate"),
        ({"transformer": False}, "there is no transformer to lead the requests over"),
        (ADAPTERS, "KServe does not load LoRA adapters for a second predictor"),
        ({"components": ["model-cache"]}, "KServe would give a second predictor the cached model"),
        ({"deployment_mode": "Knative"}, "Knative replaces a revision"),
    ],
)
def test_change_in_place_says_why_first(
    deploy_model: Deploy,
    kserve: KServe,
    capsys: pytest.CaptureFixture[str],
    options: Object,
    reason: str,
) -> None:
    deploy_model(b"first", **options)
    second = deploy_model(b"second", **options).uri
    lines = capsys.readouterr().err.splitlines()
    gap = f"banking: the model changes in place ({reason}"
    [warned] = [number for number, line in enumerate(lines) if gap in line]
    applied = [number for number, line in enumerate(lines) if "applied InferenceService" in line]
    assert applied[0] < warned < applied[1]
    assert model_uris(kserve.service())[0] == second
    assert "canary" not in kserve.service()["spec"]


def test_other_adapters_are_waited_for(deploy_model: Deploy, kserve: KServe) -> None:
    deploy_model(b"first", **ADAPTERS)
    kserve.node.behave("banking-predictor", Behaviour(ready_seconds=2))
    deploy_model(b"first", **{**ADAPTERS, "lora_adapters": {"cards": "s3://m/cards/2"}})
    [pod] = kserve.pods("predictor")
    assert "s3://m/cards/2" in pod["spec"]["initContainers"][0]["args"]
    assert _is_ready(pod)


def test_a_model_changes_in_place_where_the_former_one_comes_from_a_cache(
    deploy_model: Deploy, kserve: KServe, capsys: pytest.CaptureFixture[str]
) -> None:
    deploy_model(b"first")
    # As KServe's webhook marks it while a LocalModelCache has its address.
    labels = {"internal.serving.kserve.io/localmodel": "intentflow-0123456789abcdef"}
    kserve.api.merge("inferenceservices", "banking", {"metadata": {"labels": labels}})
    deploy_model(b"second")
    assert "KServe would give a second predictor the cached model" in capsys.readouterr().err


@pytest.fixture
def first(deploy_model: Deploy, kserve: KServe) -> str:
    """A service as an earlier release left it: it states the model itself; returns its URI."""
    uri = deploy_model(b"first").uri
    applied = owned(kserve.service())
    stated = applied["spec"]["predictor"].pop("annotations")
    applied["metadata"]["annotations"] |= stated
    Cluster().apply(applied, FIELD_MANAGER)
    kserve.until_ready()
    return uri


def test_model_that_is_stated_on_the_service_is_found(
    first: str, apply_options: DeployOptions
) -> None:
    found = find_endpoint("banking", apply_options.namespace)
    assert first.endswith(found.model_digest or "none")
    assert model_in_service(apply_options) == first


def test_model_that_is_stated_on_the_service_is_replaced(
    first: str, deploy_model: Deploy, kserve: KServe
) -> None:
    second = deploy_model(b"second").uri
    service = kserve.service()
    assert second.endswith(model_of(service).model_digest)
    assert "intentflow.dev/model-digest" not in service["metadata"]["annotations"]


def test_model_that_is_stated_on_the_service_is_brought_back(
    first: str, deploy_model: Deploy, kserve: KServe, apply_options: DeployOptions
) -> None:
    deploy_model(b"second")
    done = rollback("banking", apply_options.namespace, 60)
    assert first.endswith(done.model_digest)
    assert model_in_service(apply_options) == first


def test_model_that_is_stated_on_the_service_has_a_canary_next_to_it(
    first: str, deploy_model: Deploy, kserve: KServe, apply_options: DeployOptions
) -> None:
    second = deploy_model(b"second", canary_percent=10).uri
    assert first.endswith(model_of(kserve.service()).model_digest)
    promote("banking", apply_options.namespace, 60)
    assert second.endswith(model_of(kserve.service()).model_digest)


def test_canary_of_another_taxonomy_is_refused_in_knative_mode(
    deploy_model: Deploy, model_directory: Path
) -> None:
    deploy_model(b"first", deployment_mode="Knative")
    (model_directory / "taxonomy.yaml").write_text("intents: {play_music: {}}\n")
    with pytest.raises(Exception, match="needs the prompt, taxonomy and calibration of the model"):
        deploy_model(b"second", deployment_mode="Knative", canary_percent=10)
