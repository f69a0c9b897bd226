"""Deployment by commit: a GitOps repository states what runs, Argo CD or Flux applies it."""

from intentflow.deployment.gitops.commit import PushResult, commit_service, committed_uri
from intentflow.deployment.gitops.revert import RevertResult, revert_service

__all__ = ["PushResult", "RevertResult", "commit_service", "committed_uri", "revert_service"]
