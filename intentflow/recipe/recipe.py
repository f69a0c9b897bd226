"""Recipes: base model, method and hyper-parameters, as YAML with Hugging Face's own names."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Literal, Self

from pydantic import AliasChoices, Field, model_validator

from intentflow.artifacts.calibration import OOS_FALSE_ALARM_RATE
from intentflow.calls import OutputFormat
from intentflow.config import StrictModel, nearest
from intentflow.environment import resource
from intentflow.errors import InputError
from intentflow.overrides import Overrides
from intentflow.prompts import Language, PromptSpec, TaxonomyInPrompt
from intentflow.recipe.console_settings import (
    by_own_names,
    with_global_batch,
    without_rank_of_zero,
)
from intentflow.recipe.distributed import Distributed
from intentflow.taxonomy import Taxonomy

Schedule = Literal[
    "linear",
    "cosine",
    "cosine_with_restarts",
    "polynomial",
    "constant",
    "constant_with_warmup",
    "inverse_sqrt",
]
MAX_SEED = 2**32 - 1
"""The largest seed that NumPy's generators take."""

_ONLY_ADAPTERS = {"lora_r", "lora_alpha", "lora_dropout"}
_ONLY_DPO = {"beta", "loss_type", "sft_weight"}
# Properties of the corrected model, which are baked into its template.
_NOT_DPO = {
    "output_format",
    "taxonomy_in_prompt",
    "language",
    "system_prompt",
    "intent_tokens",
    "fuse_classifier",
    "extractive_values",
}


CHAMPION = "champion"
"""Value of ``start_from`` for the model in service, whose address a graph puts in its place."""


