"""Runs of molecular dynamics: integrators against ASE's, cures, the heat of the bath, what ends a run."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from ase import Atoms, units
from ase.build import bulk, molecule
from ase.calculators.calculator import Calculator, all_changes
from ase.calculators.emt import EMT
from ase.md.verlet import VelocityVerlet

from spectral_ceilings.diagnostic.dynamics import (
    DynamicsSettings,
    Trajectory,
    parse_cure,
    random_rotation_heating,
    run_dynamics,
)
from spectral_ceilings.diagnostic.dynamics.movers import LangevinSteps, thermal_momenta
from spectral_ceilings.numerics.rotations import so3_quadrature
from spectral_ceilings.theory.errors import InputError

#: A traceless tensor: l = 2 without a part that is invariant.
AXES = np.array([[0.3, 0.1, 0.0], [0.1, -0.1, 0.2], [0.0, 0.2, -0.2]])


class Sprung(Calculator):
    """Springs between all atoms, at their lengths in a reference, and a field that knows the axes: q x^T A x + q b . x."""

    implemented_properties = ["energy", "forces"]  # noqa: RUF012

    def __init__(
        self, reference: Any, quadratic: float = 0.0, linear: float = 0.0, stiffness: float = 20.0
    ) -> None:
        super().__init__()
        self.lengths = reference.get_all_distances()
        self.charges = np.where(reference.numbers == 1, 0.5, -1.0)[:, None]
        self.quadratic, self.linear, self.stiffness = quadratic, linear, stiffness
        self.calls = 0

    def calculate(
        self,
        atoms: Atoms | None = None,
        properties: Sequence[str] = ("energy",),
        system_changes: Sequence[str] = all_changes,
    ) -> None:
        super().calculate(atoms, properties, system_changes)
        self.calls += 1
        x = self.atoms.positions - self.atoms.positions.mean(axis=0)
        apart = x[:, None] - x[None, :]
        length = np.linalg.norm(apart, axis=-1) + np.eye(len(x))
        stretch = (length - self.lengths) * (1 - np.eye(len(x)))
        b = np.array([0.2, 0.0, 1.0])
        energy = 0.25 * self.stiffness * (stretch**2).sum()
        forces = -self.stiffness * np.einsum("ij,ijk->ik", stretch / length, apart)
        outer = self.charges * (self.quadratic * 2 * x @ AXES + self.linear * b)
        energy += float((self.charges * (self.quadratic * x @ AXES * x + self.linear * x * b)).sum())
        self.results = {"energy": energy, "forces": forces - (outer - outer.mean(axis=0))}


WATER = molecule("H2O")


def settings(**changes: Any) -> DynamicsSettings:
    return dataclasses.replace(DynamicsSettings(steps=40, equilibration=0), **changes)


def angular_momentum(run: Trajectory) -> Any:
    centre = np.einsum("a,tai->ti", run.masses, run.positions) / run.masses.sum()
    turning = np.cross(run.positions - centre[:, None], run.velocities)
    return np.einsum("tai,a->ti", turning, run.masses)


def test_constant_energy_is_velocity_verlet_of_ase() -> None:
    start = bulk("Ag", cubic=True)
    start.rattle(0.05, seed=0)
    start.set_momenta(thermal_momenta(start, 600.0, np.random.default_rng(0)))
    run = run_dynamics(start, EMT(), settings(ensemble="nve", time_step=2.0))
    atoms = start.copy()
    atoms.calc = EMT()
    VelocityVerlet(atoms, 2.0 * units.fs).run(40)
    assert np.array_equal(run.positions[-1], atoms.positions)
    assert np.array_equal(run.velocities[-1], atoms.get_velocities() * units.fs)
    assert run.kinetic[-1] == atoms.get_kinetic_energy()
    assert run.potential[-1] == atoms.get_potential_energy()
    assert np.array_equal(run.times, 20.0 * np.arange(5))
    assert np.array_equal(run.conserved, run.total)
    assert run.ended == ""


def test_the_bath_of_a_free_particle_is_an_ornstein_uhlenbeck_process() -> None:
    """<K(t)> = 3/2 kT (1 - exp(-2 gamma t)) from rest, whatever the step; the heat is all of it."""
    atoms = Atoms("He4000", positions=np.zeros((4000, 3)))

    class Nothing(Calculator):
        implemented_properties = ["energy", "forces"]  # noqa: RUF012

        def calculate(self, *_: Any, **__: Any) -> None:
            self.results = {"energy": 0.0, "forces": np.zeros((4000, 3))}

    atoms.calc = Nothing()
    bath = LangevinSteps(atoms, 5 * units.fs, 300.0, 0.02 / units.fs, np.random.default_rng(0))
    for _ in range(5):
        bath.step()
    kinetic, exact = atoms.get_kinetic_energy(), 6000 * units.kB * 300 * (1 - np.exp(-2 * 0.02 * 25))
    # a sum of 12,000 squares: relative standard deviation sqrt(2 / 12000) = 1.3 %; four of them
    assert kinetic == pytest.approx(exact, rel=0.052)
    assert bath.heat == pytest.approx(kinetic, rel=1e-12)


def test_what_langevin_dynamics_conserves_is_of_second_order_and_its_temperature_is_right() -> None:
    ripple = []
    for step in (1.0, 0.5):
        run = run_dynamics(
            WATER,
            Sprung(WATER),
            settings(time_step=step, steps=int(2000 / step), sample_every=int(1 / step), seed=1),
        )
        ripple.append(np.std(run.conserved))
        assert np.std(run.total) > 5 * ripple[-1]
    assert ripple[1] < ripple[0] / 2.5  # a quarter, with room for another path of the noise
    warm = run_dynamics(
        WATER, Sprung(WATER), settings(friction=0.1, steps=8000, equilibration=500, sample_every=40)
    )
    kelvin = warm.kinetic / (4.5 * units.kB)
    # 200 records 20 fs apart with a velocity memory of 10 fs; 9 modes: 300 sqrt(2/9) = 141 K each, 4 standard errors of 13 K
    assert abs(kelvin.mean() - 300) < 52


@pytest.mark.parametrize(
    ("name", "evaluations", "exact"),
    [
        ("none", 1, 0), ("inversion", 2, 0), ("grid-2", 18, 2), ("grid-4-inversion", 150, 4), ("random", 1, 0),
        ("random-inversion", 2, 0), ("mts-10:grid-2-inversion", 4.6, 2), ("mts-4:inversion", 1.5, 0),
    ],
)  # fmt: skip
def test_a_cure_says_what_it_costs_and_what_it_makes_exact(name: str, evaluations: float, exact: int) -> None:
    cure = parse_cure(name)
    assert (cure.name, cure.evaluations, cure.exact_to) == (name, evaluations, exact)
    if cure.kind == "grid":
        assert cure.rotations == len(so3_quadrature(cure.degree).weights) * (1 + cure.inversion)


@pytest.mark.parametrize(
    "name", ["", "grid", "grid-0", "grid-31", "mts-0:random", "mts-4:none", "inversion-inversion", "GRID-2", "mts-4:mts-2:random"]
)  # fmt: skip
def test_an_unknown_cure_is_refused_with_the_list(name: str) -> None:
    with pytest.raises(InputError, match="expected none, inversion, grid-D"):
        parse_cure(name)


@pytest.mark.parametrize("cure", ["grid-2", "mts-5:grid-2", "mts-5:grid-1-inversion"])
@pytest.mark.parametrize("ensemble", ["nve", "nvt"])
def test_a_grid_keeps_angular_momentum_and_conserves_energy(cure: str, ensemble: str) -> None:
    """l <= 2 is all that the field has: the average is isotropic, of l = 1 with a grid of degree 1 too."""
    base = Sprung(WATER, quadratic=0.0 if "inversion" in cure else 0.1, linear=0.3)
    run = run_dynamics(WATER, base, settings(cure=cure, ensemble=ensemble, steps=200, time_step=0.25))
    bare = run_dynamics(WATER, base, settings(ensemble="nve", steps=200, time_step=0.25))
    spin = [angular_momentum(t) for t in (run, bare)]
    assert np.ptp(spin[1], axis=0).max() > 1e-3
    if ensemble == "nve":
        # rounding of 200 steps; of a multiple time step the second order of its outer step, 1.25 fs
        assert np.ptp(spin[0], axis=0).max() < (1e-10 if cure == "grid-2" else 1e-4)
    assert np.ptp(run.conserved) < 0.1 * np.ptp(run.kinetic)  # second order in 0.25 fs, a period being 10 fs


def test_a_multiple_time_step_asks_the_model_as_often_as_it_says() -> None:
    base = Sprung(WATER, 0.1, 0.3)
    counts = []
    for steps in (100, 200):
        base.calls = 0
        run_dynamics(WATER, base, settings(cure="mts-10:grid-2", ensemble="nvt", steps=steps))
        counts.append(base.calls)
    # 100 steps more of 2.8, and one state more with one evaluation of a structure far away
    assert counts[1] - counts[0] == 281


def test_a_random_rotation_at_every_step_heats_as_predicted() -> None:
    base = Sprung(WATER, 0.3, 0.3)
    start = WATER.copy()
    start.set_momenta(thermal_momenta(start, 1e-3, np.random.default_rng(5)))
    rate = random_rotation_heating(base, start, 0.1)
    # a field of l <= 2 has forces turned back of l <= 2: a quadrature of degree 4 is exact
    assert random_rotation_heating(base, start, 0.1, degree=4) == pytest.approx(rate, rel=1e-9)
    isotropic = parse_cure("grid-2").calculator(base)
    gains = []
    for seed in range(150):
        run = run_dynamics(
            start,
            base,
            settings(cure="random", ensemble="nve", time_step=0.1, steps=10, sample_every=10, seed=seed),
        )
        ends = start.copy()
        ends.calc, before = isotropic, 0.0
        before = ends.get_potential_energy() + run.kinetic[0]
        ends.positions = run.positions[-1]
        gains.append(ends.get_potential_energy() + run.kinetic[-1] - before)
    error = np.std(gains) / np.sqrt(len(gains))
    # ends of the run are half kicks: n steps are n - 1 whole kicks and two halves, (n - 1/2) in the square
    assert abs(np.mean(gains) - rate * 0.95) < 4 * error
    assert error < 0.2 * rate
    still = random_rotation_heating(Sprung(WATER, 0.0, 0.3), start, 0.1, inversion=True)
    assert still < 1e-12 * rate
    with pytest.raises(InputError, match="time_step is 0"):
        random_rotation_heating(base, start, 0)


def test_a_molecule_that_breaks_an_explosion_and_a_failure_end_a_run_in_one_clause() -> None:
    torn = WATER.copy()
    torn.set_momenta([[0, 0, 0], [0, 2.0, 0], [0, -2.0, 0]])
    run = run_dynamics(torn, Sprung(WATER, stiffness=0.1), settings(ensemble="nve", sample_every=1))
    assert "a molecule broke: the bond between atoms 0 and" in run.ended
    assert run.ended.endswith(f"{len(run.times)} records up to {run.times[-1]:g} fs are kept")
    assert len(run.times) == len(run.positions) == len(run.conserved) > 1

    class Failing(EMT):
        at = 10

        def __init__(self, how: str) -> None:
            super().__init__()
            self.how, self.calls = how, 0

        def calculate(self, *given: Any) -> None:
            super().calculate(*given)
            self.calls += 1
            if self.calls > self.at:
                if self.how == "raise":
                    raise ValueError("two atoms\nhave met")
                self.results["forces"] = self.results["forces"] * (np.nan if self.how == "nan" else 1e9)
                self.results["energy"] *= 1 if self.how == "fly" else np.nan

    start = bulk("Ag", cubic=True)
    start.rattle(0.1, seed=0)
    for how, words in (
        ("raise", "the calculator failed (two atoms have met)"), ("nan", "no longer finite"), ("fly", "the atoms flew apart ("),
    ):  # fmt: skip
        run = run_dynamics(start, Failing(how), settings(sample_every=2, time_step=2.0))
        assert words in run.ended
        assert "\n" not in run.ended
        assert 0 < len(run.times) < 20
        early = Failing(how)
        early.at = -1
        if how != "fly":
            with pytest.raises(InputError, match="at the start"):
                run_dynamics(start, early, settings())
    run = run_dynamics(start, Failing("raise"), settings(equilibration=20))
    assert "in the equilibration" in run.ended
    assert run.positions.shape == (0, 4, 3)


def test_bonds_of_a_crystal_and_of_metals_do_not_break() -> None:
    hot = bulk("Ag", cubic=True)
    run = run_dynamics(hot, EMT(), settings(temperature=3000.0, friction=0.1, time_step=4.0, steps=100))
    assert run.ended == ""


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"ensemble": "npt"}, "expected nve or nvt"),
        ({"time_step": 0}, "time_step is 0"),
        ({"temperature": float("nan")}, "temperature is nan"),
        ({"friction": -1.0}, "friction is"),
        ({"steps": -1}, "steps is -1"),
        ({"sample_every": 0}, "sample_every is 0"),
        ({"seed": True}, "seed is True"),
        ({"cure": "mts-4:random"}, "sample_every is 10, but cure"),
        ({"driver": "lammps"}, "expected ase or i-pi"),
    ],
)
def test_settings_that_make_no_sense_are_refused(changes: dict[str, Any], words: str) -> None:
    with pytest.raises(InputError, match=words):
        DynamicsSettings(**changes)


def test_structures_that_cannot_be_moved_are_refused() -> None:
    from ase.constraints import FixAtoms

    held = WATER.copy()
    held.set_constraint(FixAtoms([0]))
    with pytest.raises(InputError, match="has constraints"):
        run_dynamics(held, EMT(), settings())
    with pytest.raises(InputError, match="no atoms"):
        run_dynamics(Atoms(), EMT(), settings())
