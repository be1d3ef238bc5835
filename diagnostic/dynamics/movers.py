r"""Integrators around ASE's: Langevin dynamics whose heat is known, with or without a multiple time step.

The Langevin step is BAOAB (B. Leimkuhler and C. Matthews, J. Chem. Phys. 138, 174102 (2013)): half a kick by the forces, half a
drift, the momenta exchanged with the bath,

.. math:: p \leftarrow e^{-\gamma h} p + \sqrt{1 - e^{-2 \gamma h}} \sqrt{m k T}\, \xi,

half a drift and half a kick. The bath acts in that one substep, so the change of kinetic energy in it is the heat given, and the
total energy less the sum of it is conserved as velocity Verlet conserves the total energy: to second order in the step, without
drift for forces that are a gradient (G. Bussi and M. Parrinello, Phys. Rev. E 75, 056707 (2007)).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import numpy as np
from ase import units
from ase.md.md import MolecularDynamics
from ase.md.verlet import VelocityVerlet
from numpy.typing import NDArray

from ..symmetry.averaged_calculator import MultipleTimeStep
from .cures import Cure
from .settings import DynamicsSettings

Array = NDArray[np.float64]


def thermal_momenta(atoms: Any, temperature: float, rng: np.random.Generator) -> Array:
    """Return Maxwell-Boltzmann momenta ``(atoms, 3)`` at a temperature (K), the centre of mass at rest; ASE's units."""
    masses = atoms.get_masses()
    momenta = np.sqrt(masses * units.kB * temperature)[:, None] * rng.standard_normal((len(atoms), 3))
    return np.asarray(momenta - masses[:, None] * momenta.sum(axis=0) / masses.sum())


def langevin_step(
    positions: Array, momenta: Array, forces: Array, masses: Array, step: float, keep: float, spread: Array, noise: Array
) -> tuple[Array, Array, Array]:  # fmt: skip
    r"""Make a BAOAB step up to its last half kick, of one structure or of many at once.

    Parameters
    ----------
    positions, momenta, forces, noise
        ``(..., atoms, 3)``; the noise of unit variance.
    masses, spread
        ``(atoms, 1)``; what the bath multiplies the noise by.
    step, keep
        h in ASE's units of time, and :math:`e^{-\gamma h}`.

    Returns
    -------
    New positions, momenta before the last half kick, and the heat that the bath gave, ``(...)`` (eV).
    """
    momenta = momenta + 0.5 * step * forces
    positions = positions + 0.5 * step * momenta / masses
    before = _twice_kinetic(momenta, masses)
    momenta = keep * momenta + spread * noise
    heat = 0.5 * (_twice_kinetic(momenta, masses) - before)
    return positions + 0.5 * step * momenta / masses, momenta, heat


def _twice_kinetic(momenta: Array, masses: Array) -> Array:
    squares = momenta**2 / masses
    return np.asarray(squares.reshape(*squares.shape[:-2], -1).sum(axis=-1))


class LangevinSteps(MolecularDynamics):
    """Langevin dynamics by BAOAB, with the heat that the bath gave.

    Parameters
    ----------
    atoms, timestep
        As ASE has them; the step in ASE's units of time.
    temperature
        K.
    friction
        In inverse ASE units of time.
    rng
        Of the noise.

    Attributes
    ----------
    heat : float
        Given by the bath so far (eV).
    """

    def __init__(
        self, atoms: Any, timestep: float, temperature: float, friction: float, rng: np.random.Generator
    ) -> None:
        super().__init__(atoms, timestep)
        self.rng, self.heat = rng, 0.0
        keep = np.exp(-friction * timestep)
        self.keep = float(keep)
        self.spread = np.sqrt(
            (1.0 - keep**2) * units.kB * temperature * atoms.get_masses()
        )[:, None]  # fmt: skip

    def step(self, forces: Array | None = None) -> Array:
        """Make one step."""
        atoms: Any = self.atoms
        forces = atoms.get_forces() if forces is None else forces
        positions, momenta, heat = langevin_step(
            atoms.get_positions(), atoms.get_momenta(), forces, atoms.get_masses()[:, None], self.dt, self.keep, self.spread,
            self.rng.standard_normal((len(atoms), 3)),
        )  # fmt: skip
        self.heat += float(heat)
        atoms.set_positions(positions)
        forces = atoms.get_forces()
        atoms.set_momenta(momenta + 0.5 * self.dt * forces)
        return np.asarray(forces)


