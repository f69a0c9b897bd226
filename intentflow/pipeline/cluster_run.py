"""A run's configuration as a cluster takes it: options of the steps, and the graph's arguments."""

from __future__ import annotations

from typing import Any, NamedTuple

from intentflow.pipeline.arguments import pipeline_arguments
from intentflow.pipeline.options import PipelineName, PipelineOptions
from intentflow.pipeline.run_config import RunConfig
from intentflow.pipeline.submit_checks import check_for_cluster, refuse_local_places


class ClusterRun(NamedTuple):
    """A run in a cluster.

    Attributes:
        options: Images, resources and placement of the steps.
        arguments: The graph's arguments.
    """

    options: PipelineOptions
    arguments: dict[str, Any]


def for_cluster(config: RunConfig, pipeline: PipelineName = "finetune") -> ClusterRun:
    """Check a run for a cluster; its images have the tag of the present code, unless one is named.

    Args:
        config: The run configuration.
        pipeline: Name of the graph.

    Raises:
        InputError: A path is local, or a step cannot run in a cluster; the message names the key.
    """
    own = config.model_copy(update={"pipeline": config.pipeline.for_submission()})
    check_for_cluster(own)
    arguments = pipeline_arguments(own, publish_to="", in_cluster=True, pipeline=pipeline)
    refuse_local_places(arguments)
    return ClusterRun(own.pipeline, arguments)
