"""The registry: which data sets, models and deployments there were, and which model is in service.

Entries are JSON files that never change and are named by their SHA-256; they are written after what
they describe. Which model of a service is the champion is one small file for each service, which
processes change one at a time.
"""

from intentflow.registry.listing import Damaged, Listing
from intentflow.registry.registry import Registry

__all__ = ["Damaged", "Listing", "Registry"]
