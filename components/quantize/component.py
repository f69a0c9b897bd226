"""A 4-bit copy of the trained model."""

from kfp import dsl

from intentflow.pipeline import images


@dsl.component(base_image=images.TRAIN, install_kfp_package=False)
def quantize(
    model: dsl.Input[dsl.Model],
    calibration_set: dsl.Input[dsl.Dataset],
    validation_set: dsl.Input[dsl.Dataset],
    config: dict,  # type: ignore[type-arg]  # kfp knows no item types
    code_version: str,
    quantized: dsl.Output[dsl.Model],
) -> None:
    """Quantize the weights; this copy is then scored and served.

    Args:
        model: A model directory from train.
        calibration_set: Training rows that the weights are fitted on.
        validation_set: Rows for the calibration of the copy's confidences; may be empty.
        config: Fields of QuantizeConfig.
        code_version: Version of the code of intentflow.
        quantized: The 4-bit model directory.
    """
    from intentflow.pipeline.parameters import from_parameter
    from intentflow.pipeline.steps import path_with_rows, step_errors
    from intentflow.pipeline.steps.quantize import QuantizeConfig, run_quantize

    with step_errors("quantize", code_version):
        settings = from_parameter(QuantizeConfig, config, "quantize")
        run_quantize(
            model.path,
            quantized.path,
            calibration_set.path,
            settings,
            validation=path_with_rows(validation_set.path),
        )
        quantized.metadata.update(framework="transformers", quantization=settings.method)
