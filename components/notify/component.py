"""The outcome of a run, sent to people."""

from kfp import dsl

from intentflow.pipeline import images


@dsl.component(base_image=images.DATA, install_kfp_package=False)
def notify(
    status: dsl.PipelineTaskFinalStatus,
    config: dict,  # type: ignore[type-arg]  # kfp knows no item types
    record: dict,  # type: ignore[type-arg]
    run: str,
    code_version: str,
) -> None:
    """Send whether a run succeeded, with its verdict and links, to a webhook or a file.

    It runs at the end of every run, also of one that failed, and finds what the steps wrote into
    the registry under the id of the run. A retraining gives its lease back here.

    Args:
        status: State of the graph when it ended.
        config: Fields of NotifyConfig: the file, the address of a run's page. The webhook's address
            is a secret, in the environment variable INTENTFLOW_WEBHOOK_URL.
        record: Fields of RecordConfig; without a registry, the message has the state alone.
        run: Id of the run.
        code_version: Version of the code of intentflow.
    """
    from intentflow.pipeline.parameters import from_parameter
    from intentflow.pipeline.steps import step_errors
    from intentflow.pipeline.steps.lease import release_lease
    from intentflow.pipeline.steps.notify import NotifyConfig, RunOutcome, run_notify
    from intentflow.pipeline.steps.recorded import RecordConfig, Recorded

    with step_errors("notify", code_version):
        outcome = RunOutcome(status.state == "SUCCEEDED", status.error_message or "")
        recorded = Recorded(from_parameter(RecordConfig, record, "record"), run, code_version)
        release_lease(recorded)
        run_notify(from_parameter(NotifyConfig, config, "notify"), recorded, outcome)
