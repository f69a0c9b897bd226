"""The components of the graphs, by the name of their step."""

from intentflow.components.balance.component import balance
from intentflow.components.baseline.component import baseline
from intentflow.components.behave.component import behave
from intentflow.components.check.component import check
from intentflow.components.convert.component import convert
from intentflow.components.correct.component import correct
from intentflow.components.curate.component import curate
from intentflow.components.deploy.component import deploy
from intentflow.components.evaluate.component import evaluate
from intentflow.components.explain.component import explain
from intentflow.components.gate.component import gate
from intentflow.components.look.component import look
from intentflow.components.merge.component import merge
from intentflow.components.notify.component import notify
from intentflow.components.publish.component import publish
from intentflow.components.quantize.component import quantize
from intentflow.components.record.component import record
from intentflow.components.resolve.component import resolve
from intentflow.components.split.component import split
from intentflow.components.train.component import train
from intentflow.components.validate.component import validate
from intentflow.components.watch.component import watch

__all__ = [
    "balance",
    "baseline",
    "behave",
    "check",
    "convert",
    "correct",
    "curate",
    "deploy",
    "evaluate",
    "explain",
    "gate",
    "look",
    "merge",
    "notify",
    "publish",
    "quantize",
    "record",
    "resolve",
    "split",
    "train",
    "validate",
    "watch",
]
