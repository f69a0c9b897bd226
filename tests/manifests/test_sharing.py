"""A canary next to the model in service."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from intentflow.deployment import DeployOptions, ModelFacts, render
from intentflow.deployment.traffic_split import (
    requests_shared,
    share_requests,
    with_canary_in_place,
    without_share,
)
from intentflow.errors import IntentflowError


@pytest.fixture
def stable(facts: ModelFacts) -> ModelFacts:
    return replace(facts, uri=f"s3://models/intent/sha256-{'e' * 64}", digest="e" * 64)


def _service(facts: ModelFacts, **changes: Any) -> dict[str, Any]:
    options = DeployOptions.model_validate({"name": "banking", "namespace": "team-a", **changes})
    return render(facts, options, None)[-1]


def test_transformer_shares_requests_out(facts: ModelFacts, stable: ModelFacts) -> None:
    shared = share_requests(_service(stable), _service(facts), 10)
    (container,) = shared["spec"]["transformer"]["containers"]
    assert container["args"][-3:] == [
        "--canary_host=banking-caaaaaaaa-predictor.team-a",
        f"--canary_model_uri={facts.uri}",
        "--canary_percent=10",
    ]


def test_routes_do_not_lead_past_the_transformer(facts: ModelFacts, stable: ModelFacts) -> None:
    (canary,) = share_requests(_service(stable), _service(facts), 10)["spec"]["canary"]
    assert canary["trafficPercent"] == 0


def test_without_a_transformer_a_later_kserve_shares_requests_out(
    facts: ModelFacts, stable: ModelFacts
) -> None:
    services = (_service(it, transformer=False) for it in (stable, facts))
    (canary,) = share_requests(*services, 10, kserve_splits=True)["spec"]["canary"]
    assert canary["trafficPercent"] == 10


def test_a_share_that_nobody_would_give_is_refused(facts: ModelFacts, stable: ModelFacts) -> None:
    services = (_service(it, transformer=False) for it in (stable, facts))
    with pytest.raises(IntentflowError, match="would give its canary no traffic"):
        share_requests(*services, 10)


def test_a_dark_canary_needs_nobody_to_share(facts: ModelFacts, stable: ModelFacts) -> None:
    services = (_service(it, transformer=False) for it in (stable, facts))
    (canary,) = share_requests(*services, 0)["spec"]["canary"]
    assert canary["trafficPercent"] == 0


@pytest.mark.parametrize(
    ("version", "splits"), [("0.20.0", False), ("0.19", False), ("0.21.0", True), ("1.0", True)]
)
def test_kserve_shares_out_by_itself_after_0_20(version: str, splits: bool) -> None:
    assert DeployOptions(kserve_version=version).kserve_splits is splits


@pytest.mark.parametrize("changes", [{}, {"transformer": False}])
def test_the_share_can_be_read_back(
    changes: dict[str, Any], facts: ModelFacts, stable: ModelFacts
) -> None:
    services = (_service(it, **changes) for it in (stable, facts))
    assert requests_shared(share_requests(*services, 15, kserve_splits=True)) == 15


def test_a_service_without_canary_shares_nothing(facts: ModelFacts) -> None:
    assert requests_shared(_service(facts)) is None


def test_model_in_service_stays_as_it_is(facts: ModelFacts, stable: ModelFacts) -> None:
    before = _service(stable)
    shared = share_requests(before, _service(facts), 10)["spec"]["predictor"]
    # KServe subtracts the canary's replica.
    replicas = {key: shared.pop(key) for key in ("minReplicas", "maxReplicas")}
    assert replicas == {"minReplicas": 2, "maxReplicas": 2}
    assert shared == {
        key: value for key, value in before["spec"]["predictor"].items() if key not in replicas
    }


def test_canary_has_as_many_replicas_as_the_model_in_service(
    facts: ModelFacts, stable: ModelFacts
) -> None:
    changes = {"components": ["autoscaling"], "min_replicas": 4}
    services = (_service(it, **changes) for it in (stable, facts))
    predictor = share_requests(*services, 30)["spec"]["canary"][0]["predictor"]
    assert predictor["minReplicas"] == 4
    assert not {"maxReplicas", "autoScaling"} & set(predictor)


def test_canary_of_a_service_that_kserve_scales_has_no_autoscaler(
    facts: ModelFacts, stable: ModelFacts
) -> None:
    before = _service(stable)
    del before["metadata"]["annotations"]["serving.kserve.io/autoscalerClass"]
    shared = share_requests(before, _service(facts), 10)["spec"]
    annotations = shared["canary"][0]["predictor"]["annotations"]
    assert annotations["serving.kserve.io/autoscalerClass"] == "none"
    assert shared["predictor"] == before["spec"]["predictor"]


@pytest.mark.parametrize("transformer", [True, False])
def test_taking_the_canary_away_gives_the_service_back(
    facts: ModelFacts, stable: ModelFacts, transformer: bool
) -> None:
    before = _service(stable, transformer=transformer)
    candidate = _service(facts, transformer=transformer)
    shared = share_requests(before, candidate, 10, kserve_splits=True)
    assert without_share(shared) == before


def test_promoted_canary_is_the_predictor_that_was_rendered(
    facts: ModelFacts, stable: ModelFacts
) -> None:
    candidate = _service(facts)
    promoted = with_canary_in_place(share_requests(_service(stable), candidate, 100))
    assert promoted["spec"]["predictor"].pop("name") == "caaaaaaaa"
    assert promoted == candidate


def test_another_share_replaces_the_former(facts: ModelFacts, stable: ModelFacts) -> None:
    before, candidate = _service(stable), _service(facts)
    twice = share_requests(share_requests(before, candidate, 10), candidate, 50)
    assert twice == share_requests(before, candidate, 50)


def test_promoted_model_that_is_tried_again_has_another_name(
    facts: ModelFacts, stable: ModelFacts
) -> None:
    before = _service(stable)
    before["spec"]["predictor"]["name"] = "caaaaaaaa"
    (canary,) = share_requests(before, _service(facts), 10)["spec"]["canary"]
    assert canary["predictor"]["name"] == "caaaaaaaab"


def test_adapters_have_no_canary(facts: ModelFacts, stable: ModelFacts) -> None:
    before = _service(stable, lora_adapters={"cards": "s3://m/cards"}, transformer=False)
    with pytest.raises(IntentflowError, match="LoRA adapters for canaries"):
        share_requests(before, _service(facts), 0)


def test_files_hold_both_models(facts: ModelFacts, stable: ModelFacts) -> None:
    options = DeployOptions(canary_percent=10)
    objects = render(facts, options, None, stable)
    service = objects[-1]
    assert service["spec"]["predictor"]["model"]["storageUri"] == stable.uri
    assert service["spec"]["canary"][0]["predictor"]["model"]["storageUri"] == facts.uri


def test_files_do_not_vouch_for_the_model_in_service(facts: ModelFacts, stable: ModelFacts) -> None:
    service = render(facts, DeployOptions(canary_percent=10), None, stable)[-1]
    stated = service["spec"]["predictor"]["annotations"]
    assert stated["intentflow.dev/model-digest"] == stable.digest
    assert "intentflow.dev/verdict" not in stated
    stated = service["spec"]["canary"][0]["predictor"]["annotations"]
    assert stated["intentflow.dev/verdict"] == "unverified"
    assert stated["intentflow.dev/model-digest"] == facts.digest


def test_knative_keeps_the_former_model_in_the_cluster(
    facts: ModelFacts, stable: ModelFacts
) -> None:
    options = DeployOptions(canary_percent=10, deployment_mode="Knative")
    with pytest.raises(IntentflowError, match="use mode apply"):
        render(facts, options, None, stable)
