"""Remedies for a calculator that depends on orientation, as ASE calculators and an integrator around it.

After M. F. Langer, S. N. Pozdnyakov and M. Ceriotti (arXiv 2406.17747): average over a quadrature grid, over random
rotations, one random rotation for each step, and a multiple-time-step scheme whose outer force is the averaged one.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal, cast

import numpy as np
from ase import Atoms
from ase.calculators.calculator import Calculator, all_changes
from ase.md.md import MolecularDynamics
from ase.md.verlet import VelocityVerlet
from numpy.typing import NDArray

from ...numerics.rotations import haar_rotations, so3_quadrature
from ...theory.errors import InputError
from .breaking import at_rotations, evaluate

Array = NDArray[np.float64]
Mode = Literal["grid", "random", "stochastic"]


class AveragedCalculator(Calculator):
    r"""An ASE calculator that averages another one over rotations.

    .. math:: \bar E(x) = \sum_q w_q E(R_q x), \qquad \bar F(x) = \sum_q w_q R_q^T F(R_q x),

    so that the forces are minus the gradient of the energy wherever the wrapped calculator's are.

    Parameters
    ----------
    calculator
        The calculator to average; energy in eV and forces in eV/Å.
    mode
        ``grid``: a quadrature of ``degree``, which removes every l from 1 to ``degree`` exactly; ``random``: ``count``
        Haar-random rotations drawn once, from ``seed``; ``stochastic``: one new rotation at every evaluation, which is right
        in the mean, and whose energy and forces are those of that one orientation.
    degree, count, seed
        As said under ``mode``.
    inversion
        Average over inversion too.

    Raises
    ------
    InputError
        An unknown mode, or a count or degree that is too small.
    """

    implemented_properties = ["energy", "forces"]  # noqa: RUF012 - ASE's interface

    def __init__(
        self,
        calculator: Any,
        mode: Mode = "grid",
        *,
        degree: int = 4,
        count: int = 16,
        seed: int = 0,
        inversion: bool = False,
    ) -> None:
        super().__init__()
        if mode not in ("grid", "random", "stochastic"):
            raise InputError(f"mode is {mode!r}, expected grid, random or stochastic")
        if degree < 0 or count < 1:
            raise InputError(f"degree is {degree} and count is {count}, expected degree >= 0 and count >= 1")
        self.calculator, self.mode, self.inversion = calculator, mode, inversion
        self.rng = np.random.default_rng(seed)
        if mode == "grid":
            rule = so3_quadrature(degree)
            self.rotations, self.weights = rule.rotations, rule.weights
        else:
            drawn = count if mode == "random" else 1
            self.rotations, self.weights = haar_rotations(drawn, self.rng), np.full(drawn, 1.0 / drawn)

    @property
    def evaluations(self) -> int:
        """Evaluations of the wrapped calculator for one of this."""
        return len(self.weights) * (2 if self.inversion else 1)

    def calculate(
        self,
        atoms: Atoms | None = None,
        properties: Sequence[str] = ("energy", "forces"),
        system_changes: Sequence[str] = all_changes,
    ) -> None:
        """Evaluate every rotation and average."""
        super().calculate(atoms, properties, system_changes)
        structure = cast(Atoms, self.atoms)
        if self.mode == "stochastic":
            self.rotations = haar_rotations(1, self.rng)
        signs = (False, True) if self.inversion else (False,)
        averaged = [
            at_rotations(self.calculator, structure, self.rotations, invert=invert) for invert in signs
        ]
        energy, forces = average(self.weights, averaged)
        self.results = {"energy": energy, "forces": forces}


def average(weights: Array, answers: Sequence[tuple[Array, Array]]) -> tuple[float, Array]:
    """Return the mean energy and forces ``(atoms, 3)`` of energies ``(rotations,)`` and forces turned back for each sign."""
    energy = float(np.mean([weights @ e for e, _ in answers]))
    return energy, np.asarray(np.mean([np.einsum("q,qai->ai", weights, f) for _, f in answers], axis=0))


class MultipleTimeStep(MolecularDynamics):
    r"""Velocity Verlet with a cheap force at every step and a correction every ``stride`` steps (r-RESPA).

    The atoms' calculator is the cheap one. Every ``stride`` steps the difference between ``outer``, such as an
    AveragedCalculator, and the cheap one acts as a kick of half the outer step before and after: the scheme is
    symplectic and conserves the energy of the outer calculator to second order.
    M. Tuckerman, B. J. Berne and G. J. Martyna, J. Chem. Phys. 97, 1990 (1992).

    Parameters
    ----------
    atoms
        With momenta and the cheap calculator.
    timestep
        Inner step, ASE units of time.
    outer
        Calculator of the outer force.
    stride
        Inner steps in an outer one.
    inner
        An ASE integrator of the same atoms and step, such as one with a thermostat, that makes the inner steps; by default
        velocity Verlet.

    Attributes
    ----------
    count : int
        Inner steps made.
    correction : ``(atoms, 3)`` or None
        The outer force less the cheap one, where it was last taken (eV/Å).
    outer_energy, inner_energy : float
        Energy of the outer calculator there, and of the cheap one after the last step (eV).
    """

    def __init__(
        self,
        atoms: Atoms,
        timestep: float,
        outer: Any,
        stride: int = 4,
        *,
        inner: MolecularDynamics | None = None,
        **more: Any,
    ) -> None:
        if stride < 1:
            raise InputError(f"stride is {stride}, expected an integer of at least 1")
        super().__init__(atoms, timestep, **more)
        self.outer, self.stride = outer, stride
        self.inner: Any = VelocityVerlet(atoms, timestep) if inner is None else inner
        self.count = 0
        self.correction: Array | None = None
        self.outer_energy = self.inner_energy = float("nan")

    def correct(self, forces: Array) -> Array:
        """Take the correction at the present positions, where ``forces`` are the cheap ones."""
        # before the outer force, for which the cheap calculator may be asked about other structures
        self.inner_energy = float(self.atoms.get_potential_energy())
        self.outer_energy, outer = evaluate(self.outer, self.atoms)
        self.correction = np.asarray(outer - forces)
        return self.correction

    def step(self, forces: Array | None = None) -> Array:
        """Make one inner step; the correction acts at the beginning and at the end of each outer step."""
        atoms = self.atoms
        forces = atoms.get_forces(md=True) if forces is None else forces
        outer_half = 0.5 * self.dt * self.stride
        if self.count % self.stride == 0:
            correction = self.correct(forces) if self.correction is None else self.correction
            atoms.set_momenta(atoms.get_momenta() + outer_half * correction)
        forces = self.inner.step(forces)
        self.count += 1
        if self.count % self.stride == 0:
            atoms.set_momenta(atoms.get_momenta() + outer_half * self.correct(forces))
        else:
            self.inner_energy = float(atoms.get_potential_energy())
        return np.asarray(forces)
