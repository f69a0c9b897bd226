"""Stages that several graphs have: each adds its steps to the graph that is being built."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from kfp import dsl

from intentflow.pipeline.options import PipelineOptions
from intentflow.pipeline.parameters import as_parameter
from intentflow.pipeline.step_options import apply_step_options
from intentflow.pipeline.steps.quantize import QuantizeConfig
from intentflow.pipelines import steps


@dataclass(frozen=True)
class Stages:
    """The stages of one graph.

    Attributes:
        options: Images, resources and placement of each step, whether to balance and quantize.
        given: The graph's parameters by name.
    """

    options: PipelineOptions
    given: Mapping[str, Any]

    @property
    def version(self) -> Any:
        """The parameter with the version of the code."""
        return self.given["code_version"]

    def place(self, task: Any, step: str, title: str, *, cached: bool = True) -> Any:
        """Give a task its title and its step's options.

        Args:
            task: The task.
            step: Name of the step.
            title: Title of the task.
            cached: Whether a run may take the outputs of an earlier one with the same inputs.
        """
        placed = apply_step_options(task.set_display_name(title), self.options.for_step(step))
        return placed if cached else placed.set_caching_options(enable_caching=False)

    def outcome(self) -> Any:
        """The task that ends every run, also one that failed."""
        return self.place(
            steps.notify(
                config=self.given["notify"],
                record=self.given["record"],
                run=dsl.PIPELINE_JOB_ID_PLACEHOLDER,
                code_version=self.version,
            ),
            "notify",
            "Send the outcome",
            cached=False,
        )

    def resolved(self, **more: Any) -> Any:
        """Digests of what a run depends on, and the champion.

        Never cached, so that a schedule sees new labels; later steps are cached on what it gives.

        Args:
            **more: Further arguments of the step.
        """
        names = ("sources", "split", "champion", "deploy", "record", "code_version")
        return self.place(
            steps.resolve(**{name: self.given[name] for name in names}, **more),
            "resolve",
            "Find what is new",
            cached=False,
        )

    def converted(self, resolved: Any) -> tuple[Any, Any]:
        """Converted rows, and the check that some were kept."""
        task = self.place(
            steps.convert(
                sources=self.given["sources"],
                sources_digest=resolved.outputs["sources_digest"],
                config=self.given["convert"],
                code_version=self.version,
            ),
            "convert",
            "Convert labels",
        )
        return task, self.checked(task, "Rows were kept")

    def checked(self, task: Any, title: str) -> Any:
        """The step that ends a run if an earlier one has found a failure."""
        return self.place(
            steps.check(failure=task.outputs["Output"], code_version=self.version), "check", title
        )

    def split_rows(
        self, resolved: Any, converted: Any, records: Any, after: Any, **more: Any
    ) -> Any:
        """Curated, checked and split rows.

        Args:
            resolved: Task that has the digest of the test file.
            converted: Task that has the agreement of the annotators.
            records: Rows to curate.
            after: Task to wait for.
            **more: Further arguments of the split.
        """
        curated = self.place(
            steps.curate(
                records=records, config=self.given["curate"], code_version=self.version
            ).after(after),
            "curate",
            "Redact and deduplicate",
        )
        validated = self.place(
            steps.validate(
                records=curated.outputs["curated"],
                agreement=converted.outputs["agreement"],
                config=self.given["validate"],
                code_version=self.version,
            ),
            "validate",
            "Check the data",
        )
        valid = self.checked(validated, "The data passed")
        # After the checks, but from the rows themselves, so that other limits of the checks do
        # not train again.
        return self.place(
            steps.split(
                records=curated.outputs["curated"],
                test_digest=resolved.outputs["test_digest"],
                config=self.given["split"],
                code_version=self.version,
                **more,
            ).after(valid),
            "split",
            "Split",
        )

    def recorded(self, resolved: Any, parts: Any, **more: Any) -> Any:
        """The data set in the registry; never cached, so that a new registry is filled.

        Args:
            resolved: Task that has the digest of the sources.
            parts: Task that has the parts.
            **more: Further arguments of the step.
        """
        names = ("sources", "convert", "curate", "split", "code_version")
        sets = {name: parts.outputs[name] for name in ("train_set", "validation_set", "test_set")}
        return self.place(
            steps.record(
                **sets,
                **{name: self.given[name] for name in names},
                sources_digest=resolved.outputs["sources_digest"],
                config=self.given["record"],
                run=dsl.PIPELINE_JOB_ID_PLACEHOLDER,
                **more,
            ),
            "record",
            "Record the data set",
            cached=False,
        )

    def judged_model(self, resolved: Any, parts: Any, recorded: Any) -> None:
        """A trained model, its scores and the verdict; then its deployment, or the reasons.

        Args:
            resolved: Task that has the champion.
            parts: Task that has the parts.
            recorded: Task that records them.
        """
        train_set, test_set = parts.outputs["train_set"], parts.outputs["test_set"]
        if self.options.balance != "none":
            even = self.place(
                steps.balance(
                    train_set=train_set, config=self.given["balance"], code_version=self.version
                ),
                "balance",
                "Balance the training rows",
            )
            train_set = even.outputs["balanced"]
        compared = self.place(
            steps.baseline(
                train_set=train_set,
                test_set=test_set,
                config=self.given["baseline"],
                code_version=self.version,
            ),
            "baseline",
            "Score simple models",
        )
        trained = self.place(
            steps.train(
                train_set=train_set,
                validation_set=parts.outputs["validation_set"],
                config=self.given["train"],
                code_version=self.version,
            ),
            "train",
            "Fine-tune",
        )
        model = trained.outputs["model"]
        if self.options.quantize != "none":
            model = self._quantized(model, train_set, parts)
        scored = self._scored(
            model,
            test_set,
            "Score on the test rows",
            baselines=compared.outputs["baselines"],
            champion=resolved.outputs["champion_scores"],
            champion_model=resolved.outputs["champion_model"],
        )
        reference = scored.outputs["metrics"]  # a model that is not quantized is its own
        if self.options.quantize != "none":
            full = self._scored(trained.outputs["model"], test_set, "Score the 16-bit model")
            reference = full.outputs["metrics"]
        judged = self.place(
            steps.gate(
                metrics=scored.outputs["metrics"],
                config=self.given["gate"],
                champion=scored.outputs["Output"],
                baselines=compared.outputs["baselines"],
                reference=reference,
                code_version=self.version,
            ),
            "gate",
            "Gate",
        ).after(recorded)
        # Named output and no Else would be silently false in kfp's local runner.
        with dsl.If(judged.outputs["Output"] == "pass", name="passed"):
            self._deployed(model, scored, judged)
        with dsl.Else(name="failed"):
            self._explained(scored, judged)

    def _quantized(self, model: Any, train_set: Any, parts: Any) -> Any:
        smaller = self.place(
            steps.quantize(
                model=model,
                calibration_set=train_set,
                validation_set=parts.outputs["validation_set"],
                config=as_parameter(QuantizeConfig(method=self.options.quantize)),
                code_version=self.version,
            ),
            "quantize",
            "Quantize to 4 bits",
        )
        return smaller.outputs["quantized"]

    def _scored(self, model: Any, test_set: Any, title: str, **more: Any) -> Any:
        return self.place(
            steps.evaluate(
                model=model,
                test_set=test_set,
                config=self.given["evaluate"],
                code_version=self.version,
                **more,
            ),
            "evaluate",
            title,
        )

    def _about_the_model(self, scored: Any, judged: Any) -> dict[str, Any]:
        """Arguments of the steps that enter a model into the registry."""
        return {
            "metrics": scored.outputs["metrics"],
            "verdict": judged.outputs["verdict"],
            "report": scored.outputs["report"],
            **{name: self.given[name] for name in ("train", "gate", "record", "code_version")},
            "run": dsl.PIPELINE_JOB_ID_PLACEHOLDER,
        }

    def _deployed(self, model: Any, scored: Any, judged: Any) -> None:
        stored = self.place(
            steps.publish(
                model=model,
                config=self.given["publish"],
                **self._about_the_model(scored, judged),
            ),
            "publish",
            "Publish the model",
            cached=False,
        )
        self.place(
            steps.deploy(
                model_uri=stored.output,
                verdict=judged.outputs["verdict"],
                config=self.given["deploy"],
                record=self.given["record"],
                run=dsl.PIPELINE_JOB_ID_PLACEHOLDER,
                code_version=self.version,
            ),
            "deploy",
            "Deploy",
            cached=False,
        )

    def _explained(self, scored: Any, judged: Any) -> None:
        explained = self.place(
            steps.explain(**self._about_the_model(scored, judged)),
            "explain",
            "Explain the verdict",
            cached=False,
        )
        self.checked(explained, "The model passed")
