"""The two files of generated frames: the npz, and the sidecar that says how it was made."""

from __future__ import annotations

import platform
from dataclasses import asdict
from importlib import metadata
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from ase.data import atomic_masses
from numpy.typing import NDArray

from ..frames.alignment import into_reference_orientation
from ..records.files import sha256_of, write_atomically, write_json
from .autocorrelation import Spacing, autocorrelation, effective_samples
from .molecule import Molecule
from .settings import GenerateSettings

SCHEMA = "spectral-ceilings/generated-frames/1"
#: Anchors from which a stretch of the trajectory can be integrated again.
_ANCHORS = 6


def sidecar_of(path: Path) -> Path:
    """The JSON beside an npz of generated frames."""
    return path.with_suffix(".json")


def store_frames(
    settings: GenerateSettings,
    molecule: Molecule,
    spacing: Spacing,
    pilot: NDArray[np.float64],
    rows: NDArray[np.float64],
    path: Path,
) -> dict[str, Any]:
    """Write the npz and its sidecar; return the sidecar's content."""
    size = len(molecule.numbers)
    masses = atomic_masses[molecule.numbers]
    lab = rows[:, : 9 * size].reshape(-1, 3, size, 3)
    energies, temperatures, seconds = rows[:, 9 * size], rows[:, 9 * size + 1], rows[:, 9 * size + 2]
    positions, forces = into_reference_orientation(lab[:, 0], lab[:, 2], molecule.positions, masses)
    arrays: dict[str, Any] = {
        "numbers": molecule.numbers.astype(np.uint8),
        "positions": positions.astype(np.float32),
        "forces": forces.astype(np.float32),
        "energies": energies,
    }

    def fill(stream: BinaryIO) -> None:
        np.savez_compressed(stream, **arrays)

    write_atomically(path, fill)
    lags = min(20, len(rows) - 1)
    stored: dict[str, Any] = {}
    if lags >= 1:
        for name, signal in (("forces", forces), ("positions", positions)):
            correlation = autocorrelation(signal, lags)
            stored[name] = {
                "C": [round(float(value), 4) for value in correlation],
                "effective_frames": round(effective_samples(correlation, len(rows)), 1),
            }
    sample_fs = settings.sample_steps * settings.timestep_fs
    frames = sorted({round(k) for k in np.linspace(0, len(rows) - 2, _ANCHORS)}) if len(rows) > 1 else []
    record: dict[str, Any] = {
        "schema": SCHEMA,
        "command": settings.command(path.name),
        "settings": asdict(settings),
        "sha256": sha256_of(path),
        "bytes": path.stat().st_size,
        "smiles": molecule.smiles,
        "numbers": molecule.numbers.tolist(),
        "bonds": molecule.bonds.tolist(),
        "charge": molecule.charge,
        "multiplicity": molecule.multiplicity,
        "method": settings.thermostat.method,
        "relaxation": molecule.relaxation,
        "units": {"positions": "Å", "forces": "eV/Å", "energies": "eV", "momenta": "sqrt(eV u)"},
        "orientation": "mass-weighted Kabsch onto `reference`, centre of mass at the origin",
        "frames": len(rows),
        "temperature": {
            "wanted_K": settings.temperature,
            "measured_K": round(float(temperatures.mean()), 2),
            "standard_error_K": round(float(temperatures.std(ddof=1) / np.sqrt(len(rows))), 2)
            if len(rows) > 1
            else None,
            "definition": "kinetic, every production step, 3A degrees of freedom; the standard error takes "
            "segments as independent",
        },
        "spacing": {
            **asdict(spacing),
            "rule": "shortest lag from which |C(t)| of the forces stays at or below "
            f"{settings.threshold:g} up to {settings.longest_lag_fs:g} fs, "
            f"at most {settings.longest_spacing_fs:g} fs",
            "pilot_lag_fs": sample_fs,
            "pilot_C": [round(float(value), 4) for value in pilot],
        },
        "stored_autocorrelation": stored,
        "forces_rms": round(float(np.sqrt((forces**2).mean())), 4),
        "energy_mean_eV": round(float(energies.mean()), 4),
        "energy_sd_eV": round(float(energies.std()), 4),
        "production_s": round(float(seconds.sum()), 1),
        "versions": package_versions(),
        "machine": platform.machine(),
        "reference": molecule.positions.tolist(),
        "anchors": [
            {"frame": int(k), "positions": lab[k, 0].tolist(), "momenta": lab[k, 1].tolist()} for k in frames
        ],
    }
    write_json(sidecar_of(path), record)
    return record


def package_versions() -> dict[str, str]:
    """Versions of what the numbers depend on."""
    names = ("numpy", "ase", "rdkit", "tblite")
    return {"python": platform.python_version()} | {name: metadata.version(name) for name in names}
