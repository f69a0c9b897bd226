"""A review: a queue labelled in a local Label Studio, whose labels come back while it runs."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

from intentflow.artifacts.feedback import QueuedRequest
from intentflow.io.child_processes import ChildServer
from intentflow.io.files import atomic_file
from intentflow.review.account import ReviewAccount
from intentflow.review.client import StudioClient, make_token
from intentflow.review.installation import Installation
from intentflow.review.label_config import label_config
from intentflow.review.marks import REASONS
from intentflow.review.server import running_studio
from intentflow.review.tasks import ReviewedTasks, as_task, read_tasks, task_key
from intentflow.taxonomy import Taxonomy

POLL_SECONDS = 2.0
Publish = Callable[[str, bytes], None]
"""Takes the name and the bytes of a file."""

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class ReviewFiles:
    """Files of a review in its folder.

    Attributes:
        folder: The folder, which only its owner may read.
    """

    folder: Path

    @property
    def data(self) -> Path:
        """Label Studio's own data."""
        return self.folder / "label-studio"

    @property
    def account(self) -> Path:
        """URL, account and token."""
        return self.folder / "account.json"

    @property
    def export(self) -> Path:
        """The project's export, as Label Studio gives it."""
        return self.folder / "export.json"

    @property
    def corrections(self) -> Path:
        """The labels, as lines of a service's log."""
        return self.folder / "corrections.jsonl"


@dataclass(frozen=True)
class ReviewPlan:
    """Queue, taxonomy and address of a review.

    Attributes:
        rows: Rows of the review queue, redacted.
        taxonomy: Intents and parameters that labellers choose from.
        host: Address to listen on.
        port: Port to listen on.
        email: Name of a new account.
        title: Title of the project.
        publish: Takes the corrections' file name and bytes whenever they have changed; None for
            nobody.
    """

    rows: Sequence[QueuedRequest]
    taxonomy: Taxonomy
    host: str
    port: int
    email: str
    title: str
    publish: Publish | None = None


@dataclass
class ReviewState:
    """The state of a review.

    Attributes:
        imported: Number of tasks that were new to the project.
        reviewed: Labels of the latest export.
    """

    imported: int = 0
    reviewed: ReviewedTasks = field(default_factory=ReviewedTasks)


def review_until_stopped(
    plan: ReviewPlan, files: ReviewFiles, installation: Installation
) -> ReviewState:
    """Serve the queue in Label Studio until interrupted; its labels are written as they are made.

    Tasks that the project has already are not imported again.

    Args:
        plan: Queue, taxonomy and address.
        files: Files to write; an earlier review in the folder is continued.
        installation: Label Studio's environment.

    Raises:
        InputError: A file cannot be written.
        ServiceError: Label Studio does not start, ends or refuses.
    """
    files.data.mkdir(mode=0o700, parents=True, exist_ok=True)
    files.folder.chmod(0o700)
    shown = f"http://{'127.0.0.1' if plan.host == '0.0.0.0' else plan.host}:{plan.port}"
    account = ReviewAccount.open(files.account, plan.email, shown)
    server = (plan.host, plan.port, account.email, account.password)
    with running_studio(installation, files.data, *server) as studio:
        account = _with_token(account, files.account)
        assert account.token is not None
        with closing(StudioClient(studio.url, account.token)) as client:
            return _review(plan, files, studio, client, account)


def _with_token(account: ReviewAccount, file: Path) -> ReviewAccount:
    if account.token is not None:
        return account
    token = make_token(account.url, account.email, account.password)
    account = account.model_copy(update={"token": token})
    account.write(file, private=True)
    return account


def _review(
    plan: ReviewPlan,
    files: ReviewFiles,
    studio: ChildServer,
    client: StudioClient,
    account: ReviewAccount,
) -> ReviewState:
    state = ReviewState()
    project = client.project(plan.title, label_config(plan.taxonomy))
    known = {task_key(task["data"]) for task in json.loads(client.export(project))}
    tasks = [as_task(row, plan.taxonomy) for row in plan.rows]
    new = [task for task in tasks if task_key(task["data"]) not in known]
    client.add_tasks(project, new)
    state.imported = len(new)
    address = f"{account.url}/projects/{project}/data"
    log.info("%d tasks imported, %d were there", len(new), len(tasks) - len(new))
    log.info("label at %s as %s (password in %s)", address, account.email, files.account)
    log.info("labels go to %s; Ctrl-C ends the review", files.corrections)
    written = b""
    try:
        while True:
            written = _fetch(plan, files, client, project, account, written, state)
            time.sleep(POLL_SECONDS)
            studio.require_running()
    except KeyboardInterrupt:
        _fetch(plan, files, client, project, account, written, state)
    return state


def _fetch(
    plan: ReviewPlan,
    files: ReviewFiles,
    client: StudioClient,
    project: int,
    account: ReviewAccount,
    written: bytes,
    state: ReviewState,
) -> bytes:
    """Write the export and its corrections where they have changed; returns the export."""
    export = client.export(project)
    if export == written:
        return written
    state.reviewed = read_tasks(json.loads(export), plan.taxonomy)
    lines = b"".join(line.as_line() for line in state.reviewed.corrections)
    with atomic_file(files.export, private=True) as partial:
        partial.write_bytes(export)
    write_corrections(files, lines, account.review, plan.publish)
    log.info("%d tasks, %d labels", state.reviewed.tasks, len(state.reviewed.corrections))
    for reason, count in state.reviewed.left_out.items():
        log.warning("%d answers are no labels: %s", count, REASONS[reason])
    return export


def write_corrections(
    files: ReviewFiles, lines: bytes, review: str, publish: Publish | None = None
) -> None:
    """Write the corrections, and their copy in a service's log.

    The copy comes first, so that one whose labels are all deleted is emptied also by a review that
    goes on after a failure.

    Args:
        files: Files of the review.
        lines: All corrections, as lines of a service's log; empty if every label is deleted.
        review: Id of the review, which names the copy.
        publish: Takes the copy's name and bytes; None for no copy.

    Raises:
        InputError: A file cannot be written.
        ServiceError: The storage of the copy refuses.
    """
    former = files.corrections.read_bytes() if files.corrections.exists() else b""
    if publish is not None and (lines or former):
        publish(f"feedback/review-{review}.jsonl", lines)
    with atomic_file(files.corrections, private=True) as partial:
        partial.write_bytes(lines)
