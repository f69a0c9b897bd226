"""Names of the project's images, one for each of its four kinds of work (see ``images/``).

A registry is prefixed when a pipeline is compiled: ``intentflow compile --options``.
"""

from intentflow.version import __version__

TAG = __version__
DATA = f"intentflow/data:{TAG}"
TRAIN = f"intentflow/train:{TAG}"
SERVE = f"intentflow/serve:{TAG}"
DEPLOY = f"intentflow/deploy:{TAG}"
