"""Relaxed energies: a calculator whose minimum is known, turned starts, and relaxations that do not arrive."""

from __future__ import annotations

import numpy as np
import pytest
from ase import Atoms
from ase.calculators.calculator import Calculator, all_changes
from scipy.spatial.transform import Rotation

from spectral_ceilings.diagnostic.observables import ObservableSettings, relaxed_energies
from spectral_ceilings.diagnostic.observables.relaxed import relax, turned_copy

STIFFNESS, REST, DEPTH = 20.0, 1.2, -3.0


class Spring(Calculator):
    """Two atoms on a spring of known depth, and a term in the direction of the bond."""

    implemented_properties = ["energy", "forces"]  # noqa: RUF012

    def __init__(self, tilt=0.0):
        super().__init__()
        self.tilt = tilt

    def calculate(self, atoms=None, properties=(), system_changes=all_changes):
        super().calculate(atoms, properties, system_changes)
        bond = self.atoms.positions[1] - self.atoms.positions[0]
        length = np.linalg.norm(bond)
        unit = bond / length
        energy = DEPTH + 0.5 * STIFFNESS * (length - REST) ** 2 - self.tilt * unit[2]
        pull = STIFFNESS * (length - REST) * unit - self.tilt * (np.eye(3)[2] - unit[2] * unit) / length
        self.results = {"energy": float(energy), "forces": np.stack([pull, -pull])}


def pair(length=1.5, along=(1.0, 0.0, 0.0)):
    return Atoms("N2", [np.zeros(3), length * np.array(along)])


def test_a_spring_relaxes_to_its_depth():
    settings = ObservableSettings(force=0.01)
    energy, gain, done = relax(pair(), Spring(), settings)
    # a force of f leaves f² / 2k, and the second relaxation goes to .003 eV/Å
    assert 0 <= energy - DEPTH <= 0.003**2 / (2 * STIFFNESS) * (1 + 1e-6)
    assert 0 <= gain <= 0.01**2 / (2 * STIFFNESS) * (1 + 1e-6)
    assert done


class Soft(Spring):
    """The same pair with a hundredth of the stiffness: a force of .01 eV/Å leaves .25 meV, more than is tolerated."""

    def calculate(self, atoms=None, properties=(), system_changes=all_changes):
        super().calculate(atoms, properties, system_changes)
        self.results["energy"] = DEPTH + (self.results["energy"] - DEPTH) / 100
        self.results["forces"] = self.results["forces"] / 100


def test_relaxations_go_on_until_they_decide():
    settings = ObservableSettings()
    energy, gain, _ = relax(pair(1.32), Soft(), settings)
    # spread of two starts, each known to the gain, with 1.96 of both: within .1 meV/atom of two atoms
    assert 2 * 1.96 * gain <= 0.1e-3 * 2
    assert energy - DEPTH <= 0.05e-3
    assert relaxed_energies({"pair": pair(1.32)}, Soft(), settings)["outcome"] == "held"


def test_turning_turns_the_cell_and_keeps_distances():
    atoms = pair()
    atoms.set_cell([[4, 0, 0], [1, 5, 0], [0, 1, 6]])
    turn = Rotation.from_rotvec([0.3, -1.0, 0.4])
    turned = turned_copy(atoms, turn)
    assert np.asarray(turned.cell) == pytest.approx(np.asarray(atoms.cell) @ turn.as_matrix().T, abs=1e-14)
    assert turned.get_scaled_positions(wrap=False) == pytest.approx(
        atoms.get_scaled_positions(wrap=False), abs=1e-14
    )
    assert np.array_equal(atoms.positions, pair().positions)


def test_an_isotropic_pair_has_no_spread_and_a_tilted_one_has_one():
    settings = ObservableSettings(turns=3, force=0.01)
    row = relaxed_energies({"near": pair(1.3), "far": pair(1.6)}, Spring(), settings)
    assert row["outcome"] == "held"
    numbers = {number["label"]: number for number in row["numbers"]}
    assert abs(numbers["far less near"]["value"]) <= 1e3 / 2 * 0.003**2 / (2 * STIFFNESS) * 2
    # few steps from the side: the bond has its length, and turns only a little towards the axis
    tilted = relaxed_energies({"pair": pair()}, Spring(0.1), ObservableSettings(turns=3, force=0.35))
    spread = {number["label"]: number for number in tilted["numbers"]}["spread of pair"]
    assert spread["value"] > 0.1  # what is tolerated
    assert tilted["outcome"] == "contradicted"


def test_a_relaxation_that_did_not_arrive_is_undecided_and_said():
    row = relaxed_energies({"pair": pair()}, Spring(), ObservableSettings(turns=2, relax_steps=1, force=1e-5))
    assert row["outcome"] == "undecided"
    assert "pair did not relax to 1e-05 eV/Å in 1 steps" in row["sentence"]
    assert relaxed_energies({}, Spring())["outcome"] == "nothing tested"
