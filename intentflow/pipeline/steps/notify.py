"""Notify: the outcome of a run, for a webhook that takes Slack's JSON, or as a file."""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

from pydantic import Field, field_validator

from intentflow.config import Place, StrictModel
from intentflow.errors import InputError, IntentflowError, ServiceError

if TYPE_CHECKING:
    from intentflow.artifacts.registry_entry import EntryKind, RegistryEntry
    from intentflow.pipeline.steps.recorded import Recorded

log = logging.getLogger(__name__)

WEBHOOK_VARIABLE = "INTENTFLOW_WEBHOOK_URL"
_SECONDS = 10.0
_RETRIES = 3
_MAX_REASONS = 10
_MAX_CHARACTERS = 3000


class NotifyConfig(StrictModel):
    """Receivers of the outcome of a run.

    Example:
        >>> NotifyConfig(run_page="https://kubeflow/runs/{run}").link("7f3a")
        'https://kubeflow/runs/7f3a'
    """

    file: Annotated[str | None, Place()] = Field(
        None, description="File, local or s3://, that gets the message of the last run as JSON"
    )
    run_page: str | None = Field(
        None, description="Address of the page of a run, with {run} for its id, for a link"
    )

    tracking_uri: str | None = Field(
        None,
        description="Address of an MLflow server, http(s)://, that gets the registry's models, "
        "scores and aliases; its token is a secret, in MLFLOW_TRACKING_TOKEN",
    )

    @field_validator("file")
    @classmethod
    def _is_a_file(cls, place: str | None) -> str | None:
        scheme, _, path = (place or "").rpartition("://")
        if place and (path.endswith("/") or (scheme and "/" not in path)):
            raise ValueError(f"{place} is a folder or a bucket: give a file")
        return place

    def link(self, run: str) -> str:
        """The address of a run's page; empty if none is configured."""
        return (self.run_page or "").replace("{run}", run)


@dataclass(frozen=True)
class RunOutcome:
    """The end of a run.

    Attributes:
        succeeded: Whether every step succeeded.
        error: Message of the runner; empty if there is none.
    """

    succeeded: bool
    error: str = ""


def run_notify(config: NotifyConfig, recorded: Recorded, outcome: RunOutcome) -> None:
    """Send the outcome to the file, the webhook and MLflow, if they are configured.

    A receiver that is away is logged and does not fail a run that succeeded.

    Args:
        config: The receivers.
        recorded: The run and its registry.
        outcome: The end of the run.
    """
    _export(config, recorded)
    webhook = os.environ.get(WEBHOOK_VARIABLE)
    if not (webhook or config.file):
        log.info("no receiver is configured (key notify, %s): nothing is sent", WEBHOOK_VARIABLE)
        return
    text = message(recorded, outcome, _entries(recorded), config.link(recorded.run))
    for send, place in ((_write, config.file), (_post, webhook)):
        try:
            if place:
                send(place, {"text": text})
        except IntentflowError as error:
            log.warning("the outcome was not sent: %s", error)


def message(
    recorded: Recorded,
    outcome: RunOutcome,
    entries: Mapping[EntryKind, RegistryEntry],
    link: str = "",
) -> str:
    """The message in Slack's markup, in which what steps wrote is escaped.

    Args:
        recorded: The run.
        outcome: The end of the run.
        entries: The entries that it wrote, by kind.
        link: Address of its page; empty for none.
    """
    model = entries.get("model")
    word = "succeeded" if outcome.succeeded else "failed"
    mark = ":white_check_mark:" if outcome.succeeded else ":x:"
    lines = [f"{mark} *{_escaped(recorded.config.service)}*: the run {_run(recorded, link)} {word}"]
    if outcome.error and not outcome.succeeded:
        lines.append(_escaped(outcome.error))
    if model is not None:
        lines += _verdict(model)
        lines += [f"{name} report: {_escaped(uri)}" for name, uri in model.reports.items()]
    if (deployment := entries.get("deployment")) is not None:
        lines.append(f"deployed: {_escaped(deployment.uri or deployment.digest)}")
    text = "\n".join(lines)[:_MAX_CHARACTERS]
    return text.encode("utf-8", "replace").decode()


def _run(recorded: Recorded, link: str) -> str:
    run = _escaped(recorded.run)
    return f"<{_escaped(link)}|{run}>" if link else run


def _verdict(model: RegistryEntry) -> list[str]:
    from intentflow.artifacts.metrics import INTENT_ACCURACY, PARAMETER_ACCURACY

    verdict = model.verdict
    scores = [
        f"{name.replace('_', ' ')} {value:.3f}"
        for name in (INTENT_ACCURACY, PARAMETER_ACCURACY)
        if (value := model.metrics.get(name)) is not None
    ]
    word = "passed" if verdict and verdict.passed else "did not pass"
    lines = [f"the model {model.digest[:12]} {word} the gate: {', '.join(scores)}"]
    reasons = verdict.reasons if verdict else []
    return lines + [f"• not met: {_escaped(reason)}" for reason in reasons[:_MAX_REASONS]]


def _entries(recorded: Recorded) -> dict[EntryKind, RegistryEntry]:
    from intentflow.registry import Registry

    if not recorded.config.registry or not recorded.run:
        return {}
    try:
        return Registry(recorded.config.registry).of_run(recorded.run)
    except IntentflowError as error:
        log.warning("the message has no verdict: %s", error)
        return {}


def _export(config: NotifyConfig, recorded: Recorded) -> None:
    from intentflow.registry import Registry
    from intentflow.registry.mlflow_export import export_to_mlflow

    if not config.tracking_uri or not recorded.config.registry:
        return
    try:
        listing = Registry(recorded.config.registry).listing()
        done = export_to_mlflow(listing, config.tracking_uri)
    except IntentflowError as error:
        log.warning("the registry was not exported to MLflow: %s", error)
    else:
        log.info("MLflow: %d new models, %d changed aliases", done.models, done.aliases)


def _write(place: str, document: Mapping[str, str]) -> None:
    from intentflow.storage.objects import open_objects

    folder, slash, name = place.rpartition("/")
    text = json.dumps(document, ensure_ascii=False)
    open_objects(folder or slash or ".").write(name, f"{text}\n".encode("utf-8", "replace"))


def _post(url: str, document: Mapping[str, str]) -> None:
    """Post JSON; the address, which is a secret, is in no message."""
    import urllib3

    if not url.startswith(("https://", "http://")):
        raise InputError(f"{WEBHOOK_VARIABLE} is no address of a webhook: expected https://…")
    retries = urllib3.Retry(
        total=_RETRIES,
        read=0,  # it may have the message, and would show it again
        backoff_factor=0.5,
        status_forcelist=[429, 500, 502, 503, 504],
        allowed_methods={"POST"},
        raise_on_status=False,
        redirect=0,
    )
    try:
        with urllib3.PoolManager(timeout=_SECONDS, retries=retries) as pool:
            # The body may never end, and nothing of it is needed.
            response = pool.request("POST", url, json=document, preload_content=False)
            status = response.status
            response.close()
    except (urllib3.exceptions.HTTPError, ValueError) as error:
        raise ServiceError(
            f"the webhook of {WEBHOOK_VARIABLE} does not answer ({type(error).__name__})"
        ) from None
    if status >= 300:
        raise ServiceError(f"the webhook of {WEBHOOK_VARIABLE} answered with status {status}")


def _escaped(text: str) -> str:
    """A text without Slack's markup: links, mentions of channels, further lines."""
    for character, escape in (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;")):
        text = text.replace(character, escape)
    return " ".join(text.split())
