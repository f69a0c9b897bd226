"""Storing a model under its digest."""

from kfp import dsl

from intentflow.pipeline import images


@dsl.component(base_image=images.DEPLOY, install_kfp_package=False)
def publish(
    model: dsl.Input[dsl.Model],
    destination: str,
    code_version: str,
) -> str:
    """Upload a model directory; what is already there is not sent again.

    Args:
        model: The model directory that passed the gate.
        destination: A folder or ``s3://bucket/prefix``.
        code_version: Of intentflow.

    Returns:
        ``<destination>/sha256-<digest>``.
    """
    from intentflow.pipeline.steps import step_errors
    from intentflow.pipeline.steps.release import run_publish

    with step_errors("publish"):
        return run_publish(model.path, destination)
