"""Short runs whose energies are kept after every step and whose positions now and then; ASE's integrators as they are."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from ase import units
from ase.md.langevin import Langevin
from ase.md.verlet import VelocityVerlet
from numpy.typing import NDArray

from ..records.machine_errors import of_the_machine
from .bonds import HOT, MARGIN, explosion
from .run import clause

Array = NDArray[np.float64]
#: ASE's Atoms, which have no types.
Moving = Any


@dataclass(frozen=True)
class EnergyRun:
    """Energies of every step of a run that ended by itself or exploded.

    Attributes
    ----------
    times
        ``(records,)``, fs from the start.
    potential, kinetic
        ``(records,)``, eV.
    positions
        ``(samples, atoms, 3)``, Å, not wrapped.
    momenta
        ``(atoms, 3)`` at the end, ASE's units.
    ended
        Why the run stopped early, one clause; empty: it did not.
    """

    times: Array
    potential: Array
    kinetic: Array
    positions: Array
    momenta: Array
    ended: str = ""

    @property
    def total(self) -> Array:
        """Total energy (eV)."""
        return self.potential + self.kinetic


def run_trajectory(
    atoms: Moving,
    calculator: Any,
    *,
    steps: int,
    time_step: float,
    temperature: float | None = None,
    friction: float = 0.02,
    seed: int = 0,
    sample_every: int = 20,
    progress: Callable[[int], None] | None = None,
) -> EnergyRun:
    """Move atoms from their positions and momenta: velocity Verlet, or Langevin dynamics where a temperature is given.

    Parameters
    ----------
    atoms
        Where the run starts; not changed.
    calculator
        An ASE calculator.
    steps, time_step
        Steps, and their length (fs).
    temperature, friction
        Of the bath (K, 1/fs); None: constant energy.
    seed
        Of the thermal noise.
    sample_every
        Steps between positions that are kept.
    progress
        Called with the steps done.

    Returns
    -------
    EnergyRun
        Energies after every step, the start included. A run ends early where a number is not finite, the calculator fails, or
        the kinetic temperature is above ten times the wanted one (at constant energy: that of the start) plus 3,000 K.
    """
    moving: Any = atoms.copy()
    moving.calc = calculator
    dynamics: Any = (
        VelocityVerlet(moving, time_step * units.fs)
        if temperature is None
        else Langevin(
            moving, time_step * units.fs, temperature_K=temperature, friction=friction / units.fs, fixcm=False,
            rng=np.random.default_rng(seed),
        )
    )  # fmt: skip
    limit = HOT * max(temperature or 0.0, float(moving.get_temperature())) + MARGIN
    times, potential, kinetic, kept = [0.0], [], [], []
    ended = ""
    forces: Any = None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the libraries that a calculator is made with
        try:
            potential.append(float(moving.get_potential_energy()))
            kinetic.append(float(moving.get_kinetic_energy()))
            for step in range(1, steps + 1):
                forces = dynamics.step(forces)
                energies = float(moving.get_potential_energy()), float(moving.get_kinetic_energy())
                ended = _ended(energies, len(moving), limit)
                if ended:
                    ended = f"{ended} after {step * time_step:g} fs"
                    break
                times.append(step * time_step)
                potential.append(energies[0])
                kinetic.append(energies[1])
                if step % sample_every == 0:
                    kept.append(moving.get_positions())
                    if progress is not None:
                        progress(step)
        except Exception as error:  # a calculator fails in its own way on atoms that have met
            if of_the_machine(error):
                raise
            ended = f"the calculator failed after {times[-1]:g} fs ({clause(error)})"
    count = len(potential)
    return EnergyRun(
        np.array(times[:count]), np.array(potential), np.array(kinetic[:count]),
        np.array(kept).reshape(-1, len(atoms), 3), np.asarray(moving.get_momenta()), ended,
    )  # fmt: skip


def _ended(energies: tuple[float, float], count: int, limit: float) -> str:
    if not np.isfinite(energies).all():
        return "the energy is no longer finite"
    return explosion(energies[1], count, limit)
