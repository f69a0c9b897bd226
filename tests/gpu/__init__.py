"""Checks that need a GPU; with ``INTENTFLOW_GPU_DRY_RUN=1`` a CPU rehearses them."""
