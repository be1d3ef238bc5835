"""The files that ship with the package: frames, backbones, styles and JSON Schemas."""

from __future__ import annotations

import json
from importlib import resources
from pathlib import Path
from typing import Any

_PACKAGE = __name__.rsplit(".", 2)[0]


def assets() -> Path:
    """Return the folder of shipped frames, backbones and styles."""
    return Path(str(resources.files(_PACKAGE).joinpath("assets")))


def shipped_structures() -> dict[str, Path]:
    """Return the files of crystals, boxes and mixed sets that ship with the package, by name, such as ``ag-emt``."""
    files = (path for path in (assets() / "structures").iterdir() if path.suffix in (".npz", ".extxyz"))
    return {path.stem: path for path in sorted(files)}


def shipped_schema(name: str) -> dict[str, Any]:
    """Return the JSON Schema (draft 2020-12) ``NAME.schema.json`` that ships with the package."""
    text = resources.files(_PACKAGE).joinpath("schemas", f"{name}.schema.json").read_text(encoding="utf-8")
    loaded: dict[str, Any] = json.loads(text)
    return loaded
