"""Storage of a model under its digest."""

from kfp import dsl

from intentflow.pipeline import images


@dsl.component(base_image=images.DEPLOY, install_kfp_package=False)
def publish(
    model: dsl.Input[dsl.Model],
    config: dict,  # type: ignore[type-arg]  # kfp knows no item types
    code_version: str,
) -> str:
    """Upload a model directory; files that exist already are not sent again.

    Args:
        model: The model directory that passed the gate.
        config: Fields of PublishConfig: the destination.
        code_version: Version of the code of intentflow.

    Returns:
        ``<destination>/sha256-<digest>``.
    """
    from intentflow.pipeline.parameters import from_parameter
    from intentflow.pipeline.steps import step_errors
    from intentflow.pipeline.steps.publish import PublishConfig, run_publish

    with step_errors("publish", code_version):
        return run_publish(model.path, from_parameter(PublishConfig, config, "publish")).uri
