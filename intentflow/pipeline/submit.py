"""Submission of a compiled pipeline to Kubeflow Pipelines: upload, then run or schedule."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field, field_validator

from intentflow.config import Flag, StrictModel
from intentflow.errors import InputError, IntentflowError
from intentflow.io.files import sha256_file
from intentflow.io.safe_yaml import yaml_documents
from intentflow.pipeline.code_version import code_tag
from intentflow.pipeline.submit_checks import check_names, refuse_local_places
from intentflow.pipeline.submit_client import (
    KfpClient,
    connect,
    equals,
    readable_errors,
    require_id,
)
from intentflow.pipeline.submit_connection import Connection
from intentflow.pipeline.submit_schedules import (
    OFF,
    delete_schedules,
    find_pipeline,
    parse_cron,
    schedules_of,
)
from intentflow.pipeline.submit_wait import wait_for_run


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
        replaced: Ids of the schedules that this one replaces.
    """

    pipeline_id: str
    version_id: str
    run_id: str | None
    recurring_run_id: str | None
    url: str
    state: str | None = None
    replaced: list[str] = field(default_factory=list)


class Submission(StrictModel):
    """Settings of a submission.

    Example:
        >>> Submission(cron="0 0 3 * * 1").experiment
        'intentflow'
    """

    namespace: str | None = Field(
        None, description="Namespace of the user, in a multi-user installation"
    )
    experiment: str = Field("intentflow", description="Experiment that groups runs")
    run_name: str | None = Field(
        None, description="Name of the run (default: pipeline, version and time)"
    )
    cron: Annotated[str | None, Flag(metavar="EXPR")] = Field(
        None,
        description="A schedule instead of one run, in place of the pipeline's former one: six "
        "fields, seconds first ('0 0 3 * * 1': Mondays at three); five are taken as minutes "
        "first; off ends it",
    )
    service_account: str | None = Field(None, description="Service account of the steps")

    @field_validator("cron")
    @classmethod
    def _is_a_schedule(cls, cron: str | None) -> str | None:
        if cron is not None and cron != OFF:
            parse_cron(cron)
        return cron


@dataclass(frozen=True)
class _Job:
    """A run or a schedule that is to be made."""

    name: str
    pipeline_id: str
    version_id: str
    experiment_id: str
    arguments: dict[str, Any]
    service_account: str | None

    def fields(self) -> dict[str, Any]:
        """Fields that runs and schedules have in common in the API."""
        import kfp_server_api

        return {
            "display_name": self.name,
            "experiment_id": self.experiment_id,
            "pipeline_version_reference": kfp_server_api.V2beta1PipelineVersionReference(
                pipeline_id=self.pipeline_id, pipeline_version_id=self.version_id
            ),
            "runtime_config": kfp_server_api.V2beta1RuntimeConfig(parameters=self.arguments),
            "service_account": self.service_account,
        }


def submit(
    package: Path,
    arguments: Mapping[str, Any],
    *,
    connection: Connection,
    submission: Submission | None = None,
    wait_seconds: float | None = None,
) -> Submitted:
    """Upload a compiled pipeline as a version named by its content, and run or schedule it.

    An existing version with the same code and the same graph is used again. A schedule replaces
    the pipeline's former ones in the namespace.

    Args:
        package: The compiled YAML.
        arguments: Arguments of the pipeline.
        connection: Address and credentials of the KFP API.
        submission: Names and schedule.
        wait_seconds: Maximum time to wait for the run's end; None does not wait.

    Raises:
        IntentflowError: The arguments are invalid, or the host refused.
        CheckFailed: The run was waited for and did not succeed.
    """
    chosen = submission or Submission()
    cron = None if chosen.cron is None else parse_cron(chosen.cron)
    check_names(chosen.namespace, chosen.experiment, chosen.service_account)
    refuse_local_places(arguments)
    name = pipeline_name(package)
    client = connect(connection, chosen.namespace)
    with readable_errors(connection):
        job = _prepare(client, package, name, dict(arguments), chosen)
        made = _schedule(client, job, cron) if cron else _start(client, job)
    if wait_seconds is None or made.run_id is None:
        return made
    return replace(made, state=wait_for_run(client, made.run_id, made.url, wait_seconds))


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
    return f"{code_tag()}-{sha256_file(package)[:12]}"


