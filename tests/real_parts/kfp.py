"""The KFP API server for tests: what 2.17.0 stores, lists and refuses, in one or for many users.

Each behaviour names the source that it follows, in the repository kubeflow/pipelines at 2.17.0,
below ``backend/src/apiserver`` unless it begins with ``backend``. ``test_kfp.py`` holds it to what
the real server did with the same calls (``tests/data/controllers/kfp``). What no server can do
here, run a pod, a test says through :attr:`KfpServer.states`; what stands before a server, such as
a login page, through :attr:`KfpServer.script`.
"""

from __future__ import annotations

import json
import re
import ssl
import threading
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email import message_from_bytes
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
import yaml
from jsonschema import Draft202012Validator

_DATA = Path(__file__).parents[1] / "data"
_POD_NAMESPACE = "kubeflow"
_BASE = "/apis/v2beta1"

Document = dict[str, Any]


@dataclass(frozen=True)
class Request:
    """What a client sent.

    Attributes:
        method: HTTP method.
        path: Path without the query.
        query: Values of the query.
        headers: Headers, their names in lower case.
        body: The body.
    """

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes

    @property
    def authorization(self) -> str:
        """The header."""
        return self.headers.get("authorization", "")

    def json(self) -> Any:
        """The body."""
        return json.loads(self.body)


@dataclass(frozen=True)
class Answer:
    """An answer of something before the server, such as a gateway."""

    status: int
    body: str = ""
    content_type: str = "text/html"
    headers: Mapping[str, str] = field(default_factory=dict)


class Refused(Exception):  # noqa: N818 - an answer
    """An error of the API: a gRPC code, and the status that the gateway makes of it."""

    def __init__(self, status: int, code: int, message: str) -> None:
        super().__init__(message)
        self.status, self.code = status, code


def _invalid(message: str) -> Refused:
    return Refused(400, 3, f"Invalid input error: {message}")


