"""KServe's controller and webhooks, played by its source.

Lines are those of https://github.com/kserve/kserve at v0.20.0, below ``pkg/``; what the real one
did with this project's objects is in ``tests/data/controllers/kserve``, and tests hold this one to
it. Not played: KEDA's ScaledObjects (nothing here asks KServe for them), explainers, workers of
several nodes, Istio. Deployments, pods and their scheduling are Kubernetes' own.
"""
