"""Settings of the transformer, from its arguments and its environment."""

from __future__ import annotations

import argparse
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from intentflow.errors import UsageError
from intentflow.io.addresses import require_address
from intentflow.persons import PersonKey
from intentflow.serving.environment import KEYS_FILE, LOG_URI, read_access, read_sample_rate
from intentflow.serving.limits import Limits

PREDICTOR_KEY = "VLLM_API_KEY"
_MAX_PERCENT = 100
# Name, description and argparse's settings of each flag; KServe spells its own with underscores.
_FLAGS: tuple[tuple[str, str, dict[str, Any]], ...] = (
    ("model_name", "name of the model in the routes", {"default": "intent"}),
    ("model_uri", "folder or s3:// of the model directory", {"required": True}),
    (
        "shared_digest",
        "ask for the digest of prompt, taxonomy and calibration, which all models behind this "
        "transformer share, instead of the model's own; in Knative mode",
        {"action": "store_true"},
    ),
    ("predictor_host", "host:port of vLLM; KServe gives it", {}),
    (
        "without_token",
        "demand no token of clients, where another service in front of this one does",
        {"action": "store_true"},
    ),
    ("http_port", "port of the API", {"type": int, "default": 8080}),
    ("metrics_port", "port of the Prometheus metrics; 0 for none", {"type": int, "default": 9090}),
    (
        "timeout_seconds",
        "seconds until an answer is given up, the predictor's time included",
        {"type": float, "default": Limits.timeout_seconds},
    ),
    (
        "max_body_bytes",
        "maximum size of a request's body",
        {"type": int, "default": Limits.max_body_bytes},
    ),
    (
        "max_instances",
        "maximum number of utterances in one request",
        {"type": int, "default": Limits.max_instances},
    ),
    (
        "max_concurrent",
        "maximum number of requests in work and waiting; more get 429",
        {"type": int, "default": Limits.max_concurrent},
    ),
    ("canary_host", "host:port of a second vLLM, with another model", {}),
    ("canary_model_uri", "folder or s3:// of the canary's model directory", {}),
    (
        "canary_percent",
        "share of the requests that the canary answers, 0 to 100",
        {"type": int, "default": 0},
    ),
    ("shadow_host", "host:port of a vLLM that gets copies of requests", {}),
    ("shadow_model_uri", "folder or s3:// of the shadow's model directory", {}),
    (
        "shadow_percent",
        "share of the requests that are copied to the shadow, 0 to 100",
        {"type": int, "default": 100},
    ),
)


@dataclass(frozen=True)
class Settings:
    """Settings of a transformer.

    Attributes:
        model_name: Name of the model in the routes; the predictor is asked for it only if the
            location of the model states no digest.
        model_uri: Folder or ``s3://`` of the model directory; only its small files are read.
        predictor_url: Base URL of vLLM, without ``/v1``.
        http_port: Port of the API.
        metrics_port: Port of the Prometheus metrics; 0 for none.
        keys_file: File with tokens that clients may use, one a line, read again when it changes.
        key: One token, where there is no file.
        predictor_key: Bearer token that the predictor demands.
        log_uri: Folder or ``s3://`` where requests and corrections are kept; None keeps none.
        log_sample_rate: Share of the requests that are kept, in [0, 1].
        person_key: Key of the hashes of persons; None refuses persons.
        limits: Sizes and times of requests.
        canary_url: Base URL of a second vLLM, with another model; None for none.
        canary_model_uri: Directory of that model.
        canary_percent: Share of the requests that it answers, 0 to 100.
        shadow_url: Base URL of a vLLM that gets copies of requests; None for none.
        shadow_model_uri: Directory of that model.
        shadow_percent: Share of the requests that are copied, 0 to 100.
        shared_digest: Whether to ask for the digest of prompt, taxonomy and calibration instead of
            the model's own.
    """

    model_name: str
    model_uri: str
    predictor_url: str
    http_port: int = 8080
    metrics_port: int = 9090
    keys_file: Path | None = None
    key: str | None = None
    predictor_key: str | None = None
    log_uri: str | None = None
    log_sample_rate: float = 1.0
    person_key: PersonKey | None = None
    limits: Limits = field(default_factory=Limits)
    canary_url: str | None = None
    canary_model_uri: str | None = None
    canary_percent: int = 0
    shadow_url: str | None = None
    shadow_model_uri: str | None = None
    shadow_percent: int = 100
    shared_digest: bool = False


