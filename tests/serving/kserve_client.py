"""KServe's client, whose package reads the command line of whoever imports it."""

import sys

_arguments, sys.argv = sys.argv, sys.argv[:1]
try:
    import kserve
    from kserve.inference_client import InferenceRESTClient, RESTConfig
finally:
    sys.argv = _arguments

__all__ = ["InferenceRESTClient", "RESTConfig", "kserve"]
