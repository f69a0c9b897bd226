"""Building and compiling of graphs."""

from __future__ import annotations

import hashlib
import importlib
import shutil
import tempfile
import warnings
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, get_args

from intentflow.config import nearest
from intentflow.errors import UsageError
from intentflow.io.files import atomic_file
from intentflow.pipeline.options import STEPS, PipelineName, PipelineOptions
from intentflow.pipeline.step_checks import check_step

PIPELINES: tuple[PipelineName, ...] = get_args(PipelineName)


def build_pipeline(name: str, options: PipelineOptions | None = None) -> Any:
    """Build a KFP pipeline by name.

    Raises:
        UsageError: There is no such graph.
    """
    known_name(name)
    # Whenever an option of a task is set, kfp reads the source of each frame of the stack, and
    # looks for its module among all modules. The stack of a thread has few frames.
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(_build, name, options or PipelineOptions()).result()


def _build(name: str, options: PipelineOptions) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)
        return importlib.import_module(f"intentflow.pipelines.{name}.pipeline").build(options)


def kfp_name(name: str) -> str:
    """The name that a graph has in Kubeflow Pipelines.

    Raises:
        UsageError: There is no such graph.
    """
    known_name(name)
    return f"intentflow-{name}"


def compile_pipeline(
    name: str,
    output: str | Path,
    options: PipelineOptions | None = None,
    *,
    arguments: Mapping[str, Any] | None = None,
    kubernetes_manifest: bool = False,
) -> None:
    """Compile a graph to YAML.

    Args:
        name: Name of the graph.
        output: The YAML file.
        options: Images, resources and placement.
        arguments: The graph's arguments, which become its defaults; None for none.
        kubernetes_manifest: Whether to write ``Pipeline`` and ``PipelineVersion`` objects, for
            GitOps.

    Raises:
        UsageError: The graph does not exist, or the name of the file does not end in ``.yaml``.
        InputError: The file cannot be written, or Kubernetes would refuse an option of a step.
    """
    from kfp.compiler import Compiler
    from kfp.compiler.compiler_utils import KubernetesManifestOptions

    if not str(output).endswith((".yaml", ".yml")):
        raise UsageError(f"{output}: the name of the output must end in .yaml")
    options = options or PipelineOptions()
    for step in STEPS:
        check_step(step, options.for_step(step))
    pipeline = build_pipeline(name, options)
    defaults = None if arguments is None else dict(arguments)
    with atomic_file(output) as partial, tempfile.TemporaryDirectory() as folder:
        draft = Path(folder) / "pipeline.yaml"  # the compiler requires the suffix
        Compiler().compile(pipeline, str(draft), pipeline_parameters=defaults)
        if kubernetes_manifest:
            # A version's graph never changes on the cluster, so another graph needs another name.
            digest = hashlib.sha256(draft.read_bytes()).hexdigest()
            options_for_objects = KubernetesManifestOptions(
                pipeline_name=kfp_name(name),
                pipeline_version_name=f"{kfp_name(name)}-{digest[:12]}",
                include_pipeline_manifest=True,
            )
            Compiler().compile(
                pipeline,
                str(draft),
                pipeline_parameters=defaults,
                kubernetes_manifest_format=True,
                kubernetes_manifest_options=options_for_objects,
            )
        shutil.copyfile(draft, partial)


def known_name(name: str) -> PipelineName:
    """The name of a graph that exists.

    Raises:
        UsageError: There is no such graph.
    """
    for known in PIPELINES:
        if known == name:
            return known
    guess = nearest(name, PIPELINES)
    hint = f"; did you mean {guess}?" if guess else f"; choose from {', '.join(PIPELINES)}"
    raise UsageError(f"there is no pipeline {name}{hint}")