@dataclass
class KfpServer:
    """A KFP API server.

    Attributes:
        url: Its URL.
        tag_name: Its release.
        multi_user: Whether it serves several users.
        users: The namespaces that each bearer token may use; looked at with several users only
            (resource/resource_manager.go:2309).
        states: States that a run has when it is asked for, one after the other; the last stays.
        script: Answers of what stands before the server, by method and pattern of the path; the
            last is repeated, and None lets the request through.
        requests: What was asked.
    """

    url: str = ""
    tag_name: str = "2.17.0"
    multi_user: bool = False
    users: dict[str, set[str]] = field(default_factory=dict)
    states: list[str] = field(default_factory=lambda: ["PENDING"])
    script: dict[tuple[str, str], list[Answer | None]] = field(default_factory=dict)
    requests: list[Request] = field(default_factory=list)
    pipelines: list[Document] = field(default_factory=list)
    versions: list[Document] = field(default_factory=list)
    experiments: list[Document] = field(default_factory=list)
    runs: list[Document] = field(default_factory=list)
    schedules: list[Document] = field(default_factory=list)

    def sent(self, method: str, pattern: str) -> list[Request]:
        """The requests like this."""
        return [r for r in self.requests if r.method == method and re.search(pattern, r.path)]

    def scripted(self, request: Request) -> Answer | None:
        """The next answer of what stands before the server."""
        for (method, pattern), answers in self.script.items():
            if method == request.method and re.search(pattern, request.path):
                return answers.pop(0) if len(answers) > 1 else answers[0]
        return None

    def answer(self, request: Request) -> Document:
        """The answer to a request; empty fields are left out (common/utils.go:153-159)."""
        for (method, pattern), (operation, handler) in _HANDLERS.items():
            if method == request.method and (found := re.fullmatch(_BASE + pattern, request.path)):
                _check_body(operation, request)
                document: Document = handler(self, request, *found.groups())
                _check_answer(operation, document)
                return document
        raise Refused(404, 5, "Not Found")

    def healthz(self, _: Request) -> Document:
        """Needs no identity, and always says its mode (main.go:465-491)."""
        return {"commit_sha": "unknown", "tag_name": self.tag_name, "multi_user": self.multi_user}

    def list_pipelines(self, request: Request) -> Document:
        """Those of exactly the namespace; without one, shared ones, which all may list.

        server/pipeline_server.go:430-460, 1293-1296; storage/pipeline_store.go:322.
        """
        namespace = self._namespace(request.query.get("namespace", ""))
        if namespace:
            self._authorize(request, namespace)
        return _page("pipelines", self._filtered(self.pipelines, request, namespace), request)

    def create_pipeline(self, request: Request) -> Document:
        """The name is taken once a namespace; shared ones need rights in KFP's own namespace.

        server/pipeline_server.go:138-160, 1293-1304; storage/pipeline_store.go:754-757;
        model/pipeline.go:44; server/api_converter.go:213-220.
        """
        body = request.json()
        namespace = self._namespace(body.get("namespace", ""))
        name = body.get("name") or body.get("display_name") or ""
        self._authorize(
            request, namespace or _POD_NAMESPACE, "shared pipelines: " * (not namespace)
        )
        if not name:
            raise _invalid("name is required")
        if any(p["name"] == name and p.get("namespace", "") == namespace for p in self.pipelines):
            raise Refused(
                409,
                6,
                f"Failed to create a new pipeline. The name {name} already exist. "
                "Please specify a new name",
            )
        made = {"display_name": name, **body, "name": name}
        return self._stored(self.pipelines, "pipeline_id", made, namespace)

    def list_versions(self, request: Request, pipeline_id: str) -> Document:
        """server/pipeline_server.go:1037."""
        self._pipeline(request, pipeline_id)
        own = [one for one in self.versions if one["pipeline_id"] == pipeline_id]
        return _page("pipeline_versions", self._filtered(own, request), request)

    def upload_version(self, request: Request) -> Document:
        """The name is in the query; errors say no reason (server/pipeline_upload_server.go:248)."""
        name = request.query.get("name", "")
        if len(name) > 127:  # validation/length.go:47
            raise _invalid("PipelineVersion.Name length cannot exceed 127")
        try:
            pipeline = self._pipeline(request, request.query.get("pipelineid", ""))
        except Refused:
            raise Refused(400, 3, "Failed to create a pipeline version") from None
        if any(
            v["name"] == name and v["pipeline_id"] == pipeline["pipeline_id"] for v in self.versions
        ):
            raise Refused(409, 6, "Failed to create a pipeline version")
        made = {
            "pipeline_id": pipeline["pipeline_id"],
            "name": name,
            "display_name": request.query.get("display_name") or name,
            "pipeline_spec": next(yaml.safe_load_all(_uploaded(request))),
        }
        return self._stored(self.versions, "pipeline_version_id", made)

    def list_experiments(self, request: Request) -> Document:
        """server/experiment_server.go:215-234."""
        namespace = self._namespace(request.query.get("namespace", ""))
        self._require_namespace(request, namespace, "An experiment")
        return _page("experiments", self._filtered(self.experiments, request, namespace), request)

    def create_experiment(self, request: Request) -> Document:
        """server/experiment_server.go:98-111, 341-368; storage/experiment_store.go:262."""
        body = request.json()
        namespace = self._namespace(body.get("namespace", ""))
        self._require_namespace(request, namespace, "An experiment")
        return self._stored(self.experiments, "experiment_id", body, namespace)

    def create_run(self, request: Request) -> Document:
        """The namespace is the experiment's (server/run_server.go:138-160).

        It begins as PENDING, and names the service account (resource/resource_manager.go:624-786;
        template/template.go:316-319).
        """
        body = request.json()
        if not body.get("display_name"):
            raise _invalid("The run name is empty. Please specify a valid name")
        namespace = self._namespace_of_experiment(request, body, "A run")
        self._check_parameters(body)
        made = {"service_account": "pipeline-runner", **body, "state": "PENDING"}
        return _without_namespace(self._stored(self.runs, "run_id", made, namespace))

    def get_run(self, request: Request, run_id: str) -> Document:
        """The run as the persistence agent last reported it."""
        run = _found(self.runs, "run_id", run_id)
        if self.multi_user:
            self._authorize(request, run["namespace"])
        run["state"] = self.states.pop(0) if len(self.states) > 1 else self.states[0]
        return _without_namespace(run)

    def list_schedules(self, request: Request) -> Document:
        """All of them where there is one user (storage/job_store.go:167), else the namespace's.

        server/job_server.go:181-215, 447-449; the field's name is the only one in camel case
        (backend/api/v2beta1/recurring_run.proto).
        """
        namespace = self._namespace(request.query.get("namespace", ""))
        self._require_namespace(request, namespace, "a recurring run")
        own = [one for one in self.schedules if not namespace or one["namespace"] == namespace]
        return _page("recurringRuns", own, request)

    def create_schedule(self, request: Request) -> Document:
        """Several of one name and one pipeline may stand side by side.

        server/job_server.go:97-121; server/api_converter.go:2088, 2392-2400; the namespace of one
        user's is KFP's own (resource/resource_manager.go:1283-1293).
        """
        body = request.json()
        if not body.get("display_name"):
            raise _invalid("Recurring run name is empty. Please specify a valid name")
        namespace = self._namespace_of_experiment(request, body, "Recurring run")
        self._check_parameters(body)
        cron = body.get("trigger", {}).get("cron_schedule", {}).get("cron", "")
        if len(cron.split()) not in (5, 6):
            raise _invalid("Schedule cron is not a supported format")
        enabled = body.get("mode") == "ENABLE"
        made = {
            **body,
            "mode": "ENABLE" if enabled else "DISABLE",
            "status": "ENABLED" if enabled else "DISABLED",
        }
        return self._stored(self.schedules, "recurring_run_id", made, namespace or _POD_NAMESPACE)

    def delete_schedule(self, request: Request, schedule_id: str) -> Document:
        """server/job_server.go:410."""
        schedule = _found(self.schedules, "recurring_run_id", schedule_id)
        if self.multi_user:
            self._authorize(request, schedule["namespace"])
        self.schedules.remove(schedule)
        return {}

    def _namespace(self, given: str) -> str:
        """One user has none (resource/resource_manager.go:2455-2462)."""
        return given if self.multi_user else ""

    def _authorize(self, request: Request, namespace: str, what: str = "") -> None:
        """Who it is comes first: resource/resource_manager.go:2308-2387."""
        if not self.multi_user:
            return
        allowed = self.users.get(request.authorization.removeprefix("Bearer "))
        if allowed is None:
            raise Refused(
                401,
                16,
                "Failed to check authorization. User identity is empty in the request header",
            )
        if namespace not in allowed:
            raise Refused(403, 7, f"{what}User is not authorized in namespace {namespace}")

    def _require_namespace(self, request: Request, namespace: str, what: str) -> None:
        if not self.multi_user:
            return
        if not namespace:
            raise _invalid(f"{what} cannot have an empty namespace in multi-user mode")
        self._authorize(request, namespace)

    def _namespace_of_experiment(self, request: Request, body: Document, what: str) -> str:
        """resource/resource_manager.go:2490-2502."""
        if not body.get("experiment_id"):
            if self.multi_user:
                raise _invalid("Experiment id can not be empty in multi-user mode")
            return ""
        experiment = _found(self.experiments, "experiment_id", body["experiment_id"])
        namespace = str(experiment.get("namespace", ""))
        self._require_namespace(request, namespace, what)
        return namespace

    def _pipeline(self, request: Request, pipeline_id: str) -> Document:
        pipeline = _found(self.pipelines, "pipeline_id", pipeline_id)
        if self.multi_user and pipeline.get("namespace"):
            self._authorize(request, pipeline["namespace"])
        return pipeline

    def _check_parameters(self, body: Document) -> None:
        """All without a default are there, and no others (template/v2_template.go:129, 373)."""
        reference = body["pipeline_version_reference"]
        version = _found(
            self.versions, "pipeline_version_id", reference.get("pipeline_version_id", "")
        )
        declared = (
            version["pipeline_spec"]["root"].get("inputDefinitions", {}).get("parameters", {})
        )
        given = body.get("runtime_config", {}).get("parameters", {})
        needed = {n for n, p in declared.items() if not {"defaultValue", "isOptional"} & set(p)}
        if missing := needed - set(given):
            raise _invalid(f"parameter {sorted(missing)[0]} is not optional, yet has neither value")
        if unknown := set(given) - set(declared):
            raise _invalid(f"parameter {sorted(unknown)[0]} provided is not required by pipeline")

    def _filtered(
        self, found: list[Document], request: Request, namespace: str | None = None
    ) -> list[Document]:
        """Predicates of equality, and exactly the namespace (storage/pipeline_store.go:322)."""
        if namespace is not None:
            found = [one for one in found if one.get("namespace", "") == namespace]
        predicates = json.loads(request.query.get("filter", "{}")).get("predicates", [])
        for predicate in predicates:
            assert predicate["operation"] == "EQUALS"
            found = [it for it in found if it[predicate["key"]] == predicate["stringValue"]]
        return found

    def _stored(
        self, place: list[Document], key: str, made: Document, namespace: str = ""
    ) -> Document:
        made = {**made, key: str(uuid.uuid4()), "created_at": datetime.now(UTC).isoformat()}
        made.pop("namespace", None)
        if namespace:
            made["namespace"] = namespace
        place.append(made)
        return made


