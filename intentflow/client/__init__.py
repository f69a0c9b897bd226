"""Typed clients of an intent service; they need no package but httpx.

    from intentflow.client import IntentClient

    with IntentClient("http://intent.example", token=os.environ["TOKEN"]) as client:
        found = client.recognize("I want to visit Hangzhou, check the weather")
        found.calls[0].intent, found.calls[0].arguments["place"]

Both use KServe's V1 route, retry where the service reports a temporary fault, and give up when
the time is over.
"""

from intentflow.client.clients import AsyncIntentClient, IntentClient
from intentflow.client.requests import (
    LikelyIntent,
    Recognition,
    RecognizedCall,
    ServiceFailure,
    Utterance,
)

__all__ = [
    "AsyncIntentClient",
    "IntentClient",
    "LikelyIntent",
    "Recognition",
    "RecognizedCall",
    "ServiceFailure",
    "Utterance",
]
