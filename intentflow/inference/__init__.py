"""Inference: engines that answer prompts, constrained decoding and confidences."""
