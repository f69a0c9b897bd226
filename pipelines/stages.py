"""Stages of rows that several graphs have: each adds its steps to the graph being built."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from kfp import dsl

from intentflow.pipeline.options import PipelineOptions
from intentflow.pipeline.parameters import as_parameter
from intentflow.pipeline.step_options import apply_step_options
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

    @property
    def preferences(self) -> Any:
        """The parameter of the preference tuning; empty unless the options ask for one."""
        asked = self.options.preferences
        return as_parameter(asked) if asked else {}

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
        names = ("sources", "split", "champion", "deploy", "record", "train", "code_version")
        return self.place(
            steps.resolve(**{name: self.given[name] for name in names}, **more),
            "resolve",
            "Find what is new",
            cached=False,
        )

    def erased(self, resolved: Any) -> dict[str, Any]:
        """The arguments by which a step leaves out rows that were erased."""
        return {"record": self.given["record"], "erased_digest": resolved.outputs["erased_digest"]}

    def converted(self, resolved: Any) -> tuple[Any, Any]:
        """Converted rows, and the check that some were kept."""
        task = self.place(
            steps.convert(
                sources=self.given["sources"],
                sources_digest=resolved.outputs["sources_digest"],
                config=self.given["convert"],
                code_version=self.version,
                **self.erased(resolved),
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
                **self.erased(resolved),
                **more,
            ).after(valid),
            "split",
            "Split",
        )

    def recorded(self, resolved: Any, converted: Any, parts: Any, **more: Any) -> Any:
        """The data set in the registry; never cached, so that a new registry is filled.

        Args:
            resolved: Task that has the digest of the sources.
            converted: Task that has the origins of the sources.
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
                origins=converted.outputs["origins"],
                config=self.given["record"],
                run=dsl.PIPELINE_JOB_ID_PLACEHOLDER,
                **more,
            ),
            "record",
            "Record the data set",
            cached=False,
        )
