"""Judgement of a canary from the metrics of its transformer, at any time and as often as wanted."""

from intentflow.deployment.canary_watch.judgement import Judgement, judge
from intentflow.deployment.canary_watch.limits import WatchLimits

__all__ = ["Judgement", "WatchLimits", "judge"]
