"""Schedules of a pipeline in Kubeflow Pipelines: at most one in a namespace."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from intentflow.errors import UsageError
from intentflow.pipeline.submit_client import (
    KfpClient,
    connect,
    equals,
    readable_errors,
)
from intentflow.pipeline.submit_connection import Connection

OFF = "off"
"""In place of a schedule: ends the one there is."""

_CRON_FIELD = re.compile(r"[0-9A-Za-z*?/,\-]+")
_PAGE = 100


@dataclass(frozen=True)
class Schedule:
    """A schedule, as the server has it.

    Attributes:
        recurring_run_id: Id of the schedule.
        name: Name shown in the user interface.
        cron: Six fields, seconds first; None for one with a fixed interval, made elsewhere.
        enabled: Whether it starts runs.
        version_id: Id of the pipeline's version that it starts.
        service_account: Service account of the steps; None for the installation's own.
        created_at: Time of its creation, ISO 8601; None if the server does not say.
        url: URL for a browser.
    """

    recurring_run_id: str
    name: str
    cron: str | None
    enabled: bool
    version_id: str | None
    service_account: str | None
    created_at: str | None
    url: str


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
            "such as '0 0 3 * * 1' for Mondays at three, or five without the second; "
            "or off, which ends the schedule"
        )
    return " ".join(fields if len(fields) == 6 else ["0", *fields])


def list_schedules(
    pipeline: str, connection: Connection, namespace: str | None = None
) -> list[Schedule]:
    """The schedules of a pipeline in a namespace, oldest first.

    Args:
        pipeline: Name of the pipeline, such as ``intentflow-finetune``.
        connection: Address and credentials of the KFP API.
        namespace: Namespace of the user in a multi-user installation; otherwise None.

    Raises:
        ServiceError: The host cannot be reached, or refused.
    """
    client = connect(connection, namespace)
    with readable_errors(connection):
        return _schedules_named(client, pipeline)


def end_schedules(
    pipeline: str, connection: Connection, namespace: str | None = None
) -> list[Schedule]:
    """End the schedules of a pipeline in a namespace; runs that have started go on.

    Args:
        pipeline: Name of the pipeline, such as ``intentflow-finetune``.
        connection: Address and credentials of the KFP API.
        namespace: Namespace of the user in a multi-user installation; otherwise None.

    Returns:
        The schedules that were ended.

    Raises:
        ServiceError: The host cannot be reached, or refused.
    """
    client = connect(connection, namespace)
    with readable_errors(connection):
        found = _schedules_named(client, pipeline)
        delete_schedules(client, found)
    return found


def find_pipeline(client: KfpClient, name: str) -> str | None:
    """Id of a pipeline in the client's namespace.

    kfp's own client lists without a namespace, which in a multi-user installation finds shared
    pipelines alone.
    """
    found = client.pipelines.pipeline_service_list_pipelines(
        filter=equals("display_name", name), **_in_namespace(client)
    )
    return next((str(one.pipeline_id) for one in found.pipelines or ()), None)


def schedules_of(client: KfpClient, pipeline_id: str) -> list[Schedule]:
    """The schedules of a pipeline in the client's namespace, oldest first."""
    return [
        _schedule(client, one)
        for one in _recurring_runs(client)
        if one.pipeline_version_reference
        and one.pipeline_version_reference.pipeline_id == pipeline_id
    ]


def delete_schedules(client: KfpClient, schedules: list[Schedule]) -> None:
    """Delete schedules; what they have started goes on."""
    for schedule in schedules:
        client.schedules.recurring_run_service_delete_recurring_run(schedule.recurring_run_id)


def _schedules_named(client: KfpClient, pipeline: str) -> list[Schedule]:
    pipeline_id = find_pipeline(client, pipeline)
    return schedules_of(client, pipeline_id) if pipeline_id else []


def _recurring_runs(client: KfpClient) -> Iterator[Any]:
    token = ""
    while True:
        page = client.schedules.recurring_run_service_list_recurring_runs(
            page_token=token, page_size=_PAGE, sort_by="created_at asc", **_in_namespace(client)
        )
        yield from page.recurring_runs or ()
        token = page.next_page_token or ""
        if not token:
            return


def _in_namespace(client: KfpClient) -> dict[str, str]:
    return {"namespace": client.namespace} if client.namespace else {}


def _schedule(client: KfpClient, found: Any) -> Schedule:
    cron = found.trigger.cron_schedule if found.trigger else None
    return Schedule(
        recurring_run_id=found.recurring_run_id,
        name=found.display_name,
        cron=cron.cron if cron else None,
        enabled=found.status == "ENABLED",
        version_id=found.pipeline_version_reference.pipeline_version_id,
        service_account=found.service_account,
        created_at=found.created_at.isoformat() if found.created_at else None,
        url=client.url(f"recurringrun/details/{found.recurring_run_id}"),
    )
