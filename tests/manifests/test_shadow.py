"""A shadow next to the model in service, as an entry of ``spec.canary``."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from pydantic import ValidationError

from intentflow.deployment import DeployOptions, ModelFacts, render
from intentflow.deployment.annotations import canary_of
from intentflow.deployment.canary import has_canary
from intentflow.deployment.requested_pods import of_predictor
from intentflow.deployment.traffic_split import (
    requests_shared,
    share_requests,
    with_canary_in_place,
    with_shadow,
    without_shadow,
    without_share,
)
from intentflow.serving.transformer.settings import read_settings
from tests.real_parts.strict import violations

DARK = "s3://models/intent/sha256-" + "5" * 64


@pytest.fixture
def stable(facts: ModelFacts) -> ModelFacts:
    return replace(facts, uri=f"s3://models/intent/sha256-{'e' * 64}", digest="e" * 64)


@pytest.fixture
def dark(facts: ModelFacts) -> ModelFacts:
    return replace(facts, uri=DARK, digest="5" * 64)


def _service(facts: ModelFacts, **changes: Any) -> dict[str, Any]:
    options = DeployOptions.model_validate({"name": "banking", "namespace": "team-a", **changes})
    return render(facts, options, None)[-1]


def _arguments(service: dict[str, Any], flag: str) -> list[str]:
    (container,) = service["spec"]["transformer"]["containers"]
    return [argument for argument in container["args"] if argument.startswith(flag)]


def _names(service: dict[str, Any]) -> list[str]:
    return [entry["predictor"]["name"] for entry in service["spec"].get("canary", ())]


def test_shadow_is_an_entry_that_gets_no_requests(facts: ModelFacts, dark: ModelFacts) -> None:
    [entry] = with_shadow(_service(facts), _service(dark), 100)["spec"]["canary"]
    assert (entry["predictor"]["name"], entry["trafficPercent"]) == ("s55555555", 0)
    assert entry["predictor"]["model"]["storageUri"] == dark.uri


def test_transformer_understands_what_is_rendered(facts: ModelFacts, dark: ModelFacts) -> None:
    service = with_shadow(_service(facts), _service(dark), 25)
    (container,) = service["spec"]["transformer"]["containers"]
    named = {it["name"]: it.get("value", "") for it in container["env"]}
    host = ["--predictor_host", "banking-predictor.team-a"]
    settings = read_settings([*container["args"], *host], named)
    assert settings.shadow_url == "http://banking-s55555555-predictor.team-a"
    assert (settings.shadow_model_uri, settings.shadow_percent) == (dark.uri, 25)


def test_load_of_the_shadow_is_not_that_of_the_service(facts: ModelFacts, dark: ModelFacts) -> None:
    """Autoscaling counts vLLM's requests by the service's name."""
    [entry] = with_shadow(_service(facts), _service(dark), 100)["spec"]["canary"]
    assert entry["predictor"]["model"]["args"][:3] == [
        "--served-model-name",
        "5" * 64,
        "--max-model-len=2048",
    ]


@pytest.mark.parametrize("replicas", [1, 3])
def test_model_in_service_keeps_its_pods(
    facts: ModelFacts, dark: ModelFacts, replicas: int
) -> None:
    changes = {"min_replicas": replicas, "max_replicas": replicas}
    service = with_shadow(_service(facts, **changes), _service(dark, **changes), 100)
    assert of_predictor(service, None).replicas == replicas
    assert service["spec"]["canary"][0]["predictor"]["minReplicas"] == 1


def test_shadow_is_no_canary(facts: ModelFacts, dark: ModelFacts) -> None:
    service = with_shadow(_service(facts), _service(dark), 100)
    assert not has_canary(service)
    assert canary_of(service) is None
    assert requests_shared(service) is None


def test_taking_the_shadow_away_gives_the_service_back(facts: ModelFacts, dark: ModelFacts) -> None:
    before = _service(facts)
    assert without_shadow(with_shadow(before, _service(dark), 100)) == before


def test_canary_starts_next_to_the_shadow(
    facts: ModelFacts, stable: ModelFacts, dark: ModelFacts
) -> None:
    shadowed = with_shadow(_service(stable), _service(dark), 100)
    both = share_requests(shadowed, _service(facts), 10)
    assert _names(both) == ["caaaaaaaa", "s55555555"]
    assert len(_arguments(both, "--shadow_")) == len(_arguments(both, "--canary_")) == 3
    assert without_share(both) == shadowed


def test_canary_has_the_replicas_of_the_model_in_service_alone(
    facts: ModelFacts, stable: ModelFacts, dark: ModelFacts
) -> None:
    shadowed = with_shadow(_service(stable), _service(dark), 100)
    both = share_requests(shadowed, _service(facts), 10)
    assert both["spec"]["canary"][0]["predictor"]["minReplicas"] == 1
    assert of_predictor(both, None).replicas == 1


def test_promotion_keeps_the_shadow(
    facts: ModelFacts, stable: ModelFacts, dark: ModelFacts
) -> None:
    shadowed = with_shadow(_service(stable), _service(dark), 100)
    promoted = with_canary_in_place(share_requests(shadowed, _service(facts), 100))
    assert promoted["spec"]["predictor"]["model"]["storageUri"] == facts.uri
    assert _names(promoted) == ["s55555555"]
    assert of_predictor(promoted, None).replicas == 1


def test_shadow_that_becomes_a_canary_is_not_loaded_twice(
    stable: ModelFacts, dark: ModelFacts
) -> None:
    shadowed = with_shadow(_service(stable), _service(dark), 100)
    shared = share_requests(shadowed, _service(dark), 10)
    assert _names(shared) == ["c55555555"]
    assert _arguments(shared, "--shadow_") == []


def test_canary_in_shadow_gets_copies(facts: ModelFacts, stable: ModelFacts) -> None:
    shared = share_requests(_service(stable), _service(facts), 0, copied_percent=40)
    assert _names(shared) == ["caaaaaaaa"]
    assert _arguments(shared, "--shadow_") == [
        "--shadow_host=banking-caaaaaaaa-predictor.team-a",
        f"--shadow_model_uri={facts.uri}",
        "--shadow_percent=40",
    ]


def test_promoted_canary_gets_no_copies(facts: ModelFacts, stable: ModelFacts) -> None:
    shared = share_requests(_service(stable), _service(facts), 0, copied_percent=40)
    assert _arguments(with_canary_in_place(shared), "--shadow_") == []


def test_canary_and_shadow_are_rendered_together(
    facts: ModelFacts, stable: ModelFacts, dark: ModelFacts
) -> None:
    options = DeployOptions(name="banking", canary_percent=10, shadow_model=dark.uri)
    service = render(facts, options, None, stable, dark)[-1]
    assert _names(service) == ["caaaaaaaa", "s55555555"]
    assert violations(service) == []


@pytest.mark.parametrize(
    ("changes", "match"),
    [
        ({"transformer": False}, "only the transformer copies requests"),
        ({"deployment_mode": "Knative"}, "a shadow is for Standard mode"),
        ({"components": ["model-cache"]}, "the cached model"),
        ({"name": "n" * 40, "namespace": "o" * 40}, "DNS allows 63"),
    ],
)
def test_shadow_that_would_not_work_is_refused(changes: dict[str, Any], match: str) -> None:
    with pytest.raises(ValidationError, match=match):
        DeployOptions.model_validate({"shadow_model": DARK, **changes})


def test_share_of_copies_needs_somebody_to_get_them() -> None:
    with pytest.raises(ValidationError, match="set shadow_model or canary_percent"):
        DeployOptions(shadow_percent=50)
