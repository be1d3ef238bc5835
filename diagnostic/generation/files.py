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
    """Write the npz and its sidecar; return the sidecar's content.

    Parameters
    ----------
    spacing
        Between two frames, as the pilot decided it.
    pilot
        ``(lags,)``, autocorrelation of the pilot's forces.
    rows
        ``(frames, 9 A + 3)`` of A atoms: positions (Å), momenta (sqrt(eV u)), forces (eV/Å), energy (eV), temperature (K),
        seconds.
    path
        The npz.
    """
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
        "temperature": _temperature(settings, temperatures),
        "spacing": _spacing(settings, spacing, pilot),
        "stored_autocorrelation": _stored_autocorrelation(forces, positions),
        "forces_rms": round(float(np.sqrt((forces**2).mean())), 4),
        "energy_mean_eV": round(float(energies.mean()), 4),
        "energy_sd_eV": round(float(energies.std()), 4),
        "production_s": round(float(seconds.sum()), 1),
        "versions": package_versions(),
        "machine": platform.machine(),
        "reference": molecule.positions.tolist(),
        "anchors": _anchors(lab),
    }
    write_json(sidecar_of(path), record)
    return record


def _temperature(settings: GenerateSettings, temperatures: NDArray[np.float64]) -> dict[str, Any]:
    error = None
    if len(temperatures) > 1:
        error = round(float(temperatures.std(ddof=1) / np.sqrt(len(temperatures))), 2)
    return {
        "wanted_K": settings.temperature,
        "measured_K": round(float(temperatures.mean()), 2),
        "standard_error_K": error,
        "definition": "kinetic, every production step, 3A degrees of freedom; the standard error takes segments as "
        "independent",
    }


def _spacing(settings: GenerateSettings, spacing: Spacing, pilot: NDArray[np.float64]) -> dict[str, Any]:
    return {
        **asdict(spacing),
        "rule": "shortest lag from which |C(t)| of the forces stays at or below "
        f"{settings.threshold:g} up to {settings.longest_lag_fs:g} fs, at most {settings.longest_spacing_fs:g} fs",
        "pilot_lag_fs": settings.sample_steps * settings.timestep_fs,
        "pilot_C": [round(float(value), 4) for value in pilot],
    }


def _stored_autocorrelation(forces: NDArray[np.float64], positions: NDArray[np.float64]) -> dict[str, Any]:
    """Return the autocorrelation of the stored frames, and how many independent ones they are worth."""
    lags = min(20, len(forces) - 1)
    stored: dict[str, Any] = {}
    for name, signal in (("forces", forces), ("positions", positions)) if lags >= 1 else ():
        correlation = autocorrelation(signal, lags)
        stored[name] = {
            "C": [round(float(value), 4) for value in correlation],
            "effective_frames": round(effective_samples(correlation, len(forces)), 1),
        }
    return stored


def _anchors(lab: NDArray[np.float64]) -> list[dict[str, Any]]:
    """Return a few frames with their momenta, from which a stretch of the trajectory can be integrated again."""
    frames = sorted({round(k) for k in np.linspace(0, len(lab) - 2, _ANCHORS)}) if len(lab) > 1 else []
    return [{"frame": int(k), "positions": lab[k, 0].tolist(), "momenta": lab[k, 1].tolist()} for k in frames]


def package_versions() -> dict[str, str]:
    """Versions of what the numbers depend on."""
    names = ("numpy", "ase", "rdkit", "tblite")
    return {"python": platform.python_version()} | {name: metadata.version(name) for name in names}
