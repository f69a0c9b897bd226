"""Step ``deploy``: the InferenceService of a published model."""
