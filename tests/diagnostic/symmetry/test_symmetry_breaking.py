"""What depends on orientation is found by degree, exactly for fields of known spectrum; remedies take it away."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from ase import Atoms, units
from ase.build import bulk, molecule
from ase.calculators.calculator import Calculator, all_changes
from ase.calculators.emt import EMT
from ase.calculators.lj import LennardJones
from ase.md.verlet import VelocityVerlet

from spectral_ceilings.diagnostic.symmetry.averaged_calculator import AveragedCalculator, MultipleTimeStep
from spectral_ceilings.diagnostic.symmetry.breaking import (
    check_repeatable,
    convergence,
    rule_of_order,
    symmetry_breaking,
    turned,
)
from spectral_ceilings.numerics.rotations import haar_rotations
from spectral_ceilings.theory.errors import InputError


class Field(Calculator):
    """Harmonic springs to the centre, and an outer field that knows the axes: x^T A x with A traceless, or b . x."""

    implemented_properties = ["energy", "forces"]  # noqa: RUF012

    def __init__(self, quadratic: Any = 0.0, linear: Any = 0.0, charges: Any = 1.0) -> None:
        super().__init__()
        self.quadratic = np.zeros((3, 3)) + quadratic
        self.linear = np.zeros(3) + linear
        self.charges = charges

    def calculate(
        self,
        atoms: Atoms | None = None,
        properties: Sequence[str] = ("energy",),
        system_changes: Sequence[str] = all_changes,
    ) -> None:
        super().calculate(atoms, properties, system_changes)
        x = self.atoms.positions - self.atoms.positions.mean(axis=0)
        q = np.zeros(len(x)) + self.charges
        pull = 2.0 * q[:, None] * (x @ self.quadratic) + q[:, None] * self.linear + x
        energy = float(
            q @ np.einsum("ai,ij,aj->a", x, self.quadratic, x) + q @ (x @ self.linear) + 0.5 * (x**2).sum()
        )
        self.results = {
            "energy": energy,
            "forces": -(pull - pull.mean(axis=0)),
        }  # the centre moves with the atoms


class Drawn(Calculator):
    """Another answer at every call."""

    implemented_properties = ["energy", "forces"]  # noqa: RUF012

    def __init__(self) -> None:
        super().__init__()
        self.rng = np.random.default_rng(0)

    def calculate(self, atoms: Any = None, properties: Any = (), system_changes: Any = all_changes) -> None:
        super().calculate(atoms, properties, system_changes)
        self.results = {"energy": self.rng.normal(), "forces": self.rng.normal(size=(len(self.atoms), 3))}


WATER = molecule("H2O")
AXES = np.diag([0.02, -0.05, 0.03])
CHARGES = np.array([-0.8, 0.4, 0.4])


@pytest.mark.parametrize(
    ("field", "only"),
    [(Field(AXES, charges=CHARGES), 2), (Field(linear=[0.1, 0.2, -0.3], charges=CHARGES), 1)],
)
def test_a_field_of_one_degree_is_found_at_that_degree_alone(field: Field, only: int) -> None:
    found = symmetry_breaking(field, WATER, l_top=4)
    power = np.array(found.energy_power)
    others = np.delete(power[1:], only - 1)
    # Round-off of energies of order one: (1e-16)^2 in each of some hundred terms.
    assert power[only] > 1e-6
    assert others.max() < 1e-26
    # The variance is that of the one degree: nothing is unresolved.
    assert found.energy_rms == pytest.approx(1e3 * np.sqrt(power[only]) / 3, rel=1e-10)
    assert found.energy_unresolved is not None
    assert found.energy_unresolved < 1e-12


def test_the_mean_square_is_that_of_random_orientations() -> None:
    field = Field(AXES, charges=CHARGES)
    found = symmetry_breaking(field, WATER, l_top=4)
    rng = np.random.default_rng(3)
    energies = []
    for rotation in haar_rotations(4000, rng):
        atoms = turned(WATER, rotation)
        atoms.calc = field
        energies.append(atoms.get_potential_energy())
    # A variance from n draws has a relative error of sqrt((kurtosis - 1) / n), below 2 / sqrt(4000) = 3 % for bounded l = 2.
    assert 1e3 * np.std(energies) / 3 == pytest.approx(found.energy_rms, rel=0.1)


def test_inversion_tells_odd_from_even() -> None:
    even = symmetry_breaking(Field(AXES, charges=CHARGES), WATER, l_top=2)
    odd = symmetry_breaking(Field(linear=[0.1, 0.0, 0.0], charges=CHARGES), WATER, l_top=2)
    assert even.inversion_energy == pytest.approx(0.0, abs=1e-9)
    # E(-x) = -E(x) for the linear part: the difference is twice the deviation.
    assert odd.inversion_energy == pytest.approx(2.0 * odd.energy_rms, rel=1e-10)


@pytest.mark.parametrize("atoms", [molecule("CH3CH2OH"), bulk("Cu", cubic=True) * (2, 1, 1)])
def test_an_invariant_calculator_has_nothing_but_round_off(atoms: Atoms) -> None:
    atoms = atoms.copy()
    atoms.rattle(0.05, seed=1)
    calculator = EMT() if atoms.pbc.any() else LennardJones(sigma=1.0, rc=6.0)
    found = symmetry_breaking(calculator, atoms, l_top=2)
    size = float(np.abs(found.energy_mean))
    # Round-off of energies and forces, relative 1e-13, in meV.
    assert found.energy_rms <= 1e3 * 1e-12 * max(size, 1.0)
    assert found.force_rms <= 1e3 * 1e-9


def test_rules_have_the_published_number_of_evaluations() -> None:
    assert [len(rule_of_order(n)) for n in (1, 2, 3)] == [1, 18, 75]
    found = convergence(Field(AXES, charges=CHARGES), WATER, (2, 3))
    assert [row["evaluations"] for row in found] == [36, 150]
    # The square of an l = 2 field has degree 4: the rule of order 3 is exact, that of order 2 (degree 2) is not.
    exact = symmetry_breaking(Field(AXES, charges=CHARGES), WATER, l_top=4).energy_rms
    assert found[1]["energy_rms"] == pytest.approx(exact, rel=1e-10)
    assert abs(found[0]["energy_rms"] / exact - 1.0) > 1e-4


def test_the_average_over_a_grid_is_invariant_and_its_forces_are_minus_its_gradient() -> None:
    wrapped = AveragedCalculator(Field(AXES, [0.1, 0.0, 0.2], CHARGES), "grid", degree=2)
    found = symmetry_breaking(wrapped, WATER, l_top=2)
    assert found.energy_rms < 1e-9
    assert found.force_rms < 1e-9
    _gradient(wrapped)


@pytest.mark.parametrize("mode", ["random", "grid"])
def test_averaged_forces_are_minus_the_gradient(mode: Any) -> None:
    _gradient(
        AveragedCalculator(Field(AXES, [0.1, 0.0, 0.2], CHARGES), mode, count=5, degree=1, inversion=True)
    )


def _gradient(calculator: Calculator) -> None:
    atoms = WATER.copy()
    atoms.calc = calculator
    forces, step = atoms.get_forces(), 1e-4
    for k, axis in ((0, 0), (1, 2), (2, 1)):
        ends = []
        for sign in (1, -1):
            moved = WATER.copy()
            moved.positions[k, axis] += sign * step
            moved.calc = calculator
            ends.append(moved.get_potential_energy())
        # Central differences of a quadratic energy: rounding only, 1e-16 / 1e-4.
        assert -(ends[0] - ends[1]) / (2 * step) == pytest.approx(forces[k, axis], abs=1e-9)


def test_a_stochastic_rotation_is_right_in_the_mean() -> None:
    field = Field(AXES, charges=CHARGES)
    wrapped = AveragedCalculator(field, "stochastic", seed=1)
    energies = []
    for _ in range(2000):
        wrapped.reset()
        atoms = WATER.copy()
        atoms.calc = wrapped
        energies.append(atoms.get_potential_energy())
    mean = symmetry_breaking(field, WATER, l_top=2)
    # Four standard errors.
    assert abs(np.mean(energies) - mean.energy_mean) < 4 * np.std(energies) / np.sqrt(len(energies))


def test_a_multiple_time_step_with_nothing_to_correct_is_velocity_verlet() -> None:
    runs = []
    for scheme in (VelocityVerlet, MultipleTimeStep):
        atoms = WATER.copy()
        atoms.calc = Field(AXES, charges=CHARGES)
        atoms.set_momenta(np.random.default_rng(0).normal(size=(3, 3)))
        more = {} if scheme is VelocityVerlet else {"outer": Field(AXES, charges=CHARGES), "stride": 3}
        scheme(atoms, 0.5 * units.fs, **more).run(9)
        runs.append(atoms)
    assert np.allclose(runs[0].positions, runs[1].positions, rtol=0, atol=1e-12)
    assert np.allclose(runs[0].get_momenta(), runs[1].get_momenta(), rtol=0, atol=1e-12)


def test_a_multiple_time_step_conserves_the_outer_energy_to_second_order() -> None:
    drift = []
    for step in (0.4, 0.2):
        atoms = WATER.copy()
        atoms.calc = Field()
        outer = Field(AXES, charges=CHARGES)
        atoms.set_momenta(np.random.default_rng(0).normal(size=(3, 3)))
        energies = []
        run = MultipleTimeStep(atoms, step * units.fs, outer, stride=4)
        for _ in range(int(40 / step) // 4):
            run.run(4)
            probe = atoms.copy()
            probe.calc = outer
            energies.append(probe.get_potential_energy() + atoms.get_kinetic_energy())
        drift.append(np.ptp(energies))
    # Second order: half the step, a quarter of the ripple; a factor of three leaves room for where the ripple is sampled.
    assert drift[1] < drift[0] / 3


def test_what_cannot_be_measured_is_said_in_one_sentence() -> None:
    with pytest.raises(InputError, match="two answers for one structure"):
        check_repeatable(Drawn(), WATER)

    class Energies(Field):
        implemented_properties = ["energy"]  # noqa: RUF012

    with pytest.raises(InputError, match="gives energy and no forces"):
        symmetry_breaking(Energies(), WATER)
    with pytest.raises(InputError, match="expected at least 8"):
        symmetry_breaking(Field(), WATER, degree=5)
    with pytest.raises(InputError, match="expected grid, random or stochastic"):
        AveragedCalculator(Field(), "mean")  # type: ignore[arg-type]
    with pytest.raises(InputError, match="order of the rule is 0"):
        rule_of_order(0)
    with pytest.raises(InputError, match="stride is 0"):
        MultipleTimeStep(WATER.copy(), 1.0, Field(), stride=0)
