"""The run configuration: what goes into a graph, for a laptop and for Kubeflow alike."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Literal, Self

from pydantic import BaseModel, Field, field_validator, model_validator

from intentflow.config import StrictModel, apply_overrides, load_yaml
from intentflow.deploy.options import DeployOptions
from intentflow.errors import IntentflowError
from intentflow.gate.policy import GatePolicy
from intentflow.pipeline.options import PipelineOptions
from intentflow.recipe.recipe import Recipe, recipe_path, shipped_recipes
from intentflow.taxonomy import Taxonomy


class DataConfig(StrictModel):
    """Where labels come from and how they are prepared."""

    sources: list[str] = Field(min_length=1, description="Labelling exports: files, folders, s3://")
    format: str = Field("auto", description="The labelling tool's format")
    test: str | None = Field(None, description="A test file that bypasses the split")
    test_share: float = Field(0.1, ge=0, lt=1, description="Used where there is no test file")
    validation_share: float = Field(0.1, ge=0, lt=1)
    seed: int = Field(0, description="Of the split")
    taxonomy: str | None = Field(None, description="taxonomy.yaml; inferred from labels if empty")
    policy: str | None = Field(None, description="Data policy: levels and limits of the checks")
    redact: bool = Field(True, description="Replace personal data by placeholders")
    dedup: Literal["none", "exact", "near"] = "exact"
    conflicts: Literal["list", "majority", "latest", "drop"] = Field(
        "list", description="What becomes of an utterance with several labels"
    )
    teacher: str | None = Field(
        None, description="teacher.yaml: who writes rows where pipeline.balance is synthesize"
    )

    @field_validator("sources", mode="before")
    @classmethod
    def _one_is_a_list(cls, value: object) -> object:
        return [value] if isinstance(value, str) else value


class EvaluateConfig(StrictModel):
    """How the model is scored."""

    constrained: bool = Field(True, description="Keep answers inside the taxonomy")
    baselines: list[Literal["majority", "linear", "encoder", "untuned", "few-shot"]] = Field(
        default=["majority", "linear"],
        min_length=1,
        description="Simple models that are scored on the same rows, for report and gate",
    )
    hourly_price: float = Field(
        0.0, ge=0, description="Of the machine, in any currency, for the report's cost; 0: none"
    )


class RunConfig(StrictModel):
    """All inputs of the finetune graph. Paths are relative to the file that names them."""

    data: DataConfig
    recipe: str = Field(description="A shipped recipe (model/method) or a YAML file")
    policy: str = Field(description="The gate's policy, YAML")
    policy_name: str = Field(
        "", description="Which of the policies in that file, such as production; empty: its rules"
    )
    champion: str | None = Field(None, description="metrics.json of the model in service")
    evaluate: EvaluateConfig = Field(default_factory=EvaluateConfig)
    publish: str | None = Field(None, description="Folder or s3:// for models that passed")
    deploy: DeployOptions = Field(default_factory=DeployOptions)
    pipeline: PipelineOptions = Field(default_factory=PipelineOptions)
    recipe_overrides: list[str] = Field(default_factory=list, exclude=True)
    policy_overrides: list[str] = Field(default_factory=list, exclude=True)

    @model_validator(mode="after")
    def _synthesis_has_a_teacher(self) -> Self:
        if self.pipeline.balance == "synthesize" and not self.data.teacher:
            raise ValueError("pipeline.balance: synthesize needs data.teacher, a teacher.yaml")
        return self

    @classmethod
    def load(cls, path: str | Path, settings: Iterable[str] = ()) -> Self:
        """Read a run configuration and apply ``--set`` settings.

        ``recipe.KEY`` and ``policy.KEY`` reach into the files that the configuration names.
        Paths in the file are relative to it, paths in settings to the working directory.

        Raises:
            IntentflowError: Naming file and key of what is wrong.
        """
        inner: dict[str, list[str]] = {"recipe": [], "policy": []}
        own: list[str] = []
        for setting in settings:
            section, dot, rest = setting.partition(".")
            if dot and section in inner and "=" not in section:
                inner[section].append(rest)
            else:
                own.append(setting)
        document = _absolute(load_yaml(path), Path(path).resolve().parent)
        document = _absolute(apply_overrides(document, own), Path.cwd())
        config = cls.from_mapping(document, str(path))
        config.recipe_overrides = inner["recipe"]
        config.policy_overrides = inner["policy"]
        return config

    def read_recipe(self) -> Recipe:
        """The recipe with its overrides."""
        return Recipe.load(self.recipe, self.recipe_overrides)

    def read_policy(self) -> GatePolicy:
        """The gate's policy with its overrides."""
        return GatePolicy.from_yaml(self.policy, self.policy_overrides)


