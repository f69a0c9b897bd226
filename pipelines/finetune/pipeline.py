"""The finetune graph: from labelling exports to a gated, deployed model."""

from typing import Any

from kfp import dsl

from intentflow.pipeline.options import PipelineOptions
from intentflow.pipeline.parameters import as_parameter
from intentflow.pipeline.step_options import apply_step_options
from intentflow.pipeline.steps.quantize import QuantizeConfig
from intentflow.pipelines.finetune import steps

NAME = "intentflow-finetune"


def build(options: PipelineOptions) -> Any:
    """Build the finetune graph.

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
        train: dict,  # type: ignore[type-arg]
        gate: dict,  # type: ignore[type-arg]
        publish: dict,  # type: ignore[type-arg]
        code_version: str,
        convert: dict = {},  # type: ignore[type-arg]  # noqa: B006  # kfp takes it literally
        curate: dict = {},  # type: ignore[type-arg]  # noqa: B006
        validate: dict = {},  # type: ignore[type-arg]  # noqa: B006
        split: dict = {},  # type: ignore[type-arg]  # noqa: B006
        balance: dict = {"mode": options.balance},  # type: ignore[type-arg]  # noqa: B006
        baseline: dict = {},  # type: ignore[type-arg]  # noqa: B006
        evaluate: dict = {},  # type: ignore[type-arg]  # noqa: B006
        champion: str = "",
        deploy: dict = {},  # type: ignore[type-arg]  # noqa: B006
        record: dict = {},  # type: ignore[type-arg]  # noqa: B006
        notify: dict = {},  # type: ignore[type-arg]  # noqa: B006
    ) -> None:
        ended = place(
            steps.notify(
                config=notify,
                record=record,
                run=dsl.PIPELINE_JOB_ID_PLACEHOLDER,
                code_version=code_version,
            ),
            "notify",
            "Send the outcome",
        ).set_caching_options(enable_caching=False)
        with dsl.ExitHandler(ended, name="steps"):
            # Never cached, so that a schedule sees new labels; later steps are cached on what it
            # gives.
            resolved = place(
                steps.resolve(
                    sources=sources,
                    split=split,
                    champion=champion,
                    deploy=deploy,
                    code_version=code_version,
                ),
                "resolve",
                "Find what is new",
            ).set_caching_options(enable_caching=False)
            converted = place(
                steps.convert(
                    sources=sources,
                    sources_digest=resolved.outputs["sources_digest"],
                    config=convert,
                    code_version=code_version,
                ),
                "convert",
                "Convert labels",
            )
            kept = place(
                steps.check(failure=converted.outputs["Output"], code_version=code_version),
                "check",
                "Rows were kept",
            )
            curated = place(
                steps.curate(
                    records=converted.outputs["records"], config=curate, code_version=code_version
                ).after(kept),
                "curate",
                "Redact and deduplicate",
            )
            validated = place(
                steps.validate(
                    records=curated.outputs["curated"],
                    agreement=converted.outputs["agreement"],
                    config=validate,
                    code_version=code_version,
                ),
                "validate",
                "Check the data",
            )
            valid = place(
                steps.check(failure=validated.outputs["Output"], code_version=code_version),
                "check",
                "The data passed",
            )
            # After the checks, but from the rows themselves, so that other limits of the checks do
            # not train again.
            parts = place(
                steps.split(
                    records=curated.outputs["curated"],
                    test_digest=resolved.outputs["test_digest"],
                    config=split,
                    code_version=code_version,
                ).after(valid),
                "split",
                "Split",
            )
            # What writes into the registry is never cached, so that a new registry is filled.
            recorded = place(
                steps.record(
                    train_set=parts.outputs["train_set"],
                    validation_set=parts.outputs["validation_set"],
                    test_set=parts.outputs["test_set"],
                    sources=sources,
                    sources_digest=resolved.outputs["sources_digest"],
                    convert=convert,
                    curate=curate,
                    split=split,
                    config=record,
                    run=dsl.PIPELINE_JOB_ID_PLACEHOLDER,
                    code_version=code_version,
                ),
                "record",
                "Record the data set",
            ).set_caching_options(enable_caching=False)
            train_set = parts.outputs["train_set"]
            if options.balance != "none":
                even = place(
                    steps.balance(train_set=train_set, config=balance, code_version=code_version),
                    "balance",
                    "Balance the training rows",
                )
                train_set = even.outputs["balanced"]
            compared = place(
                steps.baseline(
                    train_set=train_set,
                    test_set=parts.outputs["test_set"],
                    config=baseline,
                    code_version=code_version,
                ),
                "baseline",
                "Score simple models",
            )
            trained = place(
                steps.train(
                    train_set=train_set,
                    validation_set=parts.outputs["validation_set"],
                    config=train,
                    code_version=code_version,
                ),
                "train",
                "Fine-tune",
            )
            model = trained.outputs["model"]
            if options.quantize != "none":
                smaller = place(
                    steps.quantize(
                        model=model,
                        calibration_set=train_set,
                        validation_set=parts.outputs["validation_set"],
                        config=as_parameter(QuantizeConfig(method=options.quantize)),
                        code_version=code_version,
                    ),
                    "quantize",
                    "Quantize to 4 bits",
                )
                model = smaller.outputs["quantized"]
            scored = place(
                steps.evaluate(
                    model=model,
                    test_set=parts.outputs["test_set"],
                    config=evaluate,
                    baselines=compared.outputs["baselines"],
                    champion=resolved.outputs["champion_scores"],
                    champion_model=resolved.outputs["champion_model"],
                    code_version=code_version,
                ),
                "evaluate",
                "Score on the test rows",
            )
            reference = scored.outputs["metrics"]  # a model that is not quantized is its own
            if options.quantize != "none":
                full = place(
                    steps.evaluate(
                        model=trained.outputs["model"],
                        test_set=parts.outputs["test_set"],
                        config=evaluate,
                        code_version=code_version,
                    ),
                    "evaluate",
                    "Score the 16-bit model",
                )
                reference = full.outputs["metrics"]
            judged = place(
                steps.gate(
                    metrics=scored.outputs["metrics"],
                    config=gate,
                    champion=scored.outputs["Output"],
                    baselines=compared.outputs["baselines"],
                    reference=reference,
                    code_version=code_version,
                ),
                "gate",
                "Gate",
            ).after(recorded)
            # Named output and no Else would be silently false in kfp's local runner.
            with dsl.If(judged.outputs["Output"] == "pass", name="passed"):
                stored = place(
                    steps.publish(
                        model=model,
                        metrics=scored.outputs["metrics"],
                        verdict=judged.outputs["verdict"],
                        report=scored.outputs["report"],
                        config=publish,
                        train=train,
                        record=record,
                        run=dsl.PIPELINE_JOB_ID_PLACEHOLDER,
                        code_version=code_version,
                    ),
                    "publish",
                    "Publish the model",
                ).set_caching_options(enable_caching=False)
                place(
                    steps.deploy(
                        model_uri=stored.output,
                        verdict=judged.outputs["verdict"],
                        config=deploy,
                        record=record,
                        run=dsl.PIPELINE_JOB_ID_PLACEHOLDER,
                        code_version=code_version,
                    ),
                    "deploy",
                    "Deploy",
                ).set_caching_options(enable_caching=False)
            with dsl.Else(name="failed"):
                explained = place(
                    steps.explain(
                        verdict=judged.outputs["verdict"],
                        metrics=scored.outputs["metrics"],
                        report=scored.outputs["report"],
                        train=train,
                        record=record,
                        run=dsl.PIPELINE_JOB_ID_PLACEHOLDER,
                        code_version=code_version,
                    ),
                    "explain",
                    "Explain the verdict",
                ).set_caching_options(enable_caching=False)
                place(
                    steps.check(failure=explained.outputs["Output"], code_version=code_version),
                    "check",
                    "The model passed",
                )

    return finetune
