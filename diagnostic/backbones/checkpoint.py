"""Our own backbone files: weights as safetensors, everything else as JSON beside them.

``NAME.safetensors`` holds the parameters in float32; ``NAME.json`` holds the builder's arguments, units, statistics,
the training record, and the SHA-256 of the weights and of the data. Neither can run code when it is read.
"""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from ...theory.errors import InputError
from ..records.assets import assets
from ..records.files import write_json
from .architecture import Architecture, BuilderSettings, architecture, load_parameters
from .backbone import Backbone, BackboneInfo
from .weights import read_weights, write_weights

SCHEMA = "spectral-ceilings/backbone/1"
#: The backbone that is used where none is named.
EMBEDDED = "aspirin-xtb-l2"
_ASSETS = assets()


def embedded_names() -> list[str]:
    """Return the names of the backbones that ship with the package, the default one first.

    Every ``NAME.safetensors`` with its ``NAME.json`` in the package's ``assets`` is one.
    """
    stems = {path.stem for path in _ASSETS.glob("*.safetensors") if path.with_suffix(".json").is_file()}
    # Models without symmetry have another schema, and no features that turn.
    names = {stem for stem in stems if "-unconstrained" not in stem}
    return sorted(names, key=lambda name: (name != EMBEDDED, name))


def embedded_record(name: str) -> dict[str, Any]:
    """Return the record of a backbone that ships with the package: builder, training, force error, hash."""
    return read_record(_ASSETS / f"{name}.safetensors")


def save_backbone(
    path: Path,
    model: torch.nn.Module,
    settings: BuilderSettings,
    training: dict[str, Any],
    force_mae: float | None,
    architecture: str = "nequip",
) -> None:
    """Write ``path`` (.safetensors) and the JSON beside it, each atomically, weights first."""
    written = write_weights(path, model)
    record = {
        "schema": SCHEMA,
        "architecture": architecture,
        "builder": settings.to_dict(),
        **written,
        "force_mae_eV_A": force_mae,
        "training": training,
    }
    write_json(path.with_suffix(".json"), record)


def read_record(path: Path) -> dict[str, Any]:
    """Read and check the JSON beside a weights file."""
    beside = path.with_suffix(".json")
    if not beside.is_file():
        raise InputError(
            f"{path.name} has no {beside.name} beside it, expected both files that 'ceilings train' writes"
        )
    try:
        record = json.loads(beside.read_text())
    except ValueError as error:
        raise InputError(f"{beside.name} is not readable JSON ({error}); train the backbone again") from error
    if not isinstance(record, dict) or record.get("schema") != SCHEMA:
        raise InputError(
            f"{beside.name} has schema {record.get('schema') if isinstance(record, dict) else record!r}, "
            f"expected {SCHEMA}; train the backbone again with this version"
        )
    missing = [
        name for name in ("weights_sha256", "builder", "force_mae_eV_A", "training") if name not in record
    ]
    if missing:
        raise InputError(f"{beside.name} has no {missing[0]!r}; restore it or train the backbone again")
    return record


def resolve_backbone(source: str | Path) -> Path:
    """Return the weights file that ``source`` names: a path, a run directory of ``ceilings train``, or an embedded name."""
    names = embedded_names()
    if str(source) in names:
        return _ASSETS / f"{source}.safetensors"
    path = Path(source)
    if path.is_dir():
        path = path / "backbone.safetensors"
    if not path.is_file():
        raise InputError(
            f"no backbone at {source}; expected a file, a directory that 'ceilings train' wrote, or one of the embedded "
            f"{', '.join(names)}"
        )
    if path.suffix != ".safetensors":
        raise InputError(
            f"{path.name} is not a known kind of backbone file, expected .safetensors, .ckpt, .nequip.zip, .model, .pth or .pt; "
            "other pickles can run code when read and are refused: wrap the model with from_module in Python"
        )
    return path


def load_own(path: Path, source: str) -> Backbone:
    """Load one of our own files in float64.

    Parameters
    ----------
    path
        The weights.
    source
        What the user wrote: an embedded name is shown as it is.

    Raises
    ------
    InputError
        A file is missing, damaged, of another schema or architecture, or does not match its recorded hash.
    """
    record = read_record(path)
    try:
        kind = architecture(record.get("architecture", "nothing"))
    except InputError as error:
        raise InputError(f"{path.name} cannot be read: {error}") from error
    weights = read_weights(path, record["weights_sha256"])
    settings = kind.settings.from_dict(record["builder"])
    name = source if source in embedded_names() else path.parent.name + "/" + path.name
    model = kind.build(settings, "float64")
    load_parameters(model, weights)
    info = BackboneInfo(
        name,
        kind.name,
        trained=True,
        sha256=record["weights_sha256"],
        force_mae=record["force_mae_eV_A"],
        builder=settings.to_dict(),
        training=record["training"],
    )
    backbone = kind.wrap(model, settings, info)
    backbone.untrained = lambda seed: fresh(kind, settings, name, seed)
    return backbone


def fresh(kind: Architecture, settings: BuilderSettings, name: str, seed: int) -> Backbone:
    """Return a backbone of the same architecture with random weights: the untrained control."""
    settings = replace(settings, seed=seed)
    info = BackboneInfo(
        f"{name} (untrained, seed {seed})", kind.name, trained=False, builder=settings.to_dict()
    )
    return kind.wrap(kind.build(settings, "float64"), settings, info)