_HANDLERS: dict[tuple[str, str], tuple[str, Any]] = {
    ("GET", "/healthz"): ("HealthzService_GetHealthz", KfpServer.healthz),
    ("GET", "/pipelines"): ("PipelineService_ListPipelines", KfpServer.list_pipelines),
    ("POST", "/pipelines"): ("PipelineService_CreatePipeline", KfpServer.create_pipeline),
    ("GET", "/pipelines/([^/]+)/versions"): (
        "PipelineService_ListPipelineVersions",
        KfpServer.list_versions,
    ),
    ("POST", "/pipelines/upload_version"): ("UploadPipelineVersion", KfpServer.upload_version),
    ("GET", "/experiments"): ("ExperimentService_ListExperiments", KfpServer.list_experiments),
    ("POST", "/experiments"): ("ExperimentService_CreateExperiment", KfpServer.create_experiment),
    ("POST", "/runs"): ("RunService_CreateRun", KfpServer.create_run),
    ("GET", "/runs/([^/]+)"): ("RunService_GetRun", KfpServer.get_run),
    ("GET", "/recurringruns"): (
        "RecurringRunService_ListRecurringRuns",
        KfpServer.list_schedules,
    ),
    ("POST", "/recurringruns"): (
        "RecurringRunService_CreateRecurringRun",
        KfpServer.create_schedule,
    ),
    ("DELETE", "/recurringruns/([^/]+)"): (
        "RecurringRunService_DeleteRecurringRun",
        KfpServer.delete_schedule,
    ),
}


