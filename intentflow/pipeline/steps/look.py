"""Look: what is new since the data set that the champion was trained on."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from intentflow.pipeline.parameters import as_parameter

if TYPE_CHECKING:
    from intentflow.artifacts.registry_entry import EntrySource, RegistryEntry
    from intentflow.artifacts.retraining import RetrainNews, SourceNews
    from intentflow.pipeline.steps.recorded import RecordConfig
    from intentflow.pipeline.steps.recorded_recipes import DataRecipe, ModelRecipe

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Champion:
    """The champion of a service, as the registry has it.

    Attributes:
        model: Entry of the model.
        data: Entry of the data set that it was trained on; None if that is unknown.
        data_id: Id of that entry; empty if it is unknown.
        stale_since: Time at which rows were erased that it has learned from; empty for none.
    """

    model: RegistryEntry
    data: RegistryEntry | None
    data_id: str = ""
    stale_since: str = ""


@dataclass(frozen=True)
class Present:
    """Sources and settings of a run.

    Attributes:
        sources: Addresses of labelling exports and of logs.
        digests: Digests of the sources, in the same order.
        data: Configurations of the steps that prepare the rows.
        model: Configurations of the training, the gate and the preference tuning.
    """

    sources: Sequence[str]
    digests: Sequence[str]
    data: DataRecipe
    model: ModelRecipe


def find_champion(config: RecordConfig) -> Champion | None:
    """The champion of the service in the registry.

    Args:
        config: Place of the registry, name of the service.

    Returns:
        Entries of the champion; None without a registry or a champion.

    Raises:
        InputError: The registry is damaged.
        ServiceError: The storage does not answer, or refuses.
    """
    from intentflow.registry import Registry

    if not config.registry:
        return None
    found = Registry(config.registry).aliases(config.service).current.get("champion")
    return read_champion(config, found) if found else None


def read_champion(config: RecordConfig, model_id: str) -> Champion:
    """A model and its data set by the model's id, which another run may have replaced since.

    Args:
        config: Place of the registry.
        model_id: Id of the model's entry.

    Raises:
        InputError: There is no such entry, or it is damaged.
        ServiceError: The storage does not answer, or refuses.
    """
    from intentflow.registry import Registry
    from intentflow.registry.erasures import read_erasures, stale_since

    registry, erasures = Registry(config.registry or ""), read_erasures(config.registry or "")
    model = registry.entry(model_id)
    stale = stale_since(model_id, erasures, registry.entry)
    for parent in model.parents:
        now = erasures.successor(parent) if registry.entry(parent).kind == "dataset" else None
        if now:
            return Champion(model, registry.entry(now), now, stale)
    return Champion(model, None, stale_since=stale)


def run_look(champion: Champion | None, present: Present) -> RetrainNews:
    """List what is new since the champion's data set.

    Args:
        champion: The champion; None for a first model.
        present: Sources and settings of the run.

    Returns:
        The news, and whether they are a reason to train.
    """
    from intentflow.artifacts.retraining import RetrainNews

    known = champion.data.sources if champion and champion.data else []
    sources = _sources(present, known)
    gone = sorted({one.uri for one in known} - set(present.sources))
    settings = _changed_settings(champion, present)
    reasons = _reasons(champion, sources, gone, settings)
    news = RetrainNews(
        retrain=bool(reasons),
        champion=champion.model.id if champion else None,
        data=champion.data_id or None if champion else None,
        sources=sources,
        gone=gone,
        settings=settings,
        reasons=reasons or ["sources, recipe and policy are those of the champion"],
    )
    for reason in news.reasons:
        log.info("%s: %s", "a reason to train" if news.retrain else "nothing is new", reason)
    return news


def _sources(present: Present, known: Sequence[EntrySource]) -> list[SourceNews]:
    from intentflow.artifacts.retraining import SourceNews

    pairs = {(one.uri, one.digest) for one in known}
    uris = {one.uri for one in known}
    return [
        SourceNews(
            uri=uri,
            state="same" if (uri, digest) in pairs else "changed" if uri in uris else "new",
        )
        for uri, digest in zip(present.sources, present.digests, strict=True)
    ]


def _changed_settings(champion: Champion | None, present: Present) -> list[str]:
    """Names of the steps whose configuration is not the champion's, and of the policy."""
    from intentflow.pipeline.steps.train import TrainConfig

    if champion is None:
        return []
    before = dict(champion.model.recipe)
    now = as_parameter(present.model)
    own = [
        name for name in type(present.model).model_fields if name not in TrainConfig.model_fields
    ]
    changed = [key for key in own if before.pop(key, {}) != now.pop(key, {})]
    changed += [] if before == now else ["train"]
    recorded = champion.data.recipe if champion.data else {}
    data = as_parameter(present.data)
    return changed + [step for step, one in data.items() if recorded.get(step, {}) != one]


def _reasons(
    champion: Champion | None,
    sources: Sequence[SourceNews],
    gone: Sequence[str],
    settings: Sequence[str],
) -> list[str]:
    if champion is None:
        return ["there is no champion in the registry"]
    if champion.data is None:
        return ["the data set of the champion is unknown"]
    stale = [f"the champion is stale: rows were erased at {champion.stale_since}"]
    reasons = stale if champion.stale_since else []
    reasons += [f"{one.uri} is {one.state}" for one in sources if one.state != "same"]
    reasons += [f"{uri} is no source any more" for uri in gone]
    return reasons + [f"another configuration of {step}" for step in settings]
