"""The pipeline: run configuration, compilation, local runs, submission and schedules."""
