"""Our own backbone files: weights as safetensors, everything else as JSON beside them.

``NAME.safetensors`` holds the parameters in float32; ``NAME.json`` holds the builder's arguments, units, statistics,
the training record, and the SHA-256 of the weights and of the data. Neither can run code when it is read.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save

from ..theory.errors import InputError
from .backbone import BackboneInfo
from .files import sha256_of, write_json, write_whole
from .nequip_model import NequIPBackbone, NequIPSettings, build_nequip, load_parameters

SCHEMA = "spectral-ceilings/backbone/1"
#: The backbone that ships with the package.
EMBEDDED = "aspirin-xtb-l2"
_ASSETS = Path(__file__).parent / "assets"


def save_backbone(
    path: Path,
    model: torch.nn.Module,
    settings: NequIPSettings,
    training: dict[str, Any],
    force_mae: float | None,
) -> None:
    """Write ``path`` (.safetensors) and the JSON beside it, each atomically, weights first."""
    weights = {name: p.detach().to(torch.float32).contiguous() for name, p in model.named_parameters()}
    content = save(weights)
    write_whole(path, content)
    record = {
        "schema": SCHEMA,
        "architecture": "nequip",
        "builder": settings.to_dict(),
        "units": {"length": "Å", "energy": "eV", "force": "eV/Å"},
        "parameters": sum(w.numel() for w in weights.values()),
        "weights_sha256": hashlib.sha256(content).hexdigest(),
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
    """Return the weights file that ``source`` names: a path, a run directory of ``ceilings train``, or the embedded name."""
    if str(source) == EMBEDDED:
        return _ASSETS / f"{EMBEDDED}.safetensors"
    path = Path(source)
    if path.is_dir():
        path = path / "backbone.safetensors"
    if not path.is_file():
        raise InputError(
            f"no backbone at {source}; expected a .safetensors file, a directory that 'ceilings train' wrote, or {EMBEDDED!r}"
        )
    if path.suffix != ".safetensors":
        raise InputError(
            f"{path.name} is not a .safetensors file; pickled checkpoints can run code when read and are refused, "
            "train with 'ceilings train' or export the weights"
        )
    return path


def load_backbone(source: str | Path = EMBEDDED, *, untrained_seed: int | None = None) -> NequIPBackbone:
    """Load a backbone in float64.

    Parameters
    ----------
    source
        A ``.safetensors`` file, a directory that ``ceilings train`` wrote, or the name of the embedded backbone.
    untrained_seed
        Build the same architecture with fresh random weights from this seed instead: the untrained control.

    Raises
    ------
    InputError
        A file is missing, damaged, of another schema or architecture, or does not match its recorded hash.
    """
    path = resolve_backbone(source)
    record = read_record(path)
    if record.get("architecture") != "nequip":
        raise InputError(f"{path.name} holds architecture {record.get('architecture')!r}, expected 'nequip'")
    digest = sha256_of(path)
    if digest != record["weights_sha256"]:
        raise InputError(
            f"{path.name} has SHA-256 {digest[:12]}..., its record says {record['weights_sha256'][:12]}...; "
            "the file is damaged or was replaced: restore it or train again"
        )
    settings = NequIPSettings.from_dict(record["builder"])
    name = str(source) if str(source) == EMBEDDED else path.parent.name + "/" + path.name
    if untrained_seed is not None:
        settings = replace(settings, seed=untrained_seed)
        info = BackboneInfo(
            f"{name} (untrained, seed {untrained_seed})", "nequip", trained=False, builder=settings.to_dict()
        )
        return NequIPBackbone(build_nequip(settings), settings.type_names, settings.r_max, info)
    model = build_nequip(settings)
    try:
        weights = load_file(path)
    except SafetensorError as error:
        raise InputError(
            f"{path.name} is not a readable safetensors file ({error}); restore it or train again"
        ) from error
    load_parameters(model, weights)
    info = BackboneInfo(
        name,
        "nequip",
        trained=True,
        sha256=digest,
        force_mae=record["force_mae_eV_A"],
        builder=settings.to_dict(),
        training=record["training"],
    )
    return NequIPBackbone(model, settings.type_names, settings.r_max, info)