class Recipe(StrictModel):
    """A training recipe.

    The PAI console's names ``seq_length``, ``lora_dim`` (0: train all weights), ``load_in_4bit``,
    ``load_in_8bit`` and ``apply_chat_template`` are accepted in addition to Hugging Face's.
    """

    model_name_or_path: str = Field(description="Hub id, local folder or bundled:NAME")
    method: Literal["full", "lora", "qlora", "dpo"] = Field(
        description="Weights to train; dpo trains an adapter on corrections"
    )
    start_from: str | None = Field(
        None,
        description="Model whose weights the training goes on with: champion for the registry's, "
        "in a graph, or the folder or s3:// address of a model of intentflow; the base model if "
        "empty",
    )
    output_format: OutputFormat = Field("call", description="Format of the model's answers")
    taxonomy_in_prompt: TaxonomyInPrompt = Field(
        "none", description="Part of the taxonomy in the system prompt"
    )
    language: Language = Field("en", description="Language of the default system prompt")
    system_prompt: str | None = Field(None, description="Replaces the guide's system prompt")
    intent_tokens: bool | None = Field(
        None,
        description="Each intent's call name is one token, trained with the model or its adapter; "
        "if empty, where answers are calls and the base model's tokenizer has merges (BPE)",
    )
    extractive_values: bool = Field(
        True,
        description="Values are copied from the utterance, word by word, in intents whose labelled "
        "values all stand there; an intent's own extractive in the taxonomy decides before this",
    )
    fuse_classifier: bool = Field(
        True,
        description="Whether a linear classifier of the same rows decides on intents with the "
        "model, if that helps on validation rows; needs intent_tokens",
    )

    global_batch_size: int = Field(64, ge=1, description="Rows per optimizer step")
    per_device_train_batch_size: int | None = Field(
        None,
        ge=1,
        description="Rows per pass that share one computation of the prompt; derived if empty",
    )
    gradient_accumulation_steps: int | None = Field(
        None,
        ge=1,
        description="Passes of each device per optimizer step; derived if empty. With the rows of "
        "a pass it gives global_batch_size, if that is left out",
    )
    max_length: int | None = Field(
        None,
        ge=8,
        validation_alias=AliasChoices("max_length", "seq_length"),
        description="Tokens of prompt and answer; the power of two over the longest row if empty",
    )
    learning_rate: float = Field(gt=0, description="Peak learning rate")
    lr_scheduler_type: Schedule = Field("cosine", description="Schedule after warm-up")
    warmup_ratio: float = Field(0.05, ge=0, le=0.5, description="Share of warm-up steps")
    weight_decay: float = Field(0.0, ge=0, description="Decay of the weights at each step")
    max_grad_norm: float = Field(1.0, gt=0, description="Maximum norm of the gradients")
    num_train_epochs: float = Field(gt=0, description="Passes over the rows")
    max_steps: int = Field(-1, ge=-1, description="Stop after this many steps; -1 for no limit")
    early_stopping_patience: int | None = Field(
        None, ge=1, description="Evaluations without improvement before stopping; never if empty"
    )
    early_stopping_metric: Literal["validation_loss", "intent_accuracy"] = Field(
        "validation_loss", description="Metric of early stopping and of the best checkpoint"
    )
    save_steps: int | None = Field(
        None, ge=1, description="Steps between checkpoints; each epoch if empty"
    )
    save_minutes: float | None = Field(
        None,
        gt=0,
        description="Minutes after which a checkpoint is saved between those of steps or epochs",
    )

    lora_r: int = Field(
        64,
        ge=1,
        validation_alias=AliasChoices("lora_r", "lora_dim"),
        description="Rank of the adapter",
    )
    lora_alpha: int = Field(
        16, ge=1, description="The adapter is scaled by this value divided by its rank"
    )
    lora_dropout: float = Field(0.0, ge=0, lt=1, description="Dropout of the adapter's input")

    beta: float = Field(
        0.1, gt=0, description="dpo: strength of the pull towards the original model"
    )
    loss_type: Literal["sigmoid", "hinge", "ipo"] = Field(
        "sigmoid", description="dpo: the loss of a pair"
    )
    sft_weight: float = Field(
        1.0,
        ge=0,
        description="dpo: weight of the supervised loss on corrections and on uncorrected rows, "
        "which preserves other answers; 0: preference pairs only",
    )

    load_in_4bit: bool | None = Field(None, description="Implied by method; must agree with it")
    load_in_8bit: Literal[False] | None = Field(
        None, description="Always false: qlora loads the model in 4 bits, lora in 16"
    )
    apply_chat_template: Literal[True] = Field(True, description="Always true; there is one prompt")
    precision: Literal["auto", "bf16", "fp32"] = Field(
        "auto", description="Precision of the arithmetic"
    )
    gradient_checkpointing: bool = Field(
        False, description="Recompute activations instead of keeping them: less memory, slower"
    )
    calibration_rows: int = Field(
        500,
        ge=0,
        description="Validation rows for the calibration of confidences after training; 0: none",
    )
    oos_false_alarm_rate: float = Field(
        OOS_FALSE_ALARM_RATE,
        ge=0,
        lt=1,
        description="Share of rows in scope that may count as out of scope, for a taxonomy that "
        "names an out-of-scope intent; the calibration chooses the threshold by it; 0: none",
    )
    logging_steps: int = Field(5, ge=1, description="Steps between values of the training loss")
    distributed: Distributed = Field(
        default_factory=Distributed, description="Distribution over devices and nodes"
    )
    seed: int = Field(0, ge=0, le=MAX_SEED, description="Seed of order, dropout and new weights")
    deterministic: bool = Field(False, description="Bit-equal reruns on a GPU too; slower")

    @model_validator(mode="before")
    @classmethod
    def _as_the_console_means_it(cls, settings: object) -> object:
        if not isinstance(settings, Mapping):
            return settings
        if settings.get("load_in_8bit"):
            raise ValueError(
                "load_in_8bit: true: adapters are not trained on 8-bit weights; choose method: "
                "qlora, which loads the model in 4 bits, or lora, which loads it in 16"
            )
        return with_global_batch(without_rank_of_zero(settings))

    @model_validator(mode="after")
    def _four_bit_agrees(self) -> Self:
        if self.load_in_4bit is not None and self.load_in_4bit != (self.method == "qlora"):
            raise ValueError(
                f"load_in_4bit: {str(self.load_in_4bit).lower()} contradicts "
                f"method: {self.method}; only qlora loads the model in 4 bits"
            )
        return self

    @model_validator(mode="after")
    def _adapter_keys_have_an_adapter(self) -> Self:
        given = sorted(self.model_fields_set & _ONLY_ADAPTERS)
        if given and self.method == "full":
            raise ValueError(
                f"method: full trains no adapter, so it does not take {', '.join(given)}: remove "
                f"{'them' if len(given) > 1 else 'it'}, or choose method: lora or qlora"
            )
        return self

    @model_validator(mode="after")
    def _alpha_has_its_rank(self) -> Self:
        given = self.model_fields_set
        if "lora_alpha" in given and "lora_r" not in given:
            raise ValueError(
                "lora_alpha scales an adapter by alpha / rank: give the rank, lora_r, too"
            )
        return self

    @model_validator(mode="after")
    def _intent_tokens_open_calls(self) -> Self:
        if self.intent_tokens and self.output_format != "call":
            raise ValueError("intent_tokens are call names: they need output_format: call")
        return self

    @model_validator(mode="after")
    def _corrections_have_their_keys(self) -> Self:
        given = self.model_fields_set
        if self.method != "dpo":
            wrong, reason = given & _ONLY_DPO, f"method: {self.method} does not take"
        else:
            wrong, reason = given & _NOT_DPO, "method: dpo keeps the corrected model's own"
        if wrong:
            pronoun = "them" if len(wrong) > 1 else "it"
            raise ValueError(f"{reason} {', '.join(sorted(wrong))}: remove {pronoun}")
        if self.method == "dpo" and self.early_stopping_metric != "validation_loss":
            raise ValueError("early_stopping_metric: method: dpo measures only validation_loss")
        if self.method == "dpo" and self.start_from:
            raise ValueError(
                "start_from: method: dpo starts from the model that it corrects, "
                "model_name_or_path: remove it"
            )
        if self.method == "dpo" and self.distributed.strategy != "none":
            raise ValueError("distributed: preference tuning runs on one device")
        return self

    @model_validator(mode="after")
    def _stops_early_by_something(self) -> Self:
        named = "early_stopping_metric" in self.model_fields_set
        if self.max_steps == 0:
            raise ValueError("max_steps: 0 trains nothing; -1 means no limit")
        if named and self.early_stopping_patience is None:
            raise ValueError("early_stopping_metric has no effect without early_stopping_patience")
        return self

    @model_validator(mode="after")
    def _batch_divides(self) -> Self:
        rows = self.per_device_train_batch_size
        if rows is not None and self.global_batch_size % rows:
            raise ValueError(
                f"global_batch_size {self.global_batch_size} is not a multiple of "
                f"per_device_train_batch_size {rows}"
            )
        return self

    @model_validator(mode="after")
    def _devices_can_share(self) -> Self:
        if self.distributed.strategy == "fsdp" and self.method == "qlora":
            raise ValueError(
                "distributed.strategy: fsdp does not support qlora; use ddp, or method: lora"
            )
        processes = self.distributed.processes or 1
        rows = processes * (self.per_device_train_batch_size or 1)
        if self.global_batch_size % rows:
            raise ValueError(
                f"global_batch_size {self.global_batch_size} over {processes} devices is not a "
                f"multiple of {rows}: every device processes the same number of rows at a time"
            )
        devices = 1 if self.distributed.strategy == "none" else self.distributed.processes
        if devices:
            self.rows_per_pass(devices)
        return self

    @classmethod
    def load(cls, name: str | Path, overrides: Overrides = ()) -> Self:
        """Read a shipped recipe (``smollm2-135m/full``) or a YAML file, local or ``s3://``.

        Raises:
            InputError: The recipe does not exist, or a key or value is invalid.

        Example:
            >>> Recipe.load("smollm2-135m/lora", ["learning_rate=1e-4"]).learning_rate
            0.0001
        """
        path = name if str(name).startswith("s3://") else recipe_path(str(name))
        return cls.from_yaml(path, by_own_names(overrides))

    @property
    def initial_model(self) -> str:
        """Name or address of the model whose weights and tokenizer the training begins with."""
        return self.start_from or self.model_name_or_path

    def rows_per_pass(self, devices: int) -> int | None:
        """Rows of one pass of a device; None if the recipe leaves it open.

        Args:
            devices: Number of devices that train.

        Raises:
            ValueError: The batch sizes and the accumulated passes of the recipe do not agree.
        """
        rows, steps = self.per_device_train_batch_size, self.gradient_accumulation_steps
        if steps is None:
            return rows
        passes = steps * devices
        per_pass = rows or max(self.global_batch_size // passes, 1)
        if self.global_batch_size != per_pass * passes:
            raise ValueError(
                f"global_batch_size {self.global_batch_size} is not {per_pass} rows x {steps} "
                f"gradient_accumulation_steps x {devices} devices: set global_batch_size to "
                f"{per_pass * passes}, or leave gradient_accumulation_steps out"
            )
        return per_pass

    def prompt(self, taxonomy: Taxonomy | None) -> PromptSpec:
        """The prompt of a model that is trained by this recipe.

        Args:
            taxonomy: The intents; None only if ``taxonomy_in_prompt`` is ``none``.
        """
        return PromptSpec.build(
            taxonomy=taxonomy,
            taxonomy_in_prompt=self.taxonomy_in_prompt,
            language=self.language,
            output_format=self.output_format,
            system=self.system_prompt,
        )


def recipe_path(name: str) -> Path:
    """The file of a shipped recipe's name or of a path."""
    path = Path(name)
    if path.suffix in (".yaml", ".yml") or path.is_file():
        return path
    shipped = shipped_recipes()
    if name in shipped:
        return shipped[name]
    guess = nearest(name, shipped)
    hint = f"; did you mean {guess}?" if guess else f"; choose from {', '.join(shipped)}"
    raise InputError(f"there is no recipe {name}{hint}")


def shipped_recipes() -> dict[str, Path]:
    """All recipes of the project, by ``model/method``."""
    root = resource("recipes")
    files = sorted(root.glob("*/*.yaml"))
    return {f"{file.parent.name}/{file.stem}": file for file in files}
