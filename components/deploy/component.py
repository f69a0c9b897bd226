"""The InferenceService of a published model."""

from kfp import dsl

from intentflow.pipeline import images


@dsl.component(base_image=images.DEPLOY, install_kfp_package=False)
def deploy(
    model_uri: str,
    verdict: dsl.Input[dsl.Artifact],
    options: dict,  # type: ignore[type-arg]  # kfp knows no item types
    output: str,
    code_version: str,
    manifests: dsl.Output[dsl.Artifact],
) -> None:
    """Render the manifests and, with mode apply, bring them to the cluster.

    Args:
        model_uri: Where the model was published.
        verdict: ``verdict.json`` of that very model.
        options: Deployment options: name, namespace, mode and the rest.
        output: A folder that gets a copy of the manifests; empty for none.
        code_version: Of intentflow.
        manifests: The Kubernetes objects as YAML files.
    """
    from intentflow.pipeline.steps import step_errors
    from intentflow.pipeline.steps.release import run_deploy

    with step_errors("deploy"):
        manifests.metadata.update(
            run_deploy(model_uri, verdict.path, options, manifests.path, output)
        )
