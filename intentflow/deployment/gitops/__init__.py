"""Deploying by commit: a GitOps repository says what runs, Argo CD or Flux makes it so."""

from intentflow.deployment.gitops.commit import Pushed, commit_service
from intentflow.deployment.gitops.revert import Reverted, revert_service

__all__ = ["Pushed", "Reverted", "commit_service", "revert_service"]
