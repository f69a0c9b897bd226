"""From labelling exports to a gated, deployed model."""

from typing import Any, NamedTuple

from kfp import dsl

from intentflow.components.balance.component import balance
from intentflow.components.baseline.component import baseline
from intentflow.components.convert.component import convert
from intentflow.components.curate.component import curate
from intentflow.components.deploy.component import deploy
from intentflow.components.evaluate.component import evaluate
from intentflow.components.explain.component import explain
from intentflow.components.gate.component import gate
from intentflow.components.publish.component import publish
from intentflow.components.quantize.component import quantize
from intentflow.components.split.component import split
from intentflow.components.train.component import train
from intentflow.components.validate.component import validate
from intentflow.pipeline.options import PipelineOptions, apply_step_options

NAME = "intentflow-finetune"


class Outputs(NamedTuple):
    """What a run leaves behind, whether the gate passed or not."""

    decision: str
    rejects: dsl.Dataset
    counts: dsl.Metrics
    redaction_report: dsl.HTML
    data_report: dsl.HTML
    train_set: dsl.Dataset
    validation_set: dsl.Dataset
    test_set: dsl.Dataset
    baselines: dsl.Artifact
    model: dsl.Model
    training_report: dsl.HTML
    metrics: dsl.Artifact
    evaluation_report: dsl.HTML
    predictions: dsl.Dataset
    verdict: dsl.Artifact