@pytest.fixture
def kfp_api() -> Iterator[KfpServer]:
    """A server for one user."""
    with kfp_server() as server:
        yield server


@contextmanager
def kfp_server(*, tls: ssl.SSLContext | None = None, **settings: Any) -> Iterator[KfpServer]:
    """A running server."""
    server = KfpServer(**settings)
    http = ThreadingHTTPServer(("127.0.0.1", 0), _handler(server))
    if tls is not None:
        http.socket = tls.wrap_socket(http.socket, server_side=True)
    server.url = f"{'https' if tls else 'http'}://127.0.0.1:{http.server_port}"
    thread = threading.Thread(target=http.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield server
    finally:
        http.shutdown()
        http.server_close()
        thread.join(timeout=10)


def _handler(server: KfpServer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def _answer(self) -> None:
            request = self._request()
            server.requests.append(request)
            answer = server.scripted(request) or _api_answer(server, request)
            body = answer.body.encode()
            self.send_response(answer.status)
            self.send_header("content-type", answer.content_type)
            self.send_header("content-length", str(len(body)))
            for name, value in answer.headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        do_GET = do_POST = do_PATCH = do_DELETE = _answer  # noqa: N815

        def _request(self) -> Request:
            address = urlsplit(self.path)
            headers = {name.lower(): value for name, value in self.headers.items()}
            body = self.rfile.read(int(headers.get("content-length") or 0))
            query = dict(parse_qsl(address.query))
            return Request(self.command, address.path, query, headers, body)

        def log_message(self, format: str, *args: Any) -> None:
            """Quiet: the record is what tests look at."""

    return Handler


def _api_answer(server: KfpServer, request: Request) -> Answer:
    try:
        status, document = 200, server.answer(request)
    except Refused as error:
        status, document = error.status, {"code": error.code, "message": str(error), "details": []}
    return Answer(status, json.dumps(document), "application/json")


def _page(name: str, found: list[Document], request: Request) -> Document:
    """A page of a list; what is empty is left out (common/utils.go:159)."""
    size = int(request.query.get("page_size") or 20)
    start = int(request.query.get("page_token") or 0)
    page: Document = {name: found[start : start + size], "total_size": len(found)}
    if start + size < len(found):
        page["next_page_token"] = str(start + size)
    return {key: value for key, value in page.items() if value}


def _without_namespace(run: Document) -> Document:
    """A run as the API shows it: its namespace is known from its experiment alone."""
    return {key: value for key, value in run.items() if key != "namespace"}


def _found(place: list[Document], key: str, value: str) -> Document:
    for one in place:
        if one[key] == value:
            return one
    raise Refused(404, 5, f"{key} {value} not found")


def _uploaded(request: Request) -> bytes:
    head = f"content-type: {request.headers['content-type']}\r\n\r\n".encode()
    (part, *_) = message_from_bytes(head + request.body).get_payload()
    content = part.get_payload(decode=True)  # type: ignore[union-attr]
    assert isinstance(content, bytes)
    return content


def _check_body(operation: str, request: Request) -> None:
    """Unknown fields are refused (common/utils.go:161-165, DiscardUnknown: false)."""
    if (schema := _json_schema(_calls()[operation].get("requestBody", {}))) is None:
        return
    for error in Draft202012Validator(schema).iter_errors(request.json()):
        raise Refused(400, 3, f"proto: {error.message}")


def _check_answer(operation: str, document: Document) -> None:
    """The server for tests says nothing that the description does not allow.

    The health is not made from the description (main.go:465-470).
    """
    if operation != "HealthzService_GetHealthz":
        schema = _json_schema(_calls()[operation]["responses"]["200"])
        Draft202012Validator(schema).validate(document)


def _json_schema(message: Document) -> Document | None:
    content = message.get("content", {}).get("application/json")
    return content and {**content["schema"], "components": _description()["components"]}


def _calls() -> Document:
    """The described calls, by their operation."""
    paths = _description()["paths"].values()
    return {call["operationId"]: call for operations in paths for call in operations.values()}


@cache
def _description() -> Document:
    api: Document = json.loads((_DATA / "kfp" / "api.json").read_text(encoding="utf-8"))
    return api
