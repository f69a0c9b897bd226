"""A 4-bit copy of the trained model."""

from kfp import dsl

from intentflow.pipeline import images


@dsl.component(base_image=images.TRAIN, install_kfp_package=False)
def quantize(
    model: dsl.Input[dsl.Model],
    calibration_set: dsl.Input[dsl.Dataset],
    validation_set: dsl.Input[dsl.Dataset],
    method: str,
    code_version: str,
    quantized: dsl.Output[dsl.Model],
) -> None:
    """Quantize the weights; what is scored and served afterwards is this copy.

    Args:
        model: A model directory from train.
        calibration_set: Training rows that the weights are fitted on.
        validation_set: Rows that the copy's confidence is calibrated on; may be empty.
        method: awq or gptq.
        code_version: Of intentflow.
        quantized: The 4-bit model directory.
    """
    from intentflow.pipeline.steps import step_errors
    from intentflow.pipeline.steps.model import run_quantize

    with step_errors("quantize"):
        sets = calibration_set.path, validation_set.path
        run_quantize(model.path, sets, method, quantized.path)
        quantized.metadata.update(framework="transformers", quantization=method)
