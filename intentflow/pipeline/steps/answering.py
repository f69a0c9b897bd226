"""Engine, constraint and limits of answers, and facts about an endpoint."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal, Self

from pydantic import Field, model_validator

from intentflow.calls import OutputFormat
from intentflow.config import Flag, StrictModel
from intentflow.inference.vllm_installation import VLLM_PYTHON
from intentflow.pipeline.steps.fields import TaxonomyFile
from intentflow.prompts import PromptSpec, TaxonomyInPrompt

if TYPE_CHECKING:
    from intentflow.inference.engine_selection import EngineOptions, EvaluationRequest


class EndpointFacts(StrictModel):
    """Facts that an endpoint, or a file of predictions, does not state itself.

    Example:
        >>> import intentflow
        >>> intentflow.EndpointFacts(served_model="intent").allow_failures
        False
    """

    taxonomy: TaxonomyFile = Field(
        None, description="The known intents (taxonomy.yaml), if no model directory has them"
    )
    output_format: OutputFormat | None = Field(
        None, description="Format of the answers, if no model directory states it; call unless set"
    )
    served_model: Annotated[str | None, Flag(metavar="NAME")] = Field(
        None, description="Name of the model at the endpoint; required if it serves several"
    )
    taxonomy_in_prompt: TaxonomyInPrompt | None = Field(
        None,
        description="Send an endpoint the system message that training would give, with this part "
        "of the taxonomy, for a model that was not tuned; none is sent unless set",
    )
    system_prompt: Annotated[str | None, Flag(metavar="TEXT")] = Field(
        None, description="Text of that system message before the taxonomy, in place of the usual"
    )
    allow_thinking: bool = Field(
        False,
        description="A thinking block may precede an answer of an endpoint or a given prediction, "
        "and is left out; unless set, such an answer is malformed",
    )
    allow_failures: bool = Field(
        False,
        description="Continue after a request that fails permanently; its row counts as wrong",
    )

    @model_validator(mode="after")
    def _prompt_is_complete(self) -> Self:
        part = self.taxonomy_in_prompt
        if part not in (None, "none") and self.taxonomy is None:
            raise ValueError(f"taxonomy_in_prompt {part} needs a taxonomy")
        if self.system_prompt is not None and part is None:
            raise ValueError("system_prompt needs taxonomy_in_prompt, which sends it")
        return self

    @property
    def prompt(self) -> PromptSpec | None:
        """The prompt to send; None for none."""
        if self.taxonomy_in_prompt is None:
            return None
        return PromptSpec.build(
            taxonomy=self.taxonomy,
            taxonomy_in_prompt=self.taxonomy_in_prompt,
            output_format=self.output_format or "call",
            system=self.system_prompt,
            allow_thinking=self.allow_thinking,
        )


class AnswerConfig(StrictModel):
    """Engine, constraint and limits of a model's answers."""

    engine: Literal["auto", "transformers", "vllm", "openai"] = Field(
        "auto",
        description="Engine that answers; auto: for a directory the engine of serve (vLLM if it is "
        f"installed or {VLLM_PYTHON} names a Python that has it, otherwise transformers), for a "
        "URL openai",
    )
    constrained: bool | None = Field(
        None,
        description="Constrain answers to the taxonomy; the default for a model directory (for an "
        "endpoint with vLLM's structured_outputs, give its taxonomy too)",
    )
    batch_size: Annotated[int | None, Flag(metavar="N")] = Field(
        None, ge=1, description="Maximum number of rows decoded together; determined unless set"
    )
    concurrency: Annotated[int | None, Flag(metavar="N")] = Field(
        None, ge=1, description="Maximum concurrent requests to an endpoint or the vLLM server"
    )
    request_timeout: Annotated[float, Flag(metavar="S")] = Field(
        120.0, gt=0, description="Maximum seconds for one complete reply"
    )

    def request(self, model: str, facts: EndpointFacts) -> EvaluationRequest:
        """The model to ask, and how.

        Args:
            model: The model directory, or the URL of an endpoint.
            facts: Facts that an endpoint does not state itself.
        """
        from intentflow.inference.engine_selection import EvaluationRequest

        return EvaluationRequest(
            model, self.engine, self.constrained, facts.taxonomy, facts.output_format
        )

    def engine_options(self, facts: EndpointFacts) -> EngineOptions:
        """Options of the engine.

        Args:
            facts: Facts that an endpoint does not state itself.
        """
        from intentflow.inference.engine_selection import EngineOptions
        from intentflow.inference.openai_engine import EndpointOptions

        asking = EndpointOptions(
            concurrency=self.concurrency,
            timeout_seconds=self.request_timeout,
            served_model=facts.served_model,
            allow_failures=facts.allow_failures,
            allow_thinking=facts.allow_thinking,
            prompt=facts.prompt,
        )
        return EngineOptions(self.batch_size, asking)
