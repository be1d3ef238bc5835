"""i-PI moves the atoms as ASE does, and its averages over rotations are ours."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from ase import units
from ase.build import molecule
from ase.calculators.calculator import Calculator, all_changes

from spectral_ceilings.diagnostic.dynamics import (
    DynamicsSettings,
    Trajectory,
    parse_cure,
    read_trajectory,
    run_dynamics,
)
from spectral_ceilings.diagnostic.dynamics.movers import thermal_momenta
from spectral_ceilings.diagnostic.symmetry.averaged_calculator import AveragedCalculator
from spectral_ceilings.theory.errors import InputError

pytest.importorskip("ipi")
WATER = molecule("H2O")
LENGTHS = WATER.get_all_distances()
WATER.rattle(0.02, seed=1)
WATER.set_momenta(thermal_momenta(WATER, 300.0, np.random.default_rng(0)))


class Quartic(Calculator):
    """Springs between atoms, and a field with every l up to 4 about axes in the laboratory; the centre of mass feels nothing."""

    implemented_properties = ["energy", "forces"]  # noqa: RUF012
    left = 10**9

    def calculate(self, atoms: Any = None, properties: Any = (), system_changes: Any = all_changes) -> None:
        super().calculate(atoms, properties, system_changes)
        self.left -= 1
        if self.left < 0:
            raise ValueError("no more of this")
        x = self.atoms.positions - self.atoms.positions.mean(axis=0)
        b, q = np.array([0.3, 0.1, -0.2]), np.array([[1.0], [0.5], [-0.7]])
        inner = x @ b
        apart = x[:, None] - x[None, :]
        length = np.linalg.norm(apart, axis=-1) + np.eye(3)
        stretch = (length - LENGTHS) * (1 - np.eye(3))
        energy = 5 * (stretch**2).sum() + (q[:, 0] * (np.exp(inner) + 0.1 * x[:, 0] * x[:, 1] ** 3)).sum()
        grad = 20 * np.einsum("ij,ijk->ik", stretch / length, apart) + q * np.exp(inner)[:, None] * b
        grad[:, 0] += 0.1 * q[:, 0] * x[:, 1] ** 3
        grad[:, 1] += 0.3 * q[:, 0] * x[:, 0] * x[:, 1] ** 2
        self.results = {"energy": float(energy), "forces": grad.mean(axis=0) - grad}


def settings(**changes: Any) -> DynamicsSettings:
    return dataclasses.replace(
        DynamicsSettings(ensemble="nve", steps=20, equilibration=0, driver="i-pi"), **changes
    )


@pytest.mark.parametrize("cure", ["none", "inversion", "grid-2", "grid-4-inversion"])
def test_i_pi_moves_and_averages_as_we_do(cure: str) -> None:
    steps = 20 if cure == "none" else 2
    asked = settings(cure=cure, steps=steps, sample_every=steps)
    theirs = run_dynamics(WATER, Quartic(), asked)
    assert theirs.ended == ""
    averaged = parse_cure(cure).calculator(Quartic())
    if cure.startswith("grid"):  # the same rule, but turned by their convention of angles
        mathtools = pytest.importorskip("ipi.utils.mathtools")
        grid = mathtools.get_rotation_quadrature_legendre(2 if cure == "grid-2" else 3)
        assert (
            len(grid)
            == len(averaged.rotations)
            == parse_cure(cure).rotations // (2 if averaged.inversion else 1)
        )
        averaged = AveragedCalculator(Quartic(), "grid", degree=2, inversion=averaged.inversion)
        averaged.rotations = np.array([rotation for rotation, _, _ in grid])
        weights = np.array([weight for _, weight, _ in grid])
        averaged.weights = weights / weights.sum()
    ours = run_dynamics(WATER, averaged, dataclasses.replace(asked, cure="none", driver="ase"))
    # i-PI's numbers pass through hartree and bohr: roundings of a few 1e-16 each, of twenty steps
    for name in ("positions", "velocities", "forces", "potential", "kinetic", "conserved"):
        np.testing.assert_allclose(getattr(theirs, name), getattr(ours, name), rtol=1e-9, atol=1e-10)


def test_the_bath_of_i_pi_and_random_rotations(tmp_path: Path) -> None:
    asked = settings(ensemble="nvt", cure="random-inversion", steps=300, equilibration=10, friction=0.1)
    run = run_dynamics(WATER, Quartic(), asked, folder=tmp_path)
    assert run.ended == ""
    assert len(run.times) == 31
    assert np.std(run.conserved) < 0.5 * np.std(run.total)
    assert (
        60 < run.kinetic.mean() / (4.5 * units.kB) < 700
    )  # 300 K: 15 independent values of 141 K each; 5 of them
    assert np.array_equal(read_trajectory(tmp_path).positions, run.positions)
    again = run_dynamics(WATER, Quartic(), asked, folder=tmp_path, resume=True)
    assert np.array_equal(again.forces, run.forces)


class Interrupted(Quartic):
    """Stops at a call, as by a user."""

    def calculate(self, atoms: Any = None, properties: Any = (), system_changes: Any = all_changes) -> None:
        if self.left <= 0:
            raise KeyboardInterrupt
        super().calculate(atoms, properties, system_changes)


def same(theirs: Trajectory, ours: Trajectory) -> None:
    for field in dataclasses.fields(Trajectory):
        assert np.array_equal(getattr(theirs, field.name), getattr(ours, field.name)), field.name


@pytest.mark.parametrize(
    ("ensemble", "cure", "at"), [("nve", "none", 130), ("nvt", "inversion", 400), ("nvt", "random", 260)]
)
def test_a_run_of_i_pi_that_was_stopped_goes_on_bit_for_bit(
    tmp_path: Path, ensemble: str, cure: str, at: int
) -> None:
    asked = settings(ensemble=ensemble, cure=cure, steps=250, equilibration=10, sample_every=25, friction=0.1)
    whole = run_dynamics(WATER, Quartic(), asked, folder=tmp_path / "whole")
    assert whole.ended == ""
    stopped = Interrupted()
    stopped.left = at
    with pytest.raises(KeyboardInterrupt):
        run_dynamics(WATER, stopped, asked, folder=tmp_path / "stopped")
    assert (tmp_path / "stopped/ipi/restart.xml").exists()
    counted = Quartic()
    counted.left = before = 10**6
    same(run_dynamics(WATER, counted, asked, folder=tmp_path / "stopped", resume=True), whole)
    # it went on, and did not begin anew: fewer evaluations than steps
    assert before - counted.left < 250 * parse_cure(cure).evaluations
    longer = dataclasses.replace(asked, steps=300)
    grown = run_dynamics(WATER, Quartic(), longer, folder=tmp_path / "stopped", resume=True)
    assert len(grown.times) == 13
    for name in ("times", "positions", "forces", "conserved"):
        assert np.array_equal(getattr(grown, name)[:11], getattr(whole, name)), name
    with pytest.raises(InputError, match="another calculator: at its first structure this one differs by"):
        run_dynamics(WATER, Stiffer(), longer, folder=tmp_path / "stopped", resume=True)


class Stiffer(Quartic):
    """A calculator whose energy is a thousandth larger."""

    def calculate(self, atoms: Any = None, properties: Any = (), system_changes: Any = all_changes) -> None:
        super().calculate(atoms, properties, system_changes)
        self.results = {name: 1.001 * value for name, value in self.results.items()}


def test_a_failure_of_the_model_ends_i_pi_in_one_clause() -> None:
    failing = Quartic()
    failing.left = 15
    run = run_dynamics(WATER, failing, settings(sample_every=5, steps=100))
    assert run.ended.startswith("the calculator failed (no more of this); ")
    assert 1 <= len(run.times) <= 3


def test_what_i_pi_does_not_have_is_refused() -> None:
    for cure in ("grid-3", "mts-10:grid-2"):
        with pytest.raises(InputError, match="driver i-pi has none, inversion"):
            run_dynamics(WATER, Quartic(), settings(cure=cure))
    slanted = WATER.copy()
    slanted.set_cell([[0, 5, 0], [5, 0, 0], [0, 0, 5]])
    slanted.pbc = True
    with pytest.raises(InputError, match="is not along x"):
        run_dynamics(slanted, Quartic(), settings())
