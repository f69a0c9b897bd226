"""Stages of a model that several graphs have: training, scores, verdict, deployment."""

from dataclasses import dataclass
from typing import Any

from kfp import dsl

from intentflow.pipeline.parameters import as_parameter
from intentflow.pipeline.steps.quantize import QuantizeConfig
from intentflow.pipelines import steps
from intentflow.pipelines.stages import Stages


@dataclass(frozen=True)
class _Trained:
    """A model of the graph.

    Attributes:
        model: The model to serve: the 4-bit copy, if the options ask for one.
        full: The 16-bit model.
        pairs_digest: Digest of the corrections that tuned it; empty without such a tuning.
        baselines: Scores of simple models.
    """

    model: Any
    full: Any
    pairs_digest: Any
    baselines: Any


def add_judged_model(stages: Stages, resolved: Any, parts: Any, recorded: Any) -> None:
    """Add a trained model, its scores and the verdict; then its deployment, or the reasons.

    Args:
        stages: Stages of the graph.
        resolved: Task that has the champion.
        parts: Task that has the parts.
        recorded: Task that records them.
    """
    trained = _trained(stages, resolved, parts)
    test_set = parts.outputs["test_set"]
    scored = _scored(
        stages,
        trained.model,
        test_set,
        "Score on the test rows",
        baselines=trained.baselines,
        champion=resolved.outputs["champion_scores"],
        champion_model=resolved.outputs["champion_model"],
    )
    # A model that is not quantized is its own reference.
    more = {"reference": scored.outputs["metrics"], **_behaviour(stages, trained.model, test_set)}
    if stages.options.quantize != "none":
        full = _scored(stages, trained.full, test_set, "Score the 16-bit model")
        more["reference"] = full.outputs["metrics"]
    judged = stages.place(
        steps.gate(
            metrics=scored.outputs["metrics"],
            config=stages.given["gate"],
            champion=scored.outputs["Output"],
            baselines=trained.baselines,
            record=stages.given["record"],
            code_version=stages.version,
            **more,
        ),
        "gate",
        "Gate",
    ).after(recorded)
    entry = _entry_arguments(stages, resolved, scored, judged)
    entry["pairs_digest"] = trained.pairs_digest
    # Named output and no Else would be silently false in kfp's local runner.
    with dsl.If(judged.outputs["Output"] == "pass", name="passed"):
        _deployed(stages, trained.model, entry)
    with dsl.Else(name="failed"):
        _explained(stages, entry)


def _trained(stages: Stages, resolved: Any, parts: Any) -> _Trained:
    train_set = _balanced(stages, parts.outputs["train_set"])
    compared = stages.place(
        steps.baseline(
            train_set=train_set,
            test_set=parts.outputs["test_set"],
            config=stages.given["baseline"],
            code_version=stages.version,
        ),
        "baseline",
        "Score simple models",
    )
    trained = stages.place(
        steps.train(
            train_set=train_set,
            validation_set=parts.outputs["validation_set"],
            config=stages.given["train"],
            champion=resolved.outputs["start_model"],
            code_version=stages.version,
        ),
        "train",
        "Fine-tune",
    )
    full, pairs_digest = _corrected(stages, trained.outputs["model"], parts)
    model = _quantized(stages, full, train_set, parts)
    return _Trained(model, full, pairs_digest, compared.outputs["baselines"])


def _corrected(stages: Stages, model: Any, parts: Any) -> tuple[Any, Any]:
    """The model, tuned with corrections if the options ask for it, and the digest of these."""
    if stages.options.preferences is None:
        return model, ""
    tuned = stages.place(
        steps.correct(
            model=model,
            # Copies for balance would count a correction several times.
            train_set=parts.outputs["train_set"],
            validation_set=parts.outputs["validation_set"],
            config=stages.preferences,
            code_version=stages.version,
        ),
        "train",  # the same work on the same devices
        "Learn from corrections",
    )
    return tuned.outputs["corrected"], tuned.outputs["Output"]