def _prepare(
    client: KfpClient, package: Path, name: str, arguments: dict[str, Any], chosen: Submission
) -> _Job:
    pipeline_id = find_pipeline(client, name) or _create(client, name)
    version = version_name(package)
    return _Job(
        name=chosen.run_name or _run_name(name, version),
        pipeline_id=pipeline_id,
        version_id=_upload_once(client, package, pipeline_id, version),
        experiment_id=_experiment(client, chosen.experiment),
        arguments=arguments,
        service_account=chosen.service_account,
    )


def _create(client: KfpClient, name: str) -> str:
    """Create an empty pipeline; an upload would create a first version with another name."""
    import kfp_server_api

    pipeline = kfp_server_api.V2beta1Pipeline(
        name=name, display_name=name, namespace=client.namespace
    )
    made = client.pipelines.pipeline_service_create_pipeline(pipeline)
    return require_id(made, "pipeline_id")


def _upload_once(client: KfpClient, package: Path, pipeline_id: str, version: str) -> str:
    found = client.pipelines.pipeline_service_list_pipeline_versions(
        pipeline_id, filter=equals("display_name", version)
    )
    for item in found.pipeline_versions or ():
        if item.display_name == version:
            return str(item.pipeline_version_id)
    uploaded = client.uploads.upload_pipeline_version(
        str(package), name=version, pipelineid=pipeline_id
    )
    return require_id(uploaded, "pipeline_version_id")


def _experiment(client: KfpClient, name: str) -> str:
    import kfp_server_api

    found = client.experiments.experiment_service_list_experiments(
        filter=equals("display_name", name),
        **({"namespace": client.namespace} if client.namespace else {}),
    )
    if found.experiments:
        return require_id(found.experiments[0], "experiment_id")
    experiment = kfp_server_api.V2beta1Experiment(display_name=name, namespace=client.namespace)
    made = client.experiments.experiment_service_create_experiment(experiment)
    return require_id(made, "experiment_id")


def _run_name(pipeline: str, version: str) -> str:
    now = datetime.now(UTC).strftime("%Y-%m-%d %H:%M:%S")
    return f"{pipeline} {version} {now}"


def _start(client: KfpClient, job: _Job) -> Submitted:
    import kfp_server_api

    run = client.runs.run_service_create_run(kfp_server_api.V2beta1Run(**job.fields()))
    run_id = require_id(run, "run_id")
    url = client.url(f"runs/details/{run_id}")
    return Submitted(job.pipeline_id, job.version_id, run_id, None, url)


def _schedule(client: KfpClient, job: _Job, cron: str) -> Submitted:
    """Create a schedule, then delete the former ones: one that is refused replaces nothing.

    There is no catch-up, because one run on the newest labels is enough.
    """
    import kfp_server_api

    former = schedules_of(client, job.pipeline_id)
    body = kfp_server_api.V2beta1RecurringRun(
        **job.fields(),
        mode="ENABLE",
        no_catchup=True,
        max_concurrency="1",
        trigger=kfp_server_api.V2beta1Trigger(
            cron_schedule=kfp_server_api.V2beta1CronSchedule(cron=cron)
        ),
    )
    made = client.schedules.recurring_run_service_create_recurring_run(body)
    schedule = require_id(made, "recurring_run_id")
    delete_schedules(client, former)
    replaced = [one.recurring_run_id for one in former]
    url = client.url(f"recurringrun/details/{schedule}")
    return Submitted(job.pipeline_id, job.version_id, None, schedule, url, replaced=replaced)