class Mover:
    """Atoms on their way, with all that deciding their next step needs.

    Parameters
    ----------
    atoms
        With momenta; moved in place.
    calculator
        The bare calculator.
    settings, cure
        Of the run.
    """

    def __init__(self, atoms: Any, calculator: Any, settings: DynamicsSettings, cure: Cure) -> None:
        self.atoms, self.settings, self.cure = atoms, settings, cure
        self.rng = np.random.default_rng([settings.seed, 12])
        seed = int(np.random.SeedSequence([settings.seed, 13]).generate_state(1)[0])
        self.averaged = cure.outer.calculator(calculator, seed)
        atoms.calc = calculator if cure.multiple else self.averaged
        self.inner_forces: Array = np.zeros((len(atoms), 3))
        self.inner_potential = 0.0
        self.thermostatted(True)

    def thermostatted(self, bath: bool) -> None:
        """Couple the atoms to the bath, or set them free; the heat given counts from zero."""
        settings, step = self.settings, self.settings.time_step * units.fs
        self.bath = (
            LangevinSteps(
                self.atoms, step, settings.temperature, settings.friction / units.fs, self.rng
            )
            if bath
            else None
        )  # fmt: skip
        inner: Any = VelocityVerlet(self.atoms, step) if self.bath is None else self.bath
        earlier: MultipleTimeStep | None = getattr(self, "split", None)
        self.split = (
            MultipleTimeStep(self.atoms, step, self.averaged, stride=self.cure.stride, inner=inner)
            if self.cure.multiple
            else None
        )
        if earlier is not None and self.split is not None:
            self.split.correction, self.split.outer_energy = earlier.correction, earlier.outer_energy
        self.integrator: Any = inner if self.split is None else self.split

    def start(self) -> None:
        """Compute the first forces."""
        self.inner_forces = np.array(self.atoms.get_forces())
        self.inner_potential = float(self.atoms.get_potential_energy())
        if self.split is not None:
            self.split.correct(self.inner_forces)

    def step(self) -> None:
        """Make one step."""
        self.inner_forces = np.array(self.integrator.step(self.inner_forces))
        # asked where the calculator has just computed it; the outer forces of a multiple time step come from other structures
        self.inner_potential = (
            float(self.atoms.get_potential_energy()) if self.split is None else self.split.inner_energy
        )

    @property
    def heat(self) -> float:
        """Heat that the bath gave (eV)."""
        return 0.0 if self.bath is None else self.bath.heat

    @property
    def kinetic(self) -> float:
        """Kinetic energy (eV)."""
        return float(self.atoms.get_kinetic_energy())

    @property
    def forces(self) -> Array:
        """Forces of the cure, as they moved the atoms (eV/Å); of a multiple time step, right after whole outer steps only."""
        if self.split is None or self.split.correction is None:
            return self.inner_forces
        return np.asarray(self.inner_forces + self.split.correction)

    @property
    def potential(self) -> float:
        """Potential energy of the cure (eV); of a multiple time step, right after whole outer steps only."""
        return self.inner_potential if self.split is None else self.split.outer_energy

    def state(self) -> dict[str, Array]:
        """Return everything that decides the next steps, as arrays."""
        generators = {"bath": self.rng.bit_generator.state}
        if self.cure.kind == "random":
            generators["cure"] = self.averaged.rng.bit_generator.state
        state = {
            "positions": self.atoms.get_positions(),
            "momenta": self.atoms.get_momenta(),
            "inner_forces": self.inner_forces,
            "inner_potential": np.array(self.inner_potential),
            "heat": np.array(self.heat),
            "generators": np.array(json.dumps(generators)),
        }
        if self.split is not None and self.split.correction is not None:
            state |= {
                "correction": self.split.correction,
                "outer_energy": np.array(self.split.outer_energy),
                "count": np.array(self.split.count),
            }
        return state

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go back to a state, the bath being on or off as it was then."""
        self.atoms.set_positions(state["positions"])
        self.atoms.set_momenta(state["momenta"])
        self.inner_forces = np.array(state["inner_forces"])
        self.inner_potential = float(state["inner_potential"])
        if self.bath is not None:
            self.bath.heat = float(state["heat"])
        generators = json.loads(str(state["generators"]))
        self.rng.bit_generator.state = generators["bath"]
        if "cure" in generators:
            self.averaged.rng.bit_generator.state = generators["cure"]
        if self.split is not None:
            self.split.correction = np.array(state["correction"])
            self.split.outer_energy = float(state["outer_energy"])
            self.split.count = int(state["count"])
