"""The ``finetune`` graph: from labelling exports to a gated deployment."""
