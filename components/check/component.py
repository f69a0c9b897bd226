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
    from intentflow.artifacts.failure import StepFailure
    from intentflow.pipeline.steps import step_errors

    found = StepFailure.from_mapping(failure, "failure") if failure else None
    with step_errors(found.step if found else "check", code_version):
        if found:
            raise found.error()
