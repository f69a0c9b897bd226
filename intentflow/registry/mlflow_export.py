"""Export of a registry to MLflow: its models as runs and versions, with the same aliases.

An export brings MLflow up to date and changes nothing else there, so it may be repeated: after a
run, after a promotion by hand, or after a server was away.
"""

from __future__ import annotations

import json
import logging
import re
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from intentflow.artifacts.registry_entry import ALIASES, TIME_FORMAT, RegistryEntry
from intentflow.errors import IntentflowError
from intentflow.registry.history import verdict_word
from intentflow.registry.listing import SHORT, Listing
from intentflow.registry.mlflow_api import Document, MlflowApi
from intentflow.storage import is_remote, read_file

log = logging.getLogger(__name__)

ENTRY_TAG = "intentflow.entry"
"""Tag of a run and of a model's version: the id of the entry in the registry."""

_FINISHED = "FINISHED"
_MODEL = "model"  # folder of the artifacts of a run
_MAX_PARAMETERS = 100  # of one call
_MAX_CHARACTERS = 6000  # of a parameter's value
_UNSUITABLE = re.compile(r"[^\w./ -]")


@dataclass(frozen=True)
class Exported:
    """Numbers of what an export added.

    Attributes:
        models: Number of models that MLflow did not have.
        aliases: Number of aliases that were set or removed.
    """

    models: int
    aliases: int


def export_to_mlflow(listing: Listing, tracking_uri: str) -> Exported:
    """Bring MLflow up to date with a registry.

    Each model is a run of the experiment with its service's name: parameters, scores, verdict and
    reports. A model that passed its gate is a version of the registered model with that name. Its
    source is its ``s3://`` address; a model in a folder is stored as an artifact of the run.

    Args:
        listing: The registry.
        tracking_uri: Address of the MLflow server.

    Returns:
        Numbers of what was added.

    Raises:
        InputError: The address is none of a server, or a local model cannot be read.
        ServiceError: The server does not answer, or refuses.
    """
    models = aliases = 0
    entries = [one for one in listing.entries.values() if one.kind == "model"]
    with MlflowApi(tracking_uri) as api:
        for service in sorted({one.name for one in entries}):
            own = [one for one in entries if one.name == service]
            models += _Service(api, service).add(own)
            current = listing.aliases[service].current if service in listing.aliases else {}
            aliases += _set_aliases(api, service, {**current})
    return Exported(models, aliases)


class _Service:
    """The experiment and the registered model of a service."""

    def __init__(self, api: MlflowApi, name: str) -> None:
        self._api, self._name = api, name
        self._experiment = self._experiment_id()
        if api.find("registered-models/get", name=name) is None:
            api.change("registered-models/create", {"name": name})

    def add(self, entries: list[RegistryEntry]) -> int:
        """Add the models that are not there; how many these were."""
        runs = self._runs()
        done = {entry for entry, run in runs.items() if run["info"]["status"] == _FINISHED}
        missing = [one for one in entries if one.id not in done]
        for entry in missing:
            # A run that is there, but not finished, is that of an export that was ended.
            self._add(entry, runs.get(entry.id) or self._create_run(entry))
        return len(missing)

    def _add(self, entry: RegistryEntry, run: Document) -> None:
        run_id, place = run["info"]["run_id"], run["info"]["artifact_uri"]
        parameters = [{"key": k, "value": v} for k, v in _parameters(entry.recipe)]
        for start in range(0, len(parameters), _MAX_PARAMETERS):
            some = parameters[start : start + _MAX_PARAMETERS]
            self._api.change("runs/log-batch", {"run_id": run_id, "params": some})
        self._api.change("runs/log-batch", {"run_id": run_id, "metrics": _metrics(entry)})
        self._add_reports(entry, place)
        if entry.uri and entry.verdict and entry.verdict.passed:
            self._add_version(entry, run_id, place)
        ended = {"run_id": run_id, "status": _FINISHED, "end_time": _milliseconds(entry)}
        self._api.change("runs/update", ended)

    def _add_reports(self, entry: RegistryEntry, place: str) -> None:
        """Store the reports that can be read from here; the tags have the addresses of all."""
        for name, address in entry.reports.items():
            content = _content(address)
            if content is None:
                continue
            with tempfile.TemporaryDirectory() as folder:
                file = Path(folder) / f"{name}.html"
                file.write_bytes(content)
                self._api.upload(place, f"reports/{name}.html", file)

    def _add_version(self, entry: RegistryEntry, run_id: str, place: str) -> None:
        if entry.id in _versions(self._api, self._name):
            return
        source = str(entry.uri)
        if not is_remote(source):
            folder, source = Path(source), f"{place}/{_MODEL}"
            for file in sorted(path for path in folder.rglob("*") if path.is_file()):
                self._api.upload(place, f"{_MODEL}/{file.relative_to(folder)}", file)
        version = {"name": self._name, "source": source, "run_id": run_id, "tags": _tags(entry)}
        self._api.change("model-versions/create", version)

    def _create_run(self, entry: RegistryEntry) -> Document:
        body = {
            "experiment_id": self._experiment,
            "run_name": entry.run or entry.id[:SHORT],
            "start_time": _milliseconds(entry),
            "tags": _tags(entry),
        }
        found: Document = self._api.change("runs/create", body)["run"]
        return found

    def _runs(self) -> dict[str, Document]:
        """The runs of earlier exports, by the id of their entry."""
        body = {"experiment_ids": [self._experiment]}
        runs = self._api.pages("runs/search", "runs", body)
        return {entry: run for run in runs if (entry := _entry_of(run["data"].get("tags", [])))}

    def _experiment_id(self) -> str:
        named = self._api.find("experiments/get-by-name", experiment_name=self._name)
        if named is not None:
            return str(named["experiment"]["experiment_id"])
        return str(self._api.change("experiments/create", {"name": self._name})["experiment_id"])


