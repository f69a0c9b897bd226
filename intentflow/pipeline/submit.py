"""Submission of a compiled pipeline to Kubeflow Pipelines: upload, then run or schedule."""

from __future__ import annotations

import contextlib
import json
import logging
import re
import sys
import time
import warnings
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from intentflow.errors import CheckFailed, InputError, IntentflowError, ServiceError, UsageError
from intentflow.io.addresses import require_address
from intentflow.io.files import sha256_file
from intentflow.io.safe_yaml import yaml_documents
from intentflow.pipeline.code_version import code_version
from intentflow.storage import is_remote

log = logging.getLogger(__name__)

_CRON_FIELD = re.compile(r"[0-9A-Za-z*?/,\-]+")
_POLL_SECONDS = 5.0
_HEALTH_SECONDS = 10
_FINISHED = ("SUCCEEDED", "SKIPPED", "FAILED", "CANCELED")


@dataclass(frozen=True)
class Submitted:
    """The result of a submission.

    Attributes:
        pipeline_id: Id of the pipeline, new or existing.
        version_id: Id of the version with this graph.
        run_id: Id of the run; None for a schedule.
        recurring_run_id: Id of the schedule; None for a single run.
        url: URL for a browser.
        state: Final state of the run; None unless it was waited for.
    """

    pipeline_id: str
    version_id: str
    run_id: str | None
    recurring_run_id: str | None
    url: str
    state: str | None = None


@dataclass(frozen=True)
class Submission:
    """Settings of a submission.

    Attributes:
        namespace: Namespace of the user in a multi-user installation; otherwise None.
        experiment: Experiment that groups runs.
        run_name: Name of the run or schedule; pipeline, version and time by default.
        cron: Schedule of six fields, seconds first (five are taken as minutes first); None for a
            single run, now.
        service_account: Service account of the steps; the installation's own by default.
    """

    namespace: str | None = None
    experiment: str = "intentflow"
    run_name: str | None = None
    cron: str | None = None
    service_account: str | None = None


def submit(
    package: Path,
    arguments: Mapping[str, Any],
    *,
    host: str,
    token: str | None,
    submission: Submission | None = None,
    wait_seconds: float | None = None,
) -> Submitted:
    """Upload a compiled pipeline as a version named by its content, and run it.

    An existing version with the same code and the same graph is used again.

    Args:
        package: The compiled YAML.
        arguments: Arguments of the pipeline.
        host: URL of the KFP API.
        token: Bearer token; None for a host that requires none.
        submission: Names and schedule.
        wait_seconds: Maximum time to wait for the run's end; None does not wait.

    Raises:
        IntentflowError: The arguments are invalid, or the host refused.
        CheckFailed: The run was waited for and did not succeed.
    """
    chosen = submission or Submission()
    cron = parse_cron(chosen.cron) if chosen.cron else None
    refuse_local_places(arguments)
    name = pipeline_name(package)
    with _readable_errors(host):
        client = _connect(host, token, chosen.namespace)
        pipeline_id = client.get_pipeline_id(name) or _create(client, name, chosen)
        version = version_name(package)
        version_id = _upload_once(client, package, pipeline_id, version)
        experiment = client.create_experiment(chosen.experiment, namespace=chosen.namespace)
        job = {
            "experiment_id": experiment.experiment_id,
            "job_name": chosen.run_name or _run_name(name, version),
            "pipeline_id": pipeline_id,
            "version_id": version_id,
            "params": dict(arguments),
            "service_account": chosen.service_account,
        }
        made = _schedule(client, host, job, cron) if cron else _start(client, host, job)
        if wait_seconds is None or made.run_id is None:
            return made
        return replace(made, state=_wait(client, made.run_id, made.url, wait_seconds))


def parse_cron(expression: str) -> str:
    """Convert a schedule to KFP's form: six fields, seconds first; a 0 is put before five fields.

    Raises:
        UsageError: There are neither five nor six fields, or a field is invalid.

    Example:
        >>> parse_cron("0 3 * * 1")
        '0 0 3 * * 1'
    """
    fields = expression.split()
    if len(fields) not in (5, 6) or not all(_CRON_FIELD.fullmatch(field) for field in fields):
        raise UsageError(
            f"--cron {expression!r}: expected six fields (second minute hour day month weekday), "
            "such as '0 0 3 * * 1' for Mondays at three, or five without the second"
        )
    return " ".join(fields if len(fields) == 6 else ["0", *fields])


def refuse_local_places(arguments: Mapping[str, Any]) -> None:
    """Refuse arguments with local paths, which no step in a cluster can read.

    Raises:
        InputError: There is a local path; the message names the key and the path.
    """
    places = {
        "data.sources": _texts(arguments.get("sources")),
        "data.test": _texts(arguments.get("split", {}).get("test")),
    }
    for key, named in places.items():
        for place in named:
            if not is_remote(place):
                raise InputError(
                    f"{key}: {place} is a local path, which the cluster cannot read: run "
                    f"`intentflow publish {place} s3://bucket/prefix` and use the printed URI"
                )
    target = arguments.get("publish", {}).get("destination")
    if target is not None and not is_remote(str(target)):
        raise InputError(
            f"publish is {target or 'not set'}, but the cluster cannot write to a local folder: "
            "give a bucket, --set publish=s3://bucket/prefix"
        )


