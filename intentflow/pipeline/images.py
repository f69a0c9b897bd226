"""Names of the project's images, one each for its four kinds of work (see ``images/``).

A registry is put before them when a pipeline is compiled: ``intentflow compile --options``.
"""

TAG = "0.1.0"
DATA = f"intentflow/data:{TAG}"
TRAIN = f"intentflow/train:{TAG}"
SERVE = f"intentflow/serve:{TAG}"
DEPLOY = f"intentflow/deploy:{TAG}"
