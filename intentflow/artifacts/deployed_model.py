"""The entry about the served model in the annotations of a service."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Self

from pydantic import ConfigDict, Field

from intentflow.artifacts.document import Section


def _key(name: str) -> str:
    return name.replace("_", "-")


class DeployedModel(Section):
    """A registry entry: the model that was deployed, and the gate's verdict about it.

    It is stored in the cluster and in files under version control, one annotation per key, with a
    prefix. A missing or empty annotation states nothing.
    """

    model_config = ConfigDict(alias_generator=_key, populate_by_name=True, extra="ignore")

    verdict: str = Field("", description="passed or unverified; empty for one from elsewhere")
    model_digest: str = Field("", description="SHA-256 of the model directory")
    prompt_digest: str = Field("", description="SHA-256 of the prompt that it was trained with")
    interface_digest: str = Field(
        "", description="SHA-256 of prompt, taxonomy and calibration: what its transformer applies"
    )
    training_data_digest: str = Field("", description="SHA-256 of the rows it was trained on")
    data_digest: str = Field("", description="SHA-256 of the rows that it was scored on")
    constrained: str = Field(
        "", description="true or false: whether its answers were constrained when it was scored"
    )

    @classmethod
    def keys(cls, prefix: str) -> list[str]:
        """The complete names of the annotations."""
        return [prefix + _key(name) for name in cls.model_fields]

    @classmethod
    def read(cls, annotations: Mapping[str, object] | None, prefix: str) -> Self:
        """Read the entry from annotations."""
        stated = annotations or {}
        return cls(**{name: str(stated.get(prefix + _key(name), "")) for name in cls.model_fields})

    def annotations(self, prefix: str) -> dict[str, str]:
        """The entry as annotations."""
        found = self.model_dump(by_alias=True)
        return {prefix + key: value for key, value in found.items() if value}