def pipeline_name(package: Path) -> str:
    """The name of a compiled pipeline.

    Raises:
        InputError: The file is not a compiled pipeline.
    """
    try:
        documents = yaml_documents(package.read_text(encoding="utf-8"), str(package))
        return str(documents[0][1]["pipelineInfo"]["name"])
    except OSError as error:
        raise InputError(f"{package}: {error.strerror}") from None
    except (IntentflowError, UnicodeDecodeError, LookupError, TypeError):
        raise InputError(
            f"{package} is not a compiled pipeline; `intentflow compile -o {package}` creates one"
        ) from None


def version_name(package: Path) -> str:
    """The name of this version: the code's version and the graph's digest."""
    return f"{code_version()}-{sha256_file(package)[:12]}".replace("+", "-")


def _texts(value: Any) -> Iterable[str]:
    values = value if isinstance(value, list | tuple) else [value]
    return [item for item in values if isinstance(item, str) and item]


def _connect(host: str, token: str | None, namespace: str | None) -> Any:
    """A client of a host that answers.

    Its health is checked here first, once, because the client itself tries five times and logs each
    failure at length.
    """
    import kfp_server_api
    from kfp import Client

    configuration = kfp_server_api.Configuration(host=host.rstrip("/"))
    if token:
        configuration.api_key["authorization"] = token
        configuration.api_key_prefix["authorization"] = "Bearer"
    health = kfp_server_api.HealthzServiceApi(kfp_server_api.ApiClient(configuration))
    health.healthz_service_get_healthz(_request_timeout=_HEALTH_SECONDS)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)
        return Client(host=host, existing_token=token, namespace=namespace or "kubeflow")


def _create(client: Any, name: str, submission: Submission) -> str:
    """Create an empty pipeline; an upload would create a first version with another name."""
    import kfp_server_api

    pipeline = kfp_server_api.V2beta1Pipeline(
        name=name, display_name=name, namespace=submission.namespace
    )
    return str(client.pipelines.pipeline_service_create_pipeline(pipeline).pipeline_id)


def _upload_once(client: Any, package: Path, pipeline_id: str, version: str) -> str:
    predicate = {"operation": "EQUALS", "key": "display_name", "stringValue": version}
    found = client.list_pipeline_versions(
        pipeline_id, filter=json.dumps({"predicates": [predicate]})
    )
    for item in found.pipeline_versions or ():
        if item.display_name == version:
            return str(item.pipeline_version_id)
    uploaded = client.upload_pipeline_version(str(package), version, pipeline_id=pipeline_id)
    return str(uploaded.pipeline_version_id)


def _run_name(pipeline: str, version: str) -> str:
    now = datetime.now(UTC).strftime("%Y-%m-%d %H:%M:%S")
    return f"{pipeline} {version} {now}"


def _start(client: Any, host: str, job: Mapping[str, Any]) -> Submitted:
    run = client.run_pipeline(**job)
    url = f"{host.rstrip('/')}/#/runs/details/{run.run_id}"
    return Submitted(job["pipeline_id"], job["version_id"], run.run_id, None, url)


def _schedule(client: Any, host: str, job: Mapping[str, Any], cron: str) -> Submitted:
    """Create a schedule without catch-up, because one run on the newest labels is enough."""
    made = client.create_recurring_run(cron_expression=cron, no_catchup=True, **job)
    schedule = made.recurring_run_id
    url = f"{host.rstrip('/')}/#/recurringrun/details/{schedule}"
    return Submitted(job["pipeline_id"], job["version_id"], None, schedule, url)


def _wait(client: Any, run_id: str, url: str, wait_seconds: float) -> str:
    """Wait for the run's end, logging each change of its state."""
    deadline = time.monotonic() + wait_seconds
    last_state = ""
    while True:
        state = str(client.get_run(run_id).state)
        if state != last_state:
            log.info("run %s: %s", run_id, state)
            last_state = state
        if state in _FINISHED or time.monotonic() >= deadline:
            break
        time.sleep(min(_POLL_SECONDS, max(0.0, deadline - time.monotonic())))
    if state not in _FINISHED:
        raise CheckFailed(f"run {run_id} was still {state} after {wait_seconds:g} s: {url}")
    if state in ("FAILED", "CANCELED"):
        raise CheckFailed(f"run {run_id} ended as {state}: {url}")
    return state


@contextlib.contextmanager
def _readable_errors(host: str) -> Iterator[None]:
    """Turn the client's errors into one line each, without its output on stderr."""
    from kfp_server_api import ApiException
    from urllib3.exceptions import HTTPError

    require_address(host, "--host", "KFP_TOKEN")
    try:
        with contextlib.redirect_stdout(sys.stderr):
            yield
    except ApiException as error:
        raise ServiceError(_explain(error, host)) from error
    except HTTPError as error:
        cause = type(getattr(error, "reason", None) or error).__name__
        raise ServiceError(f"KFP host {host}: cannot be reached ({cause}); check --host") from error
    except ValueError as error:
        raise ServiceError(f"KFP host {host}: {error}".splitlines()[0]) from error


def _explain(error: Any, host: str) -> str:
    if error.status == 401:
        return f"KFP host {host}: does not accept the token (401); put a new one into KFP_TOKEN"
    if error.status == 403:
        return f"KFP host {host}: not allowed (403): {_message(error)}"
    if error.status == 404:
        return f"KFP host {host}: has no KFP API v2beta1 (404): {_message(error)}"
    return f"KFP host {host}: refused ({error.status}): {_message(error)}"


def _message(error: Any) -> str:
    try:
        message = json.loads(error.body)
        message = message.get("error_message") or message["message"]
    except (TypeError, ValueError, KeyError, AttributeError):
        message = error.reason
    return " ".join(str(message).split())[:300]