def read_settings(
    arguments: Sequence[str] | None = None, environment: Mapping[str, str] | None = None
) -> Settings:
    """Settings from the command line and the environment; secrets come from the latter alone.

    Raises:
        UsageError: A setting is missing or invalid.
    """
    env = os.environ if environment is None else environment
    # KServe may add flags of its own model server, which mean nothing here.
    args, _ = transformer_parser().parse_known_args(arguments)
    if not args.predictor_host:
        raise UsageError("--predictor_host is missing: KServe gives it, or name a host:port")
    for role in ("canary", "shadow"):
        _require_both(args, role)
    if args.canary_percent and not args.canary_host:
        raise UsageError("--canary_percent needs --canary_host and --canary_model_uri")
    access = read_access(env)
    if not (access.keys_file or access.key or args.without_token):
        raise UsageError(
            f"no tokens to demand of clients: set {KEYS_FILE}, or give --without_token where "
            "something else stands before this service"
        )
    return Settings(
        model_name=args.model_name,
        model_uri=args.model_uri,
        predictor_url=_url(args.predictor_host, "--predictor_host"),
        http_port=args.http_port,
        metrics_port=args.metrics_port,
        keys_file=access.keys_file,
        key=access.key,
        predictor_key=env.get(PREDICTOR_KEY) or None,
        log_uri=env.get(LOG_URI) or None,
        log_sample_rate=read_sample_rate(env),
        person_key=PersonKey.find(env),
        limits=Limits(
            max_body_bytes=args.max_body_bytes,
            max_instances=args.max_instances,
            max_concurrent=args.max_concurrent,
            timeout_seconds=args.timeout_seconds,
        ),
        canary_url=_url(args.canary_host, "--canary_host") if args.canary_host else None,
        canary_model_uri=args.canary_model_uri,
        canary_percent=args.canary_percent,
        shadow_url=_url(args.shadow_host, "--shadow_host") if args.shadow_host else None,
        shadow_model_uri=args.shadow_model_uri,
        shadow_percent=args.shadow_percent,
        shared_digest=args.shared_digest,
    )


def transformer_parser() -> argparse.ArgumentParser:
    """The parser of the transformer's arguments."""
    parser = argparse.ArgumentParser(
        prog="python -m intentflow.serving.transformer",
        description="Answer intent requests with a vLLM predictor",
        allow_abbrev=False,
    )
    for name, description, settings in _FLAGS:
        dashed = f"--{name.replace('_', '-')}"
        text = description + (" (default: %(default)s)" if "default" in settings else "")
        parser.add_argument(f"--{name}", dashed, help=text, **settings)
    return parser


def _require_both(args: argparse.Namespace, role: str) -> None:
    """Refuse half a second model, or an impossible share."""
    host, uri, percent = (
        getattr(args, f"{role}_{part}") for part in ("host", "model_uri", "percent")
    )
    if bool(host) != bool(uri):
        raise UsageError(f"--{role}_host and --{role}_model_uri: a {role} needs both")
    if not 0 <= percent <= _MAX_PERCENT:
        raise UsageError(f"--{role}_percent {percent}: a share from 0 to 100")


def _url(host: str, flag: str) -> str:
    """KServe gives a host without a scheme."""
    base = host.rstrip("/").removesuffix("/v1")
    url = base if base.startswith(("http://", "https://")) else f"http://{base}"
    return require_address(url, flag, PREDICTOR_KEY)
