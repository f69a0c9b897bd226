"""The run configuration: all inputs of a graph, for local runs and for Kubeflow alike."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Annotated, Any, Self

from pydantic import Field, field_validator, model_validator

from intentflow.baselines.kinds import QUICK_KINDS
from intentflow.config import Place, StrictModel, as_list, load_yaml, marker
from intentflow.conversion.sources import require_source
from intentflow.deployment.options import DeployOptions
from intentflow.errors import InputError
from intentflow.gating.policy import GatePolicy
from intentflow.overrides import Override, Overrides, apply_overrides, parsed
from intentflow.pipeline.options import PipelineOptions
from intentflow.pipeline.steps.balance import TeacherFile
from intentflow.pipeline.steps.baseline import BaselineSettings, Kinds
from intentflow.pipeline.steps.convert import ConvertConfig
from intentflow.pipeline.steps.correct import PreferenceConfig
from intentflow.pipeline.steps.curate import CurateConfig
from intentflow.pipeline.steps.evaluate import EvaluateConfig
from intentflow.pipeline.steps.fields import TaxonomyFile
from intentflow.pipeline.steps.gate_fields import GateRules
from intentflow.pipeline.steps.merge import RetrainConfig
from intentflow.pipeline.steps.notify import NotifyConfig
from intentflow.pipeline.steps.publish import DESTINATION
from intentflow.pipeline.steps.recipe_fields import RecipeFile
from intentflow.pipeline.steps.split import SplitConfig
from intentflow.pipeline.steps.validate import DataChecks
from intentflow.recipe.console_settings import by_own_names
from intentflow.recipe.recipe import Recipe
from intentflow.registry.place import PLACE


class DataConfig(ConvertConfig, CurateConfig, DataChecks, SplitConfig):
    """Sources of the labels and their preparation."""

    sources: Annotated[list[str], Place()] = Field(
        min_length=1, description="Labelling exports: files, folders, s3://"
    )
    taxonomy: TaxonomyFile = None
    teacher: TeacherFile = None

    @field_validator("sources", mode="before")
    @classmethod
    def _one_source_is_a_list(cls, value: object) -> object:
        return as_list(value)


class EvaluateSection(EvaluateConfig):
    """Settings of the evaluation, and the baselines for comparison."""

    baselines: Kinds = Field(list(QUICK_KINDS))


class RunConfig(GateRules):
    """All inputs of a graph; paths are relative to the configuration file."""

    data: DataConfig
    recipe: RecipeFile
    champion: Annotated[str | None, Place()] = Field(
        None, description="metrics.json of the model in service"
    )
    baseline: BaselineSettings = Field(default_factory=BaselineSettings)
    evaluate: EvaluateSection = Field(default_factory=EvaluateSection)
    publish: Annotated[str | None, Place()] = Field(None, description=DESTINATION)
    registry: Annotated[str | None, Place()] = Field(None, description=PLACE)
    retrain: RetrainConfig = Field(default_factory=RetrainConfig)
    notify: NotifyConfig = Field(default_factory=NotifyConfig)
    deploy: DeployOptions = Field(default_factory=DeployOptions)
    pipeline: PipelineOptions = Field(default_factory=PipelineOptions)

    @model_validator(mode="after")
    def _synthesis_has_a_teacher(self) -> Self:
        if self.pipeline.balance == "synthesize" and not self.data.teacher:
            raise ValueError("pipeline.balance: synthesize needs data.teacher, a teacher.yaml")
        return self

    @model_validator(mode="after")
    def _adapters_have_no_tokens_of_their_own(self) -> Self:
        """Where vLLM serves adapters by themselves, answers are text unless tokens are asked for.

        It does not load the embedding rows that tokens add to an adapter.
        """
        recipe = self.recipe
        if self.deploy.lora_adapters and recipe.intent_tokens is None and recipe.method != "dpo":
            self.recipe = recipe.model_copy(update={"intent_tokens": False})
        return self

    @model_validator(mode="after")
    def _adapters_fit_their_base(self) -> Self:
        if self.deploy.lora_adapters and self.pipeline.preferences:
            raise ValueError(
                "pipeline.preferences: the corrections change the trained model, whose adapter "
                "deploy.lora_adapters serves without them: remove one of them"
            )
        if self.deploy.lora_adapters and self.recipe.start_from:
            raise ValueError(
                "recipe.start_from: an adapter of another model does not fit the base model that "
                "deploy.lora_adapters serves it with: remove one of them"
            )
        return self

    @classmethod
    def load(cls, path: str | Path, settings: Overrides = ()) -> Self:
        """Read a run configuration and the files that it names, and apply ``--set`` settings.

        ``recipe.KEY`` and ``policy.KEY`` override keys of the files that the configuration names.
        Paths in the file are relative to it, paths in settings to the working directory.

        Args:
            path: The YAML file.
            settings: Settings of the form ``key.sub=value``.

        Raises:
            InputError: A key is invalid; the message names file or setting, and key.
        """
        settings = parsed(settings)
        own, inner = _by_file(settings)
        document = load_yaml(path)
        if document is not None and not isinstance(document, Mapping):
            return cls.from_mapping(document, str(path))
        if not document and not own:
            raise InputError(
                f"{path} is empty: data.sources, recipe and policy are required; "
                "intentflow init DIR writes a commented draft"
            )
        _require_sources(apply_overrides(document or {}, own), str(path))
        document = _absolute(cls, document or {}, Path(path).resolve().parent)
        document = _absolute(cls, apply_overrides(document, own), Path.cwd())
        for section, overrides in inner.items():
            if section in document or overrides:
                document[section] = _read_section(section, document.get(section), overrides)
        return cls.from_mapping(document, str(path), parsed(settings))


def _require_sources(document: Mapping[str, Any], where: str) -> None:
    """Refuse sources that are hardly meant, before they become paths.

    Raises:
        InputError: One of them is, see :func:`intentflow.conversion.sources.require_source`.
    """
    data = document.get("data")
    if not isinstance(data, Mapping):
        return
    for key in ("sources", "test"):
        found = as_list(data.get(key))
        for source in found if isinstance(found, list) else ():
            if isinstance(source, str):
                _require_source(source, f"{where}: data.{key}")


def _require_source(source: str, where: str) -> None:
    try:
        require_source(source)
    except InputError as error:
        raise InputError(f"{where}: {error}") from None


def _by_file(settings: Iterable[Override]) -> tuple[list[Override], dict[str, list[Override]]]:
    """Settings of the run itself, and those of a file that it names."""
    own: list[Override] = []
    inner: dict[str, list[Override]] = {"recipe": [], "policy": []}
    for setting in settings:
        if len(setting.keys) > 1 and setting.keys[0] in inner:
            inner[setting.keys[0]].append(setting.below)
        else:
            own.append(setting)
    return own, inner


def _read_section(section: str, value: Any, overrides: list[Override]) -> Any:
    """Recipe or policy with its overrides, from its file or from the run's own section."""
    read = {"recipe": Recipe.load, "policy": GatePolicy.from_yaml}
    if isinstance(value, str):
        return read[section](value, overrides)
    if value is not None and not isinstance(value, Mapping):
        return value  # refused when the run's keys are checked
    return apply_overrides(value, by_own_names(overrides) if section == "recipe" else overrides)


_SECTIONS: dict[str, type[StrictModel]] = {
    "data": DataConfig,
    "retrain": RetrainConfig,
    "pipeline": PipelineOptions,
    "preferences": PreferenceConfig,
}
"""The sections of a run that hold paths."""


def _absolute(model: type[StrictModel], document: Any, folder: Path) -> Any:
    """Make paths absolute from ``folder``; URIs, names and absolute paths stay unchanged."""
    if not isinstance(document, Mapping):
        return document
    result = dict(document)
    for key, field in model.model_fields.items():
        place, value = marker(Place, field.metadata), result.get(key)
        if place is not None and isinstance(value, str | list):
            result[key] = _absolute_places(place, value, folder)
        elif key in _SECTIONS and key in result:
            result[key] = _absolute(_SECTIONS[key], value, folder)
    return result


def _absolute_places(place: Place, value: Any, folder: Path) -> Any:
    if isinstance(value, list):
        return [_absolute_places(place, item, folder) for item in value]
    if not isinstance(value, str) or not value or "://" in value:
        return value
    if place.is_name is not None and place.is_name(value):
        return value
    return str(folder / Path(value).expanduser())