def _balanced(stages: Stages, train_set: Any) -> Any:
    """The training rows, balanced if the options ask for it."""
    if stages.options.balance == "none":
        return train_set
    even = stages.place(
        steps.balance(
            train_set=train_set, config=stages.given["balance"], code_version=stages.version
        ),
        "balance",
        "Balance the training rows",
    )
    return even.outputs["balanced"]


def _quantized(stages: Stages, model: Any, train_set: Any, parts: Any) -> Any:
    """The model, as a 4-bit copy if the options ask for one."""
    if stages.options.quantize == "none":
        return model
    smaller = stages.place(
        steps.quantize(
            model=model,
            calibration_set=train_set,
            validation_set=parts.outputs["validation_set"],
            config=as_parameter(QuantizeConfig(method=stages.options.quantize)),
            code_version=stages.version,
        ),
        "quantize",
        "Quantize to 4 bits",
    )
    return smaller.outputs["quantized"]


def _scored(stages: Stages, model: Any, test_set: Any, title: str, **more: Any) -> Any:
    return stages.place(
        steps.evaluate(
            model=model,
            test_set=test_set,
            config=stages.given["evaluate"],
            code_version=stages.version,
            **more,
        ),
        "evaluate",
        title,
    )


def _behaviour(stages: Stages, model: Any, test_set: Any) -> dict[str, Any]:
    """The gate's argument with the behavioural tests, if the options ask for them."""
    if stages.options.behave is None:
        return {}
    tested = stages.place(
        steps.behave(
            model=model,
            test_set=test_set,
            config=as_parameter(stages.options.behave),
            evaluate=stages.given["evaluate"],
            code_version=stages.version,
        ),
        "evaluate",  # the engine that is scored, in the same image on the same devices
        "Test the behaviour",
    )
    return {"behaviour": tested.outputs["behaviour"]}


def _entry_arguments(stages: Stages, resolved: Any, scored: Any, judged: Any) -> dict[str, Any]:
    """Arguments of the steps that enter a model into the registry."""
    return {
        "metrics": scored.outputs["metrics"],
        "verdict": judged.outputs["verdict"],
        "report": scored.outputs["report"],
        **{name: stages.given[name] for name in ("train", "gate", "record", "code_version")},
        "start_entry": resolved.outputs["start_entry"],
        "preferences": stages.preferences,
        "run": dsl.PIPELINE_JOB_ID_PLACEHOLDER,
    }


def _deployed(stages: Stages, model: Any, entry: dict[str, Any]) -> None:
    stored = stages.place(
        steps.publish(
            model=model,
            config=stages.given["publish"],
            **entry,
        ),
        "publish",
        "Publish the model",
        cached=False,
    )
    deployed = stages.place(
        steps.deploy(
            model_uri=stored.output,
            verdict=entry["verdict"],
            config=stages.given["deploy"],
            record=stages.given["record"],
            run=dsl.PIPELINE_JOB_ID_PLACEHOLDER,
            code_version=stages.version,
        ),
        "deploy",
        "Deploy",
        cached=False,
    )
    if "watch" in stages.given:
        _watched(stages, stored, deployed)


def _watched(stages: Stages, stored: Any, deployed: Any) -> None:
    watched = stages.place(
        steps.watch(
            model_uri=stored.output,
            deploy=stages.given["deploy"],
            config=stages.given["watch"],
            record=stages.given["record"],
            code_version=stages.version,
        ).after(deployed),
        "watch",
        "Watch the canary",
        cached=False,
    )
    stages.checked(watched, "The canary was kept")


def _explained(stages: Stages, entry: dict[str, Any]) -> None:
    explained = stages.place(
        steps.explain(**entry),
        "explain",
        "Explain the verdict",
        cached=False,
    )
    stages.checked(explained, "The model passed")
