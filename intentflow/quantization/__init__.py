"""Quantization: 4-bit copies of a model directory, by llmcompressor."""

from intentflow.quantization.compress import METHODS, quantize

__all__ = ["METHODS", "quantize"]