def build(options: PipelineOptions) -> Any:
    """The finetune graph.

    Args:
        options: Images, resources and placement of each step, whether to balance and quantize.

    Returns:
        A KFP pipeline, to be compiled or run locally.
    """

    def place(task: Any, step: str, title: str) -> Any:
        return apply_step_options(task.set_display_name(title), options.for_step(step))

    @dsl.pipeline(name=NAME, description="Labelled utterances to a gated intent model")
    def finetune(
        sources: list,  # type: ignore[type-arg]  # kfp knows no item types
        sources_digest: str,
        recipe: dict,  # type: ignore[type-arg]
        gate_policy: dict,  # type: ignore[type-arg]
        publish_to: str,
        code_version: str,
        export_format: str = "auto",
        redact: bool = True,
        dedup: str = "exact",
        conflicts: str = "list",
        data_policy: dict = {},  # type: ignore[type-arg]  # noqa: B006  # kfp takes it literally
        taxonomy: dict = {},  # type: ignore[type-arg]  # noqa: B006
        test_source: str = "",
        test_digest: str = "",
        test_share: float = 0.1,
        validation_share: float = 0.1,
        seed: int = 0,
        teacher: dict = {},  # type: ignore[type-arg]  # noqa: B006
        baseline_kinds: list = ["majority", "linear"],  # type: ignore[type-arg]  # noqa: B006
        constrained: bool = True,
        hourly_price: float = 0.0,
        policy_name: str = "",
        champion: dict = {},  # type: ignore[type-arg]  # noqa: B006
        deploy_options: dict = {},  # type: ignore[type-arg]  # noqa: B006
        deploy_output: str = "",
    ) -> Outputs:
        converted = place(
            convert(
                sources=sources,
                sources_digest=sources_digest,
                export_format=export_format,
                code_version=code_version,
            ),
            "convert",
            "Convert labels",
        )
        curated = place(
            curate(
                records=converted.outputs["records"],
                redact=redact,
                dedup=dedup,
                conflicts=conflicts,
                code_version=code_version,
            ),
            "curate",
            "Redact and deduplicate",
        )
        checked = place(
            validate(
                records=curated.outputs["curated"],
                policy=data_policy,
                taxonomy=taxonomy,
                code_version=code_version,
            ),
            "validate",
            "Check the data",
        )
        parts = place(
            split(
                records=checked.outputs["checked"],
                test_source=test_source,
                test_digest=test_digest,
                test_share=test_share,
                validation_share=validation_share,
                seed=seed,
                code_version=code_version,
            ),
            "split",
            "Split",
        )
        train_set = parts.outputs["train_set"]
        if options.balance != "none":
            even = place(
                balance(
                    train_set=train_set,
                    mode=options.balance,
                    teacher=teacher,
                    taxonomy=taxonomy,
                    seed=seed,
                    code_version=code_version,
                ),
                "balance",
                "Balance the training rows",
            )
            train_set = even.outputs["balanced"]
        beside = place(
            baseline(
                train_set=train_set,
                test_set=parts.outputs["test_set"],
                kinds=baseline_kinds,
                recipe=recipe,
                taxonomy=taxonomy,
                encoder="",
                limit_rows=0,
                seed=seed,
                code_version=code_version,
            ),
            "baseline",
            "Score simple models",
        )
        trained = place(
            train(
                train_set=train_set,
                validation_set=parts.outputs["validation_set"],
                recipe=recipe,
                taxonomy=taxonomy,
                code_version=code_version,
            ),
            "train",
            "Fine-tune",
        )
        model = trained.outputs["model"]
        if options.quantize != "none":
            smaller = place(
                quantize(
                    model=model,
                    calibration_set=train_set,
                    validation_set=parts.outputs["validation_set"],
                    method=options.quantize,
                    code_version=code_version,
                ),
                "quantize",
                "Quantize to 4 bits",
            )
            model = smaller.outputs["quantized"]
        scored = place(
            evaluate(
                model=model,
                test_set=parts.outputs["test_set"],
                constrained=constrained,
                hourly_price=hourly_price,
                baselines=beside.outputs["baselines"],
                champion=champion,
                code_version=code_version,
            ),
            "evaluate",
            "Score on the test rows",
        )
        reference = scored.outputs["metrics"]  # a model that is not quantized is its own
        if options.quantize != "none":
            whole = place(
                evaluate(
                    model=trained.outputs["model"],
                    test_set=parts.outputs["test_set"],
                    constrained=constrained,
                    code_version=code_version,
                ),
                "evaluate",
                "Score the 16-bit model",
            )
            reference = whole.outputs["metrics"]
        judged = place(
            gate(
                metrics=scored.outputs["metrics"],
                policy=gate_policy,
                policy_name=policy_name,
                champion=champion,
                baselines=beside.outputs["baselines"],
                reference=reference,
                code_version=code_version,
            ),
            "gate",
            "Gate",
        )
        # Named output and no Else would be silently false in kfp's local runner.
        with dsl.If(judged.outputs["Output"] == "pass", name="passed"):
            stored = place(
                publish(model=model, destination=publish_to, code_version=code_version),
                "publish",
                "Publish the model",
            ).set_caching_options(enable_caching=False)
            place(
                deploy(
                    model_uri=stored.output,
                    verdict=judged.outputs["verdict"],
                    options=deploy_options,
                    output=deploy_output,
                    code_version=code_version,
                ),
                "deploy",
                "Deploy",
            ).set_caching_options(enable_caching=False)
        with dsl.Else(name="failed"):
            place(
                explain(
                    verdict=judged.outputs["verdict"],
                    metrics=scored.outputs["metrics"],
                    code_version=code_version,
                ),
                "explain",
                "Explain the verdict",
            )

        return Outputs(
            decision=judged.outputs["Output"],
            rejects=converted.outputs["rejects"],
            counts=converted.outputs["counts"],
            redaction_report=curated.outputs["report"],
            data_report=checked.outputs["report"],
            train_set=train_set,
            validation_set=parts.outputs["validation_set"],
            test_set=parts.outputs["test_set"],
            baselines=beside.outputs["baselines"],
            model=model,
            training_report=trained.outputs["report"],
            metrics=scored.outputs["metrics"],
            evaluation_report=scored.outputs["report"],
            predictions=scored.outputs["predictions"],
            verdict=judged.outputs["verdict"],
        )

    return finetune
