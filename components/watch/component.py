"""The watch of a canary."""

from kfp import dsl

from intentflow.pipeline import images


@dsl.component(base_image=images.DEPLOY, install_kfp_package=False)
def watch(
    model_uri: str,
    deploy: dict,  # type: ignore[type-arg]  # kfp knows no item types
    config: dict,  # type: ignore[type-arg]
    record: dict,  # type: ignore[type-arg]
    code_version: str,
    report: dsl.Output[dsl.Artifact],
) -> dict:  # type: ignore[type-arg]
    """Promote a canary, or take it away, by what Prometheus has of both models; never cached.

    Without a canary in a cluster it is skipped.

    Args:
        model_uri: URI of the published model, which was deployed.
        deploy: Fields of DeployOptions.
        config: Fields of WatchLimits.
        record: Fields of RecordConfig, whose champion changes with the service.
        code_version: Version of the code of intentflow.
        report: ``watch.json``: the decision, its reason and the counts.

    Returns:
        Failure that ends the run after this step: the canary was taken away.
    """
    from intentflow.deployment.canary_watch.limits import WatchLimits
    from intentflow.deployment.options import DeployOptions
    from intentflow.pipeline.parameters import from_parameter
    from intentflow.pipeline.steps import step_errors
    from intentflow.pipeline.steps.recorded import RecordConfig
    from intentflow.pipeline.steps.watch import run_watch

    with step_errors("watch", code_version):
        found, failure = run_watch(
            model_uri,
            from_parameter(DeployOptions, deploy, "deploy"),
            from_parameter(WatchLimits, config, "watch"),
            registry=from_parameter(RecordConfig, record, "record").registry,
        )
        found.write(report.path)
        report.metadata.update(decision=found.decision, looks=found.looks)
    return failure.as_dict() if failure else {}
