"""Derive the field tables in ``tests/data/crds`` from the original CustomResourceDefinitions.

    python -m tests.data.derive_crd_tables FOLDER_WITH_THE_CRDS

``kinds.yaml`` holds what is left of a definition without the schemas of its versions; one table a
group holds these schemas (see :mod:`tests.real_parts.field_tables`).
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import yaml

from tests.real_parts.field_tables import write_table

TARGET = Path(__file__).with_name("crds")
ORIGINALS = (
    "serving.kserve.io_inferenceservices",
    "serving.kserve.io_servingruntimes",
    "serving.kserve.io_localmodelcaches",
    "trainer.kubeflow.org_trainjobs",
    "trainer.kubeflow.org_trainingruntimes",
)
_KEPT_OF_A_VERSION = ("name", "served", "storage", "subresources")

Definition = dict[str, Any]


def read_original(folder: Path, name: str) -> Definition:
    """A CustomResourceDefinition by its file's name."""
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # 2 MB: seconds against half a minute
    definition: Definition = yaml.load((folder / f"{name}.yaml").read_bytes(), loader)
    return definition


def derive(folder: Path) -> dict[str, str]:
    """The files' texts by name."""
    kinds: dict[str, Any] = {}
    schemas: dict[str, dict[str, Any]] = {}
    for name in ORIGINALS:
        spec = read_original(folder, name)["spec"]
        (version,) = spec["versions"]
        kind = spec["names"]["kind"]
        kept = {key: version[key] for key in _KEPT_OF_A_VERSION if key in version}
        kinds[kind] = {**spec, "versions": [kept]}
        schemas.setdefault(spec["group"], {})[kind] = version["schema"]["openAPIV3Schema"]
    tables = {f"{group}.tsv": write_table(found) for group, found in schemas.items()}
    return {"kinds.yaml": yaml.safe_dump(kinds), **tables}


def main() -> None:
    """Write the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0], allow_abbrev=False)
    parser.add_argument("folder", type=Path, help="folder with the definitions")
    for name, text in derive(parser.parse_args().folder).items():
        (TARGET / name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
