"""The InferenceService of a published model."""

from kfp import dsl

from intentflow.pipeline import images


@dsl.component(base_image=images.DEPLOY, install_kfp_package=False)
def deploy(
    model_uri: str,
    verdict: dsl.Input[dsl.Artifact],
    config: dict,  # type: ignore[type-arg]  # kfp knows no item types
    record: dict,  # type: ignore[type-arg]
    run: str,
    code_version: str,
    manifests: dsl.Output[dsl.Artifact],
) -> None:
    """Render the manifests and, with mode apply, apply them to the cluster.

    Args:
        model_uri: URI of the published model.
        verdict: ``verdict.json`` of exactly this model.
        config: Fields of DeployOptions: name, namespace, mode and further options.
        record: Fields of RecordConfig; with a registry, the deployment is recorded and the model
            becomes the champion, or the challenger if it is a canary.
        run: Id of the run.
        code_version: Version of the code of intentflow.
        manifests: The Kubernetes objects as YAML files.
    """
    from intentflow.deployment.options import DeployOptions
    from intentflow.pipeline.parameters import from_parameter
    from intentflow.pipeline.steps import step_errors
    from intentflow.pipeline.steps.deploy import run_deploy
    from intentflow.pipeline.steps.recorded import RecordConfig, Recorded

    with step_errors("deploy", code_version):
        settings = from_parameter(DeployOptions, config, "deploy")
        done = run_deploy(
            model_uri,
            settings,
            verdict=verdict.path,
            manifests=manifests.path,
            recorded=Recorded(from_parameter(RecordConfig, record, "record"), run, code_version),
        )
        manifests.metadata.update(mode=done.mode, objects=done.objects, verified=done.verified)
        made = {"url": done.url, "commit": done.commit, "branch": done.branch}
        manifests.metadata.update({key: value for key, value in made.items() if value})
