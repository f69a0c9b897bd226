"""The environment variables."""

from __future__ import annotations

from intentflow.environment_variables import VARIABLES


def environment_page() -> str:
    """The page with all variables."""
    rows = [
        f"| `{it.name}` | {it.read_by} | {it.meaning}{'; **secret**' if it.secret else ''} |"
        for it in VARIABLES
    ]
    return "\n".join(
        [
            "# Environment variables\n",
            "Secrets are read from the environment only. In a cluster they come from Secrets, by "
            "`env_from_secrets` of a step or the manifests of the service.\n",
            "| variable | read by | meaning |\n|---|---|---|",
            *rows,
            "",
        ]
    )
