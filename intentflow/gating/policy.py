"""The gate's policy in YAML: one set of rules, or several by name."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, Field, WithJsonSchema, model_validator

from intentflow.artifacts.baselines import BASELINE_NAMES
from intentflow.artifacts.behaviour import BehaviourKind
from intentflow.artifacts.metrics import COMPARABLE, METRICS, OUTCOME_OF, SHARES
from intentflow.artifacts.scores import HEADLINE
from intentflow.config import StrictModel, nearest
from intentflow.errors import InputError, IntentflowError
from intentflow.evaluation.scores import unknown_metric

_ACCURACIES = tuple(OUTCOME_OF)
Rate = Annotated[float, Field(ge=0, le=1)]
Confidence = Annotated[float, Field(gt=0.5, lt=1)]


def _known(name: str, what: str, names: Iterable[str]) -> str:
    if name not in names:
        guess = nearest(name, names)
        hint = f"did you mean {guess}?" if guess else f"there are {', '.join(names)}"
        raise ValueError(f"there is no {what} {name}; {hint}")
    return name


def _comparable(name: str) -> str:
    return _known(name, "score to compare by called", COMPARABLE)


def _baseline(name: str) -> str:
    return _known(name, "baseline", BASELINE_NAMES)


def _headline(name: str) -> str:
    return _known(name, "score of baselines called", HEADLINE)


Comparable = Annotated[str, AfterValidator(_comparable)]
Headline = Annotated[
    str, AfterValidator(_headline), WithJsonSchema({"type": "string", "enum": list(HEADLINE)})
]
Baseline = Annotated[str, AfterValidator(_baseline)]


class Limit(StrictModel):
    """A minimum, a maximum, or both, for one metric."""

    min: float | None = Field(None, description="The metric must be at least this")
    max: float | None = Field(None, description="The metric must be at most this")
    bound: bool = Field(
        False,
        description="Compare an end of the metric's 95 % interval instead of its value: the lower "
        "one for min, the upper one for max",
    )

    @model_validator(mode="after")
    def _has_a_limit(self) -> Self:
        if self.min is None and self.max is None:
            raise ValueError("give min, max or both")
        if self.min is not None and self.max is not None and self.min > self.max:
            raise ValueError(f"min {self.min} is above max {self.max}")
        return self


class IntentLimit(StrictModel):
    """A minimum for every intent that has enough rows."""

    min: float = Field(ge=0, le=1, description="Minimum for each such intent")
    support: int = Field(20, ge=1, description="Intents with fewer gold rows are not judged")


class PerIntent(StrictModel):
    """Minimums per intent."""

    precision: IntentLimit | None = Field(
        None, description="Minimum share of an intent's predicted calls that are correct"
    )
    recall: IntentLimit | None = Field(
        None, description="Minimum share of an intent's gold calls that are predicted"
    )
    f1: IntentLimit | None = Field(
        None, description="Minimum harmonic mean of an intent's precision and recall"
    )


class ParameterLimit(StrictModel):
    """A minimum for every parameter that has enough values."""

    min: float = Field(ge=0, le=1, description="Minimum for each such parameter")
    support: int = Field(20, ge=1, description="Parameters with fewer gold values are not judged")


class PerParameter(StrictModel):
    """Minimums per parameter of each intent."""

    precision: ParameterLimit | None = Field(
        None, description="Minimum share of a parameter's predicted values that are correct"
    )
    recall: ParameterLimit | None = Field(
        None, description="Minimum share of a parameter's gold values that are predicted"
    )
    f1: ParameterLimit | None = Field(
        None, description="Minimum harmonic mean of a parameter's precision and recall"
    )


class BaselineRule(StrictModel):
    """Baselines that the model has to beat on the same rows."""

    beat: list[Baseline] = Field(
        min_length=1, description=f"Baselines to beat: {', '.join(BASELINE_NAMES)}"
    )
    metric: Headline = Field(_ACCURACIES[0], description="Score to compare by")
    margin: Rate = Field(
        0.0, description="Minimum lead over the baseline; at 0 a tie does not pass"
    )


class IntentDrop(StrictModel):
    """Maximum drop of a single intent below the champion."""

    drop: Rate = Field(0.1, description="Maximum drop of the share of right rows of the intent")
    confidence: Confidence = Field(
        0.95,
        description="Confidence required for a larger drop, over all intents together",
    )


class ChampionRule(StrictModel):
    """Comparison of the model with the one in service, on the same rows."""

    margin: Rate = Field(0.01, description="Maximum drop of a score below the champion's")
    metrics: list[Comparable] = Field(
        list(_ACCURACIES), min_length=1, description="Scores to compare"
    )
    test: Literal["estimate", "non_inferiority"] = Field(
        "estimate",
        description="estimate: the measured difference must not be below -margin. "
        "non_inferiority: its lower confidence bound must not be either, which an equally good "
        "model only achieves with many rows or a wide margin",
    )
    confidence: Confidence = Field(
        0.95, description="Confidence of non_inferiority's one-sided bound"
    )
    per_intent: IntentDrop = Field(
        default_factory=IntentDrop, description="Rule for every single intent"
    )
    first: Literal["pass", "fail"] = Field(
        "pass", description="Verdict on a first deployment, without a champion"
    )


class SubjectRule(StrictModel):
    """Digests that the scores must contain, and that must match the given inputs."""

    model: bool = Field(False, description="Whether the model's digest is required")
    data: bool = Field(False, description="Whether the digest of the scored rows is required")
    prompt: bool = Field(False, description="Whether the prompt's digest is required")


class BehaviourLimit(StrictModel):
    """A maximum failure rate of one kind of edit."""

    max: Rate = Field(description="The share of failed cases must be at most this")
    bound: bool = Field(
        False, description="Compare the upper end of the share's 95 % interval instead of it"
    )
    cases: int = Field(1, ge=1, description="Minimum number of judged cases")


class Rules(StrictModel):
    """Rules of the gate."""

    minimum_rows: int = Field(1, ge=1, description="Minimum number of scored rows")
    metrics: dict[str, Limit] = Field(
        default_factory=dict,
        description="Limits by metric name; a dot leads into a section, as in calibration.ece",
    )
    per_intent: PerIntent = Field(default_factory=PerIntent)
    per_parameter: PerParameter = Field(default_factory=PerParameter)
    baselines: BaselineRule | None = Field(None, description="Needs --baselines")
    champion: ChampionRule | None = Field(None, description="Applied if --champion is given")
    compression: dict[Comparable, Rate] = Field(
        default_factory=dict,
        description="Maximum loss against the 16-bit model (--reference), by score",
    )
    behaviour: dict[BehaviourKind, BehaviourLimit] = Field(
        default_factory=dict,
        description="Maximum failure rates of intentflow behave, by kind of edit; needs "
        "--behaviour",
    )
    subject: SubjectRule = Field(default_factory=SubjectRule)
    same_engine: bool = Field(
        False,
        description="Whether the scores must have been measured with the engine that serves: the "
        "same engine, version, weight format and grammar backend",
    )

    not_stale: bool = Field(
        False,
        description="Whether the model must not have learned from rows that are erased; needs "
        "--registry",
    )

    @model_validator(mode="after")
    def _shares_can_be_met(self) -> Self:
        for name, limit in self.metrics.items():
            if name in SHARES and limit.min is not None and limit.min > 1:
                raise ValueError(
                    f"metrics.{name}: min {limit.min:g} is not a share from 0 to 1; "
                    f"did you mean {limit.min / 100:g}?"
                )
        return self

    @model_validator(mode="before")
    @classmethod
    def _former_names(cls, document: Any) -> Any:
        if isinstance(document, Mapping) and "champion_margin" in document:
            margin = document["champion_margin"]
            raise ValueError(f"champion_margin has moved: write champion: {{margin: {margin}}}")
        return document

    @property
    def can_fail_a_first_model(self) -> bool:
        """Whether a bad first model would fail a rule."""
        parts = (self.per_intent, self.per_parameter)
        each = [getattr(part, name) for part in parts for name in type(part).model_fields]
        first = self.champion is not None and self.champion.first == "fail"
        floors = (*each, self.baselines, self.behaviour)
        return bool(self.metrics or self.compression or first or any(floors))


class GatePolicy(Rules):
    """The gate's policy: one set of rules, or several by name.

    The rules under a name are added to those at the top or override them, key by key.

    Example:
        >>> accuracy = {"intent_accuracy": {"min": 0.9}}
        >>> strict = {"metrics": {"intent_accuracy": {"min": 0.95}}, "minimum_rows": 200}
        >>> policy = GatePolicy(metrics=accuracy, policies={"production": strict})
        >>> production = policy.named("production")
        >>> production.metrics["intent_accuracy"].min, production.minimum_rows
        (0.95, 200)
    """

    policies: dict[str, Rules] = Field(
        default_factory=dict, description="Policies by name, chosen with --name"
    )

    @model_validator(mode="after")
    def _has_a_rule(self) -> Self:
        for name in self.policies:
            try:
                self.named(name)
            except IntentflowError as error:
                raise ValueError(str(error)) from None
        if not self.policies and not self.can_fail_a_first_model:
            if self.champion is not None:
                raise ValueError(
                    "champion: with first: pass, any first model passes: add metrics, or set "
                    "first: fail"
                )
            raise ValueError("a policy without rules passes everything: add metrics")
        return self

    def named(self, name: str = "") -> GatePolicy:
        """The rules under a name.

        Raises:
            InputError: The name does not exist, is missing although there are several, or the
                rules contradict.
        """
        if not name and not self.policies:
            return self
        if name not in self.policies:
            raise InputError(self._no_such(name))
        own = self.policies[name].model_dump(exclude_unset=True)
        top = self.model_dump(exclude_unset=True, exclude={"policies"})
        return GatePolicy.from_mapping(_merge(top, own), f"policies.{name}")

    def _no_such(self, name: str) -> str:
        names = ", ".join(self.policies)
        if not name:
            return f"the policy has several sets of rules: choose one by name ({names})"
        guess = nearest(name, self.policies)
        hint = f"did you mean {guess}?" if guess else f"there is {names or 'one without a name'}"
        return f"the policy has no {name}; {hint}"


def _merge(top: Mapping[str, Any], own: Mapping[str, Any]) -> dict[str, Any]:
    """``own`` over ``top``, section by section; null keeps the value of ``top``."""
    merged = dict(top)
    for key, value in own.items():
        former = merged.get(key)
        if isinstance(value, Mapping) and isinstance(former, Mapping):
            merged[key] = _merge(former, value)
        elif value is not None:
            merged[key] = value
    return merged


def require_known(policy: Rules) -> None:
    """Find a misspelled metric before there are scores, and so before training.

    Raises:
        InputError: A limit is on a score that evaluate does not write; the message has the
            most similar name.
    """
    for name in policy.metrics:
        if name not in METRICS:
            raise unknown_metric(name, METRICS)
