"""What averaging over rotations leaves of a broken symmetry, and what it costs: spectra and short trajectories."""

from __future__ import annotations

from typing import Any

import numpy as np
from ase import Atoms, units
from ase.md.verlet import VelocityVerlet
from numpy.typing import NDArray

from ...theory.errors import InputError
from ..frames.alignment import centred, kabsch_rotations
from ..frames.isotropy import rotation_alignment
from .averaged_calculator import AveragedCalculator, MultipleTimeStep
from .breaking import evaluate
from .result import SymmetrySettings
from .structure import measure_structure

#: Inner steps of an outer one in the multiple-time-step scheme.
STRIDE = 4
#: Planck's constant over 2 pi in ASE's units of angular momentum.
HBAR = units._hbar * units.J * units.s


def remedy_names() -> tuple[str, ...]:
    """Return the remedies measured, the bare calculator first."""
    return ("none", "grid 1", "grid 2", "random 4", "stochastic", "multiple time step")


def remedied(name: str, calculator: Any, seed: int = 0) -> Any:
    """Return the calculator of a remedy; for the multiple time step that of its outer force."""
    if name == "none":
        return calculator
    if name == "stochastic":
        return AveragedCalculator(calculator, "stochastic", seed=seed)
    if name == "random 4":
        return AveragedCalculator(calculator, "random", count=4, seed=seed)
    if name in ("grid 1", "multiple time step"):
        return AveragedCalculator(calculator, "grid", degree=1)
    if name == "grid 2":
        return AveragedCalculator(calculator, "grid", degree=2)
    raise InputError(f"remedy is {name!r}, expected one of {', '.join(remedy_names())}")


def measure_remedy(
    name: str, calculator: Any, atoms: Atoms, settings: SymmetrySettings, l_top: int = 4
) -> dict[str, Any]:
    """Measure one remedy: what depends on orientation still, what a step costs, what a trajectory conserves.

    Returns
    -------
    ``evaluations`` of the calculator for each step; ``energy_rms`` (meV/atom), ``force_rms`` (meV/Å) and
    ``energy_by_degree``, ``force_by_degree`` of what is left (of one orientation in the mean square for ``stochastic``, whose
    average is exact); ``energy_drift`` (slope of the total energy, meV/atom/ps), ``energy_spread`` (its root mean square about
    that line, meV/atom), ``momentum_drift`` (change of angular momentum, ħ/ps, from zero), ``turned`` (largest angle by which
    the molecule turned, degrees), ``alignment`` (A_1 of its orientations: 1 where it does not turn). None where there is no
    trajectory: periodic structures and single atoms have no orientation of their own.
    """
    wrapped = remedied(name, calculator, settings.seed)
    # One random rotation at a time leaves what the bare calculator has, at every step anew.
    probe = calculator if name == "stochastic" else wrapped
    left = measure_structure(probe, atoms, min(l_top, 4), inversion=False, checks=4)
    each = 1e3 / len(atoms)
    cost = getattr(wrapped, "evaluations", 1)
    row: dict[str, Any] = {
        "name": name,
        "evaluations": 1 + cost / STRIDE if name == "multiple time step" else float(cost),
        "energy_rms": left["energy_rms"],
        "force_rms": left["force_rms"],
        "energy_by_degree": [each * p**0.5 for p in left["energy_power"][1:]],
        "force_by_degree": [1e3 * p**0.5 for p in left["force_power"][1:]],
    }
    return {**row, **trajectory(name, calculator, wrapped, atoms, settings)}


def set_velocities(atoms: Any, temperature: float, rng: np.random.Generator) -> None:
    """Draw Maxwell-Boltzmann momenta at a temperature (K), then take out the motion of the whole and its rotation."""
    masses = atoms.get_masses()
    momenta = rng.normal(size=(len(atoms), 3)) * np.sqrt(masses * units.kB * temperature)[:, None]
    momenta -= masses[:, None] * momenta.sum(axis=0) / masses.sum()
    inside = atoms.positions - atoms.get_center_of_mass()
    inertia = np.einsum("a,aij->ij", masses, (inside**2).sum(axis=1)[:, None, None] * np.eye(3)
                        - inside[:, :, None] * inside[:, None])  # fmt: skip
    spin = np.linalg.pinv(inertia) @ np.cross(inside, momenta).sum(axis=0)
    atoms.set_momenta(momenta - masses[:, None] * np.cross(spin, inside))


def trajectory(
    name: str, calculator: Any, wrapped: Any, atoms: Atoms, settings: SymmetrySettings
) -> dict[str, float | None]:
    """Run NVE from rest in rotation and return what it conserved; see ``measure_remedy``."""
    fields = ("energy_drift", "energy_spread", "momentum_drift", "turned", "alignment")
    if atoms.pbc.any() or len(atoms) < 3:
        return dict.fromkeys(fields, None)
    moving: Any = atoms.copy()  # type: ignore[no-untyped-call]
    set_velocities(moving, settings.temperature, np.random.default_rng([settings.seed, 7]))
    step = settings.timestep * units.fs
    split = name == "multiple time step"
    moving.calc = calculator if split else wrapped
    run = MultipleTimeStep(moving, step, wrapped, stride=STRIDE) if split else VelocityVerlet(moving, step)
    times, energies, momenta, positions = [], [], [], []
    for k in range(settings.steps // STRIDE + 1):
        if k:
            run.run(STRIDE)  # type: ignore[no-untyped-call]
        times.append(k * STRIDE * settings.timestep * 1e-3)
        # The scheme conserves the energy of its outer force.
        potential = evaluate(wrapped, moving)[0] if split else float(moving.get_potential_energy())
        energies.append(potential + float(moving.get_kinetic_energy()))
        momenta.append(moving.get_angular_momentum() / HBAR)
        positions.append(moving.positions.copy())
    slope, level = np.polyfit(times, energies, 1)
    about = np.array(energies) - (slope * np.array(times) + level)
    masses: NDArray[np.float64] = moving.get_masses()
    inside = centred(np.array(positions), masses)
    turns = kabsch_rotations(inside, inside[0], masses)
    angle = np.arccos(np.clip(0.5 * (np.trace(turns, axis1=1, axis2=2) - 1.0), -1.0, 1.0))
    return {
        "energy_drift": 1e3 * float(slope) / len(atoms),
        "energy_spread": 1e3 * float(np.sqrt(np.mean(about**2))) / len(atoms),
        "momentum_drift": float(np.linalg.norm(momenta[-1] - momenta[0])) / times[-1],
        "turned": float(np.degrees(angle.max())),
        "alignment": rotation_alignment(turns, 1)[0],
    }
