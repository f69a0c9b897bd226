"""The gate: the decision whether a model may be deployed, by policy, champion and baselines."""