def _set_aliases(api: MlflowApi, service: str, current: Mapping[Any, str]) -> int:
    """Point the aliases to the versions of the models; how many were changed."""
    versions = _versions(api, service)
    found = api.find("registered-models/get", name=service) or {}
    listed = found.get("registered_model", {}).get("aliases", [])
    before = {one["alias"]: one["version"] for one in listed}
    changed = 0
    for alias in ALIASES:
        entry = current.get(alias)
        version = versions.get(entry) if entry else None
        if entry and version is None:
            log.warning("MLflow has no version of the %s of %s, %s", alias, service, entry[:SHORT])
        body = {"name": service, "alias": alias}
        if version is None and alias in before:
            api.change("registered-models/alias", body, "DELETE")
            changed += 1
        elif version is not None and before.get(alias) != version:
            api.change("registered-models/alias", {**body, "version": version})
            changed += 1
    return changed


def _versions(api: MlflowApi, service: str) -> dict[str, str]:
    """The versions of a registered model by the id of their entry."""
    found: dict[str, str] = {}
    token = ""
    while True:
        query = {"filter": f"name='{service}'", "max_results": "200", "page_token": token}
        page = api.find("model-versions/search", **query) or {}
        for one in page.get("model_versions", []):
            if entry := _entry_of(one.get("tags", [])):
                found[entry] = str(one["version"])
        if not (token := page.get("next_page_token", "")):
            return found


def _entry_of(tags: list[Document]) -> str:
    return next((str(one["value"]) for one in tags if one["key"] == ENTRY_TAG), "")


def _tags(entry: RegistryEntry) -> list[Document]:
    values = {
        ENTRY_TAG: entry.id,
        "intentflow.digest": entry.digest,
        "intentflow.verdict": verdict_word(entry),
        "intentflow.not_met": "; ".join(entry.verdict.reasons if entry.verdict else []),
        "intentflow.code_version": entry.code_version,
        "intentflow.run": entry.run,
        "intentflow.parents": " ".join(entry.parents),
        **{f"intentflow.report.{name}": address for name, address in entry.reports.items()},
    }
    return [
        {"key": _key(key), "value": value[:_MAX_CHARACTERS]}
        for key, value in values.items()
        if value
    ]


def _parameters(recipe: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    """The values of a configuration by their dotted keys.

    Example:
        >>> list(_parameters({"recipe": {"method": "full", "seeds": [1, 2]}}))
        [('recipe.method', 'full'), ('recipe.seeds', '[1, 2]')]
    """
    for key, value in recipe.items():
        name = f"{prefix}{key}"
        if isinstance(value, Mapping):
            yield from _parameters(value, f"{name}.")
        else:
            text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
            yield _key(name), text[:_MAX_CHARACTERS]


def _metrics(entry: RegistryEntry) -> list[Document]:
    time = _milliseconds(entry)
    return [
        {"key": _key(name), "value": value, "timestamp": time, "step": 0}
        for name, value in entry.metrics.items()
        if value is not None
    ]


def _milliseconds(entry: RegistryEntry) -> int:
    made = datetime.strptime(entry.created, TIME_FORMAT).replace(tzinfo=UTC)
    return int(made.timestamp() * 1000)


def _key(text: str) -> str:
    """A name without characters that MLflow refuses."""
    return _UNSUITABLE.sub("_", text)[:250]


def _content(address: str) -> bytes | None:
    """A report, local or on ``s3://``; None if it cannot be read from here."""
    folder, _, name = address.rpartition("/")
    try:
        return read_file(folder, name) if folder else None
    except IntentflowError as error:
        log.info("the report %s is not exported: %s", address, error)
        return None
