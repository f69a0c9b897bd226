"""Names of the project's images, one for each of its kinds of work (see ``images/``).

Registry and tag are set when a pipeline is compiled: ``intentflow compile --options``.
"""

from intentflow.version import __version__

TAG = __version__
DATA = f"intentflow/data:{TAG}"
TRAIN = f"intentflow/train:{TAG}"
EVALUATE = f"intentflow/evaluate:{TAG}"
SERVE = f"intentflow/serve:{TAG}"
DEPLOY = f"intentflow/deploy:{TAG}"
