"""The end of a run in which a check failed."""

from kfp import dsl

from intentflow.pipeline import images


@dsl.component(base_image=images.DATA, install_kfp_package=False)
def check(
    failure: dict,  # type: ignore[type-arg]  # kfp knows no item types
    code_version: str,
) -> None:
    """Fail with the reason of the step before, whose reports are stored since it succeeded.

    Args:
        failure: Step, kind and message of what failed; empty if nothing did.
        code_version: Version of the code of intentflow.
    """
    from intentflow.pipeline.steps import step_errors
    from intentflow.pipeline.steps.check import raise_failure

    with step_errors(failure.get("step", "check"), code_version):
        raise_failure(failure)
