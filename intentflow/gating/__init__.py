"""The decision whether a model may be deployed: policy, champion rule, baselines and verdict."""
