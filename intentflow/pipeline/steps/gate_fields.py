"""Fields of the gate, apart from its function: recipes in the registry have them, too."""

from __future__ import annotations

import shlex
from typing import Annotated

from pydantic import Field

from intentflow.config import Flag, Place, StrictModel, from_file
from intentflow.gating.policy import GatePolicy


class GateRules(StrictModel):
    """The policy, and which of its sets of rules."""

    policy: Annotated[
        GatePolicy, from_file(GatePolicy.from_yaml, GatePolicy), Place(), Flag(metavar="F")
    ] = Field(description="The gate's policy, YAML")
    policy_name: Annotated[str, Flag("--name")] = Field(
        "",
        description="Name of a set of rules in the policy, such as production; by default its own",
    )


class GateConfig(GateRules):
    """Configuration of the gate.

    Example:
        >>> import intentflow
        >>> from pathlib import Path
        >>> rules = "policies: {live: {minimum_rows: 200, metrics: {intent_accuracy: {min: 0.9}}}}"
        >>> _ = Path("gate.yaml").write_text(rules)
        >>> _ = Path("metrics.json").write_text('{"n": 150, "intent_accuracy": 0.93}')
        >>> config = intentflow.GateConfig(policy="gate.yaml", policy_name="live")
        >>> intentflow.gate("metrics.json", config).reasons
        ['150 rows were scored; the policy asks for at least 200']
    """

    vllm_version: Annotated[str | None, Flag(metavar="TAG")] = Field(
        None, description="Tag of vLLM's image; that of manifests/base unless set"
    )
    vllm_args: Annotated[list[str], Flag(metavar="ARGS", read=shlex.split)] = Field(
        [], description="Further arguments of the vLLM server"
    )
