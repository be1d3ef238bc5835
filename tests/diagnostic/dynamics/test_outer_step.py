"""The outer step of a multiple time step: its resonance in closed form, the period it has to respect."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from ase import Atoms, units
from ase.build import bulk, molecule
from ase.calculators.calculator import Calculator, all_changes
from ase.calculators.emt import EMT
from ase.vibrations import Vibrations

from benchmarks.springs import WATER, Springs
from spectral_ceilings.diagnostic import FieldCalculator
from spectral_ceilings.diagnostic.dynamics import (
    DynamicsSettings,
    fastest_period,
    outer_step_sentence,
    parse_cure,
    run_dynamics,
)
from spectral_ceilings.diagnostic.dynamics.movers import thermal_momenta
from spectral_ceilings.diagnostic.symmetry.averaged_calculator import MultipleTimeStep


class Tethered(Calculator):
    """Every coordinate bound to the origin, E = k x^2 / 2 + a x^3 / 3: linearly, or with a curvature."""

    implemented_properties = ["energy", "forces"]  # noqa: RUF012

    def __init__(self, stiffness: float, curvature: float = 0.0) -> None:
        super().__init__()
        self.stiffness, self.curvature = stiffness, curvature

    def calculate(
        self,
        atoms: Atoms | None = None,
        properties: Sequence[str] = ("energy",),
        system_changes: Sequence[str] = all_changes,
    ) -> None:
        super().calculate(atoms, properties, system_changes)
        x = self.atoms.positions
        energy = float((self.stiffness * x**2 / 2 + self.curvature * x**3 / 3).sum())
        self.results = {"energy": energy, "forces": -self.stiffness * x - self.curvature * x**2}


#: Inner stiffness, what the correction adds (eV/Å^2), and a step (ASE's units) of 1/21 of the inner period for the mass of H.
STIFF, ADDED = 40.0, 4.0
MASS = float(Atoms("H").get_masses()[0])
STEP = 2 * np.pi * np.sqrt(MASS / STIFF) / 21


def carried(stride: int, *, outer_steps: int = 1) -> Any:
    """Return the matrix that carries (x, p) over outer steps, from two runs."""
    columns = []
    for position, momentum in ((1.0, 0.0), (0.0, 1.0)):
        atoms = Atoms("H", positions=[(position, 0, 0)], momenta=[(momentum, 0, 0)])
        atoms.calc = Tethered(STIFF)
        run = MultipleTimeStep(atoms, STEP, Tethered(STIFF + ADDED), stride=stride)
        forces = None
        for _ in range(stride * outer_steps):
            forces = run.step(forces)
        columns.append((atoms.positions[0, 0], atoms.get_momenta()[0, 0]))
    return np.array(columns).T


def closed_trace(stride: int) -> float:
    """Velocity Verlet turns by theta a step, cos theta = 1 - (omega h)^2 / 2, and two half pulses add the second term."""
    theta = np.arccos(1 - STEP**2 * STIFF / MASS / 2)
    pulse = ADDED * stride * STEP * STEP / MASS * np.sin(stride * theta) / np.sin(theta)
    return float(2 * np.cos(stride * theta) - pulse)


@pytest.mark.parametrize("stride", [1, 2, 5, 9, 10, 11, 20])
def test_an_oscillator_is_carried_by_the_matrix_of_theory(stride: int) -> None:
    matrix = carried(stride)
    # entries of size sqrt(k m) and its inverse, rounding of 20 steps
    assert np.trace(matrix) == pytest.approx(closed_trace(stride), abs=1e-11)
    assert np.linalg.det(matrix) == pytest.approx(1.0, abs=1e-11)


def test_only_an_outer_step_near_half_a_period_feeds_the_oscillator() -> None:
    """|trace| > 2 where, and only where, the amplitude grows, and it grows by the eigenvalue of theory."""
    resonant = [stride for stride in range(1, 13) if abs(closed_trace(stride)) > 2]
    # half a period is 10.5 steps, and the width below it, 2 arctan of pi / 20 or 0.31, is a step of 0.30
    assert resonant == [10]
    for stride in (5, 8, 10, 12):
        half = abs(closed_trace(stride)) / 2
        growth = (half + np.sqrt(half**2 - 1)) ** 40 if half > 1 else 1.0
        # two runs of 40 outer steps make the matrix of all of them; rounding grows with its entries, up to 1e4
        assert np.abs(np.linalg.eigvals(carried(stride, outer_steps=40))).max() == pytest.approx(
            growth, rel=1e-7
        )
        assert growth > 100 or half < 1


@pytest.mark.parametrize(("stride", "per_period"), [(7, 21), (5, 21), (6, 21), (8, 21), (7, 28)])
def test_a_curved_force_feeds_an_oscillator_at_a_third_of_its_period_only(
    stride: int, per_period: int
) -> None:
    r"""At H = T / 3 the amplitude grows as 1/r_0 - 1/r_n = n a H / 4 m omega along the ray of phase -pi / 6, to first order.

    With z = x + i p / (m omega) a pulse is dz = -i kappa x^2, kappa = a H / (m omega). Of x^2 only the part conj(z)^2 / 4 comes
    back in phase after a third of a turn; along the ray it is kappa r^2 / 4 outwards.
    """
    theta = 2 * np.pi / per_period
    # velocity Verlet turns by theta where omega h = 2 sin(theta / 2), and its ellipse has p = m x sin(theta) / h
    step = 2 * np.sin(theta / 2) * np.sqrt(MASS / STIFF)
    rate = MASS * np.sin(theta) / step
    start, pulses = 0.01, 180
    # the amplitude doubles; each pulse is small, 2 / 180 of what it meets
    curvature = 2 / (pulses * start) * rate / (stride * step)
    atoms = Atoms(
        "H",
        positions=[(start * np.cos(np.pi / 6), 0, 0)],
        momenta=[(-rate * start * np.sin(np.pi / 6), 0, 0)],
    )
    atoms.calc = Tethered(STIFF)
    run = MultipleTimeStep(atoms, step, Tethered(STIFF, curvature), stride=stride)
    forces, sizes = None, []
    for _ in range(pulses):
        for _ in range(stride):
            forces = run.step(forces)
        sizes.append(float(np.hypot(atoms.positions[0, 0], atoms.get_momenta()[0, 0] / rate)))
    if 3 * stride == per_period:
        # the next order is a share kappa r of the first, two in 180 at most at every pulse, and turns the ray
        assert sizes[-1] == pytest.approx(2 * start, rel=0.05)
    else:
        assert max(sizes) < 1.1 * start


@pytest.mark.parametrize("ensemble", ["nve", "nvt"])
def test_every_record_stands_at_a_whole_outer_step(ensemble: str) -> None:
    """Recorded energies and forces are those of the average at the recorded positions, after a change of ensemble too."""
    water = molecule("H2O")
    calculator = FieldCalculator(Springs(water, WATER), "exp2:0.05")
    settings = DynamicsSettings(
        ensemble=ensemble, steps=60, equilibration=40, sample_every=20, cure="mts-10:grid-2-inversion"
    )
    run = run_dynamics(water, calculator, settings)
    averaged = parse_cure("grid-2-inversion").calculator(calculator)
    for positions, energy, forces in zip(run.positions, run.potential, run.forces, strict=True):
        water.positions = positions
        water.calc = averaged
        assert energy == pytest.approx(water.get_potential_energy(), abs=1e-12)
        # the bare force plus the difference to it: rounding of forces of some eV/Å
        assert run.forces.shape == (4, 3, 3)
        assert np.abs(forces - water.get_forces()).max() < 1e-12


def test_outer_steps_can_be_walked_back() -> None:
    """Reversed momenta lead back to the start: pulses act before and after, at the positions where they were taken."""
    water = molecule("H2O")
    calculator = FieldCalculator(Springs(water, WATER), "exp2:0.05")
    averaged = parse_cure("grid-2-inversion").calculator(calculator)
    start = water.positions.copy()
    water.set_momenta(thermal_momenta(water, 300.0, np.random.default_rng(0)))
    water.calc = calculator
    for _ in range(2):
        run = MultipleTimeStep(water, 0.5 * units.fs, averaged, stride=10)
        forces = None
        for _ in range(100):
            forces = run.step(forces)
        moved = np.abs(water.positions - start).max()
        water.set_momenta(-water.get_momenta())
    # rounding of 200 steps, which a molecule of periods of 9 fs does not amplify
    assert moved < 1e-9


def test_the_fastest_period_is_that_of_the_full_hessian(tmp_path: Any) -> None:
    atoms = molecule("CH3CH2OH")
    atoms.calc = EMT()
    full = Vibrations(atoms, name=str(tmp_path / "modes"), delta=0.01)
    full.run()
    # Vibrations gives 1/cm: a period in fs is 1e15 / (100 c nu)
    exact = 1e13 / (units._c * float(np.real(full.get_frequencies()).max()))
    # an eigenvalue good to 1 %, its root to 0.5 %
    assert fastest_period(EMT(), molecule("CH3CH2OH")) == pytest.approx(exact, rel=0.006)


def test_one_atom_of_a_spring_and_atoms_that_do_not_vibrate() -> None:
    expected = 2 * np.pi * np.sqrt(MASS / STIFF) / units.fs
    assert fastest_period(Tethered(STIFF), Atoms("H", positions=[(0.1, 0, 0)])) == pytest.approx(expected)
    assert fastest_period(Tethered(-1.0), Atoms("H2", positions=np.eye(3)[:2])) == np.inf


def test_a_larger_crystal_asks_no_more_of_the_calculator() -> None:
    counts = []
    for repeat in (2, 3):
        calculator, calls = EMT(), [0]
        compute = calculator.calculate

        def counted(*given: Any, calls: list[int] = calls, compute: Any = compute, **named: Any) -> None:
            calls[0] += 1
            compute(*given, **named)

        calculator.calculate = counted
        fastest_period(calculator, bulk("Cu", cubic=True) * repeat)
        counts.append(calls[0])
    assert max(counts) < 150


@pytest.mark.parametrize(
    ("cure", "step", "said"),
    [
        ("grid-2", 5.0, ""), ("mts-5:grid-2", 0.5, ""), ("mts-6:grid-2", 0.5, "take 5 steps of 0.5 fs or fewer"),
        ("mts-9:inversion", 0.5, "take 5 steps of 0.5 fs or fewer"), ("mts-2:random", 3.0, "take the average at every step"),
    ],
)  # fmt: skip
def test_what_is_said_of_an_outer_step(cure: str, step: float, said: str) -> None:
    sentence = outer_step_sentence(cure, step, 9.0)
    assert (said in sentence) if said else sentence == ""
