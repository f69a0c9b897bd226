"""The response header that names the model that answered, for the service and for who asks it."""

from __future__ import annotations

MODEL_HEADER = "x-intentflow-model"
"""Its value is the model's digest, 64 hexadecimal digits."""
