"""The Role that an account needs to deploy one service: ``manifests/deployer`` for its name."""

from __future__ import annotations

from collections.abc import Iterator

from intentflow.config import load_yaml
from intentflow.deployment.kustomize import Manifest, build
from intentflow.deployment.rendering import BASE_NAME
from intentflow.environment import resource

# Verbs on an object that has a name; a create has none yet, and a list asks for labels.
_NAMED = ("get", "patch", "delete")
# Names of the others follow from the service's: those of these follow its present predictor's.
_NAMED_LATER = ("ScaledObject",)
# Components with objects of their own that mode apply may apply.
_WITH_OBJECTS = ("autoscaling", "monitoring")


def deployer_role(name: str, namespace: str, account: tuple[str, str]) -> list[Manifest]:
    """The Role for one service, and its binding to an account.

    Reading, changing and deleting are limited to the objects of the service. Kubernetes cannot
    limit ``create`` and ``list`` to names; revisions and scaled objects have names that change.

    Args:
        name: Name of the service.
        namespace: Namespace of the service, which the Role is for.
        account: Namespace and name of the ServiceAccount that deploys, in any namespace.

    Returns:
        Role and RoleBinding.

    Example:
        >>> role, _ = deployer_role("banking", "bots", ("team-a", "default-editor"))
        >>> role["rules"][0]["resourceNames"], role["rules"][0]["verbs"]
        (['banking'], ['get', 'patch', 'delete'])
        >>> role["rules"][1]["verbs"]
        ['create']
    """
    folder = resource("manifests/deployer")
    documents = [load_yaml(folder / file) for file in ("role.yaml", "rolebinding.yaml")]
    for item in documents:
        item["metadata"] |= {"name": f"intentflow-deployer-{name}", "namespace": namespace}
    role, binding = documents
    role["rules"] = list(_rules(role, _names(name)))
    binding["roleRef"]["name"] = role["metadata"]["name"]
    binding["subjects"] = [
        {"kind": "ServiceAccount", "name": account[1], "namespace": account[0]},
    ]
    return documents


def _names(service: str) -> dict[str, list[str]]:
    """Names of the service's objects by their resource, of every option of mode ``apply``."""
    folders = [resource(f"manifests/components/{name}") for name in _WITH_OBJECTS]
    found: dict[str, list[str]] = {}
    for item in build(resource("manifests/base"), folders):
        if item["kind"] not in _NAMED_LATER:
            suffix = item["metadata"]["name"].removeprefix(BASE_NAME)
            found.setdefault(_resource(item["kind"]), []).append(service + suffix)
    return found


def _resource(kind: str) -> str:
    """The plural under which Kubernetes' API and Roles know a kind."""
    singular = kind.lower()
    return f"{singular[:-1]}ies" if singular.endswith("y") else f"{singular}s"


def _rules(role: Manifest, names: dict[str, list[str]]) -> Iterator[Manifest]:
    for rule in role["rules"]:
        for kind in rule["resources"]:
            one = {"apiGroups": rule["apiGroups"], "resources": [kind]}
            if kind not in names:
                yield {**one, "verbs": rule["verbs"]}
                continue
            named = [verb for verb in rule["verbs"] if verb in _NAMED]
            others = [verb for verb in rule["verbs"] if verb not in _NAMED]
            yield {**one, "resourceNames": sorted(names[kind]), "verbs": named}
            if others:
                yield {**one, "verbs": others}
