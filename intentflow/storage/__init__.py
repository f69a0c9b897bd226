"""Storage of models and data sets in folders and S3: content-addressed, verified, atomic.

``s3://`` takes its settings from the environment: ``S3_ENDPOINT_URL``, ``AWS_ACCESS_KEY_ID``,
``AWS_SECRET_ACCESS_KEY``, ``AWS_SESSION_TOKEN``, ``AWS_REGION`` and ``AWS_CA_BUNDLE``. Without keys
it takes those of the role that AWS gives a pod or a node.
"""

from intentflow.storage.fetching import digest_of, fetch, read_file
from intentflow.storage.publishing import Published, publish
from intentflow.storage.uris import is_remote

__all__ = ["Published", "digest_of", "fetch", "is_remote", "publish", "read_file"]
