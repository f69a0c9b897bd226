"""Debian's Prometheus, which scrapes processes on this computer every second."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import yaml

from tests.real_parts.process import CACHE, answers, free_port, program, running


def write_targets(file: Path, namespace: str, ports: Sequence[int]) -> None:
    """Name the transformers of the service ``banking`` that are scraped from now on."""
    labels = {"namespace": namespace, "inferenceservice": "banking"}
    targets = [{"targets": [f"127.0.0.1:{port}" for port in ports], "labels": labels}]
    draft = file.with_suffix(".draft")
    draft.write_text(json.dumps(targets))
    draft.replace(file)


@contextmanager
def scraping(folder: Path, targets: Path) -> Iterator[str]:
    """Run a Prometheus until the block ends; yields its URL.

    Args:
        folder: Folder of its files.
        targets: File of :func:`write_targets`, which is read again when it changes.
    """
    command = program(CACHE / "prometheus/prometheus", "prometheus")
    found = [{"files": [str(targets)], "refresh_interval": "1s"}]
    jobs = [{"job_name": "transformer", "file_sd_configs": found}]
    config = folder / "prometheus.yml"
    config.write_text(yaml.safe_dump({"global": {"scrape_interval": "1s"}, "scrape_configs": jobs}))
    url = f"http://127.0.0.1:{(port := free_port())}"
    flags = [f"--config.file={config}", f"--storage.tsdb.path={folder / 'tsdb'}"]
    line = [command, *flags, f"--web.listen-address=127.0.0.1:{port}"]
    with running(line, folder / "prometheus.log", lambda: answers(f"{url}/-/ready")):
        yield url