def pipeline_arguments(
    config: RunConfig, *, publish_to: str, deploy_output: str = ""
) -> dict[str, Any]:
    """The arguments of the finetune graph.

    Every file the configuration names is read and checked here, so that a wrong key is found
    before anything runs.

    Args:
        config: The run configuration.
        publish_to: Where models go unless the configuration says.
        deploy_output: Folder for a copy of the manifests; empty for none.
    """
    from intentflow.artifacts.metrics import Metrics
    from intentflow.evaluate.scores import for_comparing
    from intentflow.gate.policy import require_known
    from intentflow.pipeline.code_version import code_version
    from intentflow.storage import digest_of
    from intentflow.validate import DataPolicy

    data = config.data
    test_digest = digest_of(data.test) if data.test else ""
    gate_policy = config.read_policy()
    # A wrong name is found before anything is trained.
    require_known(gate_policy.named(config.policy_name))
    policy = DataPolicy.from_yaml(data.policy) if data.policy else DataPolicy()
    taxonomy = _parameter(Taxonomy.from_yaml(data.taxonomy)) if data.taxonomy else {}
    return {
        "sources": data.sources,
        "sources_digest": " ".join(digest_of(source, loose=True) for source in data.sources),
        "recipe": _parameter(config.read_recipe()),
        "gate_policy": _parameter(gate_policy),
        "publish_to": config.publish or publish_to,
        "code_version": code_version(),
        "export_format": data.format,
        "redact": data.redact,
        "dedup": data.dedup,
        "conflicts": data.conflicts,
        "data_policy": _parameter(policy),
        "taxonomy": taxonomy,
        "test_source": data.test or "",
        "test_digest": test_digest,
        "test_share": data.test_share,
        "validation_share": data.validation_share,
        "seed": data.seed,
        "teacher": _parameter(_read_teacher(config)) if data.teacher else {},
        "baseline_kinds": list(config.evaluate.baselines),
        "constrained": config.evaluate.constrained,
        "hourly_price": config.evaluate.hourly_price,
        "policy_name": config.policy_name,
        "champion": _parameter(for_comparing(Metrics.read(config.champion)))
        if config.champion
        else {},
        "deploy_options": _parameter(config.deploy),
        "deploy_output": deploy_output,
    }


def _read_teacher(config: RunConfig) -> StrictModel:
    from intentflow.synthesis.teacher import Teacher

    return Teacher.from_yaml(str(config.data.teacher))


def _parameter(model: BaseModel) -> dict[str, Any]:
    """A document as a pipeline parameter: what was set, without what is empty."""
    found: dict[str, Any] = _without_none(model.model_dump(mode="json", exclude_unset=True))
    return found


def _without_none(value: Any) -> Any:
    """KFP's parameters know no null."""
    if isinstance(value, dict):
        return {key: _without_none(item) for key, item in value.items() if item is not None}
    if isinstance(value, list):
        return [_without_none(item) for item in value if item is not None]
    return value


def _absolute(document: Any, folder: Path) -> Any:
    """Paths made absolute from ``folder``; URIs, shipped recipes and absolute paths stay."""
    if not isinstance(document, Mapping):
        return document
    result = dict(document)
    for key in ("policy", "champion", "publish"):
        result = _absolute_key(result, key, folder)
    if isinstance(result.get("recipe"), str) and not _is_shipped(result["recipe"]):
        result = _absolute_key(result, "recipe", folder)
    if isinstance(result.get("data"), Mapping):
        data = dict(result["data"])
        for key in ("sources", "test", "taxonomy", "policy", "teacher"):
            data = _absolute_key(data, key, folder)
        result["data"] = data
    return result


def _absolute_key(section: dict[str, Any], key: str, folder: Path) -> dict[str, Any]:
    value = section.get(key)
    if isinstance(value, str):
        return {**section, key: _absolute_path(value, folder)}
    if isinstance(value, list):
        return {
            **section,
            key: [_absolute_path(v, folder) if isinstance(v, str) else v for v in value],
        }
    return section


def _absolute_path(value: str, folder: Path) -> str:
    return value if "://" in value or not value else str(folder / Path(value).expanduser())


def _is_shipped(name: str) -> bool:
    try:
        return name in shipped_recipes() or not recipe_path(name)
    except IntentflowError:
        return not name.endswith((".yaml", ".yml"))  # a misspelt name is named when it is read
