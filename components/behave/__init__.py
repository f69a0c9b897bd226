"""Step ``quantize``: a 4-bit copy of the trained model."""
