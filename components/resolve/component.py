"""Digests and scores that a run depends on, as they are now."""

from typing import NamedTuple

from kfp import dsl

from intentflow.pipeline import images


@dsl.component(base_image=images.DATA, install_kfp_package=False)
def resolve(
    sources: list,  # type: ignore[type-arg]  # kfp knows no item types
    split: dict,  # type: ignore[type-arg]
    champion: str,
    deploy: dict,  # type: ignore[type-arg]
    record: dict,  # type: ignore[type-arg]
    code_version: str,
    feedback: list = [],  # type: ignore[type-arg]  # noqa: B006  # kfp takes it literally
    run: str = "",
    train: dict = {},  # type: ignore[type-arg]  # noqa: B006
) -> NamedTuple(  # type: ignore[valid-type]  # as kfp reads it
    "Outputs",
    [
        ("sources_digest", str),
        ("test_digest", str),
        ("champion_scores", dict),
        ("champion_model", str),
        ("champion_entry", str),
        ("champion_data", str),
        ("feedback_digest", str),
        ("erased_digest", str),
        ("start_model", str),
        ("start_entry", str),
    ],
):
    """Find what is there now; never cached, so that a schedule sees new labels.

    Args:
        sources: Paths or s3:// URIs of the exports.
        split: Fields of SplitConfig, of which the test rows are read.
        champion: ``metrics.json`` of the model in service; if empty, it is looked for.
        deploy: Fields of DeployOptions; with mode apply or git, its model is the champion.
        record: Fields of RecordConfig; with ``compare``, the registry's champion counts too.
        code_version: Version of the code of intentflow.
        feedback: Logs of the service, for a retraining.
        run: Id of a retraining, which takes its lease: the second of two at once ends here.
        train: Fields of TrainConfig, whose recipe may start from the champion.

    Returns:
        Digests of the sources, of the test file and of the logs; scores or address of the model
        in service; the champion's entry in the registry, and the address of its data set; digest
        of the persons and utterances whose rows were erased; address and entry of the champion
        if the training starts from it. Later steps are cached on them.
    """
    from intentflow.deployment.options import DeployOptions
    from intentflow.pipeline.parameters import as_parameter, from_parameter
    from intentflow.pipeline.steps import step_errors
    from intentflow.pipeline.steps.lease import take_lease
    from intentflow.pipeline.steps.recorded import RecordConfig, Recorded
    from intentflow.pipeline.steps.resolve import run_resolve
    from intentflow.pipeline.steps.split import SplitConfig
    from intentflow.pipeline.steps.train import TrainConfig
    from intentflow.recipe.recipe import CHAMPION

    with step_errors("resolve", code_version):
        settings = from_parameter(SplitConfig, split, "split")
        service = from_parameter(DeployOptions, deploy, "deploy")
        recorded = Recorded(from_parameter(RecordConfig, record, "record"), run, code_version)
        trained = from_parameter(TrainConfig, train, "train") if train else None
        take_lease(recorded)
        found = run_resolve(
            sources,
            split=settings,
            champion=champion or None,
            service=service,
            record=recorded.config,
            feedback=feedback,
            starts_from_champion=trained is not None and trained.recipe.start_from == CHAMPION,
        )
        scores = as_parameter(found.champion) if found.champion else {}
    return (
        found.sources_digest,
        found.test_digest,
        scores,
        found.champion_model,
        found.champion_entry,
        found.champion_data,
        found.feedback_digest,
        found.erased_digest,
        found.start_model,
        found.champion_entry if found.start_model else "",
    )
