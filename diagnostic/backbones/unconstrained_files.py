"""Files of models without symmetry: weights as safetensors, everything else as JSON beside them; neither can run code."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from ...theory.errors import InputError
from ..records.assets import assets
from ..records.files import write_json
from .unconstrained_model import UnconstrainedNetwork, UnconstrainedSettings
from .weights import read_weights, write_weights

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
    written = write_weights(path, network)
    write_json(
        path.with_suffix(".json"),
        {
            "schema": UNCONSTRAINED_SCHEMA,
            "architecture": "unconstrained",
            "settings": network.settings.to_dict(),
            "energy_shift_eV": network.shift,
            **({"energy_shifts_eV": list(network.shifts)} if network.shifts else {}),
            "force_scale_eV_A": network.scale,
            **written,
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
        shifts = tuple(float(value) for value in record.get("energy_shifts_eV", ()))
        if shifts and len(shifts) != len(settings.numbers):
            raise ValueError(f"{len(shifts)} reference energies for {len(settings.numbers)} elements")
    except (ValueError, KeyError, TypeError) as error:
        raise InputError(
            f"{beside.name} is damaged ({type(error).__name__}: {error}); train the model again"
        ) from error
    weights = read_weights(path, digest)
    network = UnconstrainedNetwork(settings)
    try:
        network.load_state_dict({name: w.double() for name, w in weights.items()})
    except RuntimeError as error:
        raise InputError(
            f"{path.name} does not fit its record ({type(error).__name__}); train again"
        ) from error
    network.shift, network.scale, network.shifts = float(shift), float(scale), shifts
    for parameter in network.parameters():
        parameter.requires_grad_(False)
    return network, record


def _weights(source: str | Path) -> Path:
    if str(source) in unconstrained_names():
        return _ASSETS / f"{source}.safetensors"
    path = Path(source)
    return path / "unconstrained.safetensors" if path.is_dir() else path
