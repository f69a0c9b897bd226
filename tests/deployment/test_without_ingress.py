"""A service where KServe makes no Ingress, so that its Ready does not wait for the transformer."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from intentflow.deployment import DeployOptions, deploy
from intentflow.deployment.readiness import readiness
from tests.simulators.fixtures import KServe
from tests.simulators.node import Behaviour

pytestmark = pytest.mark.real


def test_a_deployment_is_done_when_the_transformer_is(
    published: str,
    apply_options: DeployOptions,
    write_verdict: Callable[..., Path],
    kserve: KServe,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    kserve.controller.makes_ingress = False
    kserve.node.behave("transformer", Behaviour(ready_seconds=4))
    seen: list[tuple[str, bool]] = []

    def look(service: dict[str, object]) -> object:
        state = readiness(service)
        conditions = service.get("status", {}).get("conditions", ())  # type: ignore[attr-defined]
        ready = next((it["status"] for it in conditions if it["type"] == "Ready"), "")
        seen.append((ready, state.ready))
        return state

    monkeypatch.setattr("intentflow.deployment.readiness.readiness", look)
    deploy(published, apply_options, verdict_file=write_verdict())

    assert ("True", False) in seen  # KServe's Ready came before the transformer
    [transformer] = kserve.pods("transformer")
    conditions = {it["type"]: it["status"] for it in transformer["status"]["conditions"]}
    assert conditions["Ready"] == "True"
    assert kserve.api.list_objects("ingresses") == []
