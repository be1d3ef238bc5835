"""Files of models without symmetry: weights as safetensors, everything else as JSON beside them; neither can run code."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save

from ...theory.errors import InputError
from ..records.assets import assets
from ..records.files import sha256_of, write_json, write_whole
from .unconstrained_model import UnconstrainedNetwork, UnconstrainedSettings

UNCONSTRAINED_SCHEMA = "spectral-ceilings/unconstrained/1"
_ASSETS = assets()


def unconstrained_names() -> list[str]:
    """Return the names of the models without symmetry that ship with the package."""
    return sorted(path.stem for path in _ASSETS.glob("*-unconstrained*.safetensors"))


def save_unconstrained(path: Path, network: UnconstrainedNetwork, training: dict[str, Any]) -> None:
    """Write ``path`` (.safetensors, float32) and the JSON beside it, each atomically, weights first.

    Parameters
    ----------
    training
        The record: command, data, force errors in eV/Å, seconds.
    """
    weights = {name: p.detach().to(torch.float32).contiguous() for name, p in network.named_parameters()}
    content = save(weights)
    write_whole(path, content)
    write_json(
        path.with_suffix(".json"),
        {
            "schema": UNCONSTRAINED_SCHEMA,
            "architecture": "unconstrained",
            "settings": network.settings.to_dict(),
            "energy_shift_eV": network.shift,
            "force_scale_eV_A": network.scale,
            "units": {"length": "Å", "energy": "eV", "force": "eV/Å"},
            "parameters": sum(w.numel() for w in weights.values()),
            "weights_sha256": hashlib.sha256(content).hexdigest(),
            "training": training,
        },
    )


def is_unconstrained(source: str | Path) -> bool:
    """Whether ``source`` names a model without symmetry: a shipped name, a file, or a directory of its training."""
    if str(source) in unconstrained_names():
        return True
    beside = _weights(source).with_suffix(".json")
    try:
        return beside.is_file() and json.loads(beside.read_text()).get("schema") == UNCONSTRAINED_SCHEMA
    except (OSError, ValueError, AttributeError):
        return False


def load_unconstrained(source: str | Path) -> tuple[UnconstrainedNetwork, dict[str, Any]]:
    """Load a model in float64 and its record.

    Raises
    ------
    InputError
        A file is missing or damaged, of another schema, or does not match its recorded hash.
    """
    path = _weights(source)
    beside = path.with_suffix(".json")
    if not path.is_file() or not beside.is_file():
        raise InputError(
            f"no model without symmetry at {source}; expected a .safetensors with its .json, or one of "
            f"{', '.join(unconstrained_names())}"
        )
    try:
        record = json.loads(beside.read_text())
        if record["schema"] != UNCONSTRAINED_SCHEMA:
            raise InputError(
                f"{beside.name} has schema {record['schema']!r}, expected {UNCONSTRAINED_SCHEMA}"
            )
        settings = UnconstrainedSettings(
            **{**record["settings"], "numbers": tuple(record["settings"]["numbers"])}
        )
        digest, shift, scale = record["weights_sha256"], record["energy_shift_eV"], record["force_scale_eV_A"]
    except (ValueError, KeyError, TypeError) as error:
        raise InputError(
            f"{beside.name} is damaged ({type(error).__name__}: {error}); train the model again"
        ) from error
    if sha256_of(path) != digest:
        raise InputError(f"{path.name} does not match the hash in its record; restore it or train again")
    network = UnconstrainedNetwork(settings)
    try:
        network.load_state_dict({name: w.double() for name, w in load_file(path).items()})
    except (SafetensorError, RuntimeError) as error:
        raise InputError(
            f"{path.name} does not fit its record ({type(error).__name__}); train again"
        ) from error
    network.shift, network.scale = float(shift), float(scale)
    for parameter in network.parameters():
        parameter.requires_grad_(False)
    return network, record


def _weights(source: str | Path) -> Path:
    if str(source) in unconstrained_names():
        return _ASSETS / f"{source}.safetensors"
    path = Path(source)
    return path / "unconstrained.safetensors" if path.is_dir() else path
