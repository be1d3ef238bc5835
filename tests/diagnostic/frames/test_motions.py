"""Frames that were moved: what ASE says of the same crystal before and after."""

from __future__ import annotations

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk
from ase.calculators.emt import EMT
from ase.stress import full_3x3_to_voigt_6_stress, voigt_6_to_full_3x3_stress
from hypothesis import given, settings
from hypothesis import strategies as st

from spectral_ceilings.diagnostic.frames.frames import Frames
from spectral_ceilings.diagnostic.frames.motions import (
    at_positions,
    by_lattice_vectors,
    inverted,
    matrices,
    strained,
    supercell,
    turned,
    voigt,
)
from spectral_ceilings.numerics import haar_rotations


def copper(frames: int = 2, seed: int = 0) -> Frames:
    """Return rattled, sheared copper with energies, forces and stress of ASE's EMT."""
    rng = np.random.default_rng(seed)
    made = []
    for _ in range(frames):
        atoms = bulk("Cu", cubic=True) * (2, 1, 1)
        atoms.set_cell(
            atoms.cell.array @ (np.eye(3) + 0.02 * np.triu(rng.normal(size=(3, 3)))), scale_atoms=True
        )
        atoms.rattle(0.1, rng=rng)
        made.append(atoms)
    return labelled(made)


def labelled(structures: list[Atoms]) -> Frames:
    for atoms in structures:
        atoms.calc = EMT()
    return Frames(
        np.array(structures[0].numbers),
        np.array([atoms.positions for atoms in structures]),
        np.array([atoms.get_forces() for atoms in structures]),
        np.array([atoms.get_potential_energy() for atoms in structures]),
        "copper",
        "0" * 64,
        "eV",
        cells=np.array([atoms.cell.array for atoms in structures]),
        pbc=(True, True, True),
        stress=np.array([atoms.get_stress() for atoms in structures]),
    )


def again(frames: Frames) -> Frames:
    """Return the same frames with energies, forces and stress computed anew by EMT."""
    return labelled([Atoms(atoms) for atoms in frames.to_ase()])


def agree(moved: Frames) -> None:
    expected = again(moved)
    # EMT sums a few dozen neighbours of order 10 eV in float64: 1e-12 is some thousand roundings of an eV
    np.testing.assert_allclose(moved.forces, expected.forces, atol=1e-11)
    np.testing.assert_allclose(moved.energies, expected.energies, atol=1e-11)
    np.testing.assert_allclose(moved.stress, expected.stress, atol=1e-11)


def test_turned_crystals_have_turned_forces_and_stress() -> None:
    agree(turned(copper(3), haar_rotations(3, np.random.default_rng(1))))


def test_one_frame_is_turned_by_every_rotation() -> None:
    frames = copper(1)
    rotations = haar_rotations(4, np.random.default_rng(1))
    many = turned(frames, rotations)
    assert len(many) == 4
    agree(many)
    alone = turned(frames, rotations[2:3])
    assert many.positions[2] == pytest.approx(alone.positions[0], abs=1e-14)
    assert many.cells is not None
    assert alone.cells is not None
    assert many.cells[2] == pytest.approx(alone.cells[0], abs=1e-14)


def test_atoms_in_other_cells_are_the_same_crystal() -> None:
    frames = copper(2)
    moved = by_lattice_vectors(frames, np.random.default_rng(3))
    assert np.abs(moved.positions - frames.positions).max() > 1.0
    agree(moved)


def test_a_supercell_holds_the_same_atoms_over_and_over() -> None:
    frames = copper(2)
    repeated = supercell(frames, (1, 2, 2))
    assert repeated.numbers.tolist() == np.tile(frames.numbers, 4).tolist()
    agree(repeated)


def test_directions_that_are_not_periodic_are_not_repeated() -> None:
    frames = copper(1)
    slab = Frames(
        frames.numbers, frames.positions, frames.forces, None, "slab", "0" * 64, "eV", cells=frames.cells, pbc=(True, True, False)
    )  # fmt: skip
    assert len(supercell(slab, (2, 2, 2)).numbers) == 4 * len(frames.numbers)
    moved = by_lattice_vectors(slab, np.random.default_rng(0)).positions - slab.positions
    assert frames.cells is not None
    steps = moved[0] @ np.linalg.inv(frames.cells[0])
    assert np.abs(steps[:, 2]).max() < 1e-12  # rounding of a product of 3x3 matrices of order 10
    molecule = Frames(frames.numbers, frames.positions, frames.forces, None, "cluster", "0" * 64, "eV")
    assert supercell(molecule, (2, 2, 2)) is molecule
    assert by_lattice_vectors(molecule, np.random.default_rng(0)) is molecule


def test_inverted_crystals_have_the_same_energy() -> None:
    frames = copper(2)
    expected = again(inverted(frames))
    np.testing.assert_allclose(expected.energies, frames.energies, atol=1e-11)  # as above
    np.testing.assert_allclose(expected.forces, -frames.forces, atol=1e-11)


def test_a_strain_does_to_cell_and_positions_what_ase_does() -> None:
    frames = copper(1)
    rng = np.random.default_rng(4)
    half = 0.05 * rng.normal(size=(3, 3, 3))
    strains = half + half.transpose(0, 2, 1)
    ours = strained(frames, strains)
    for k, strain in enumerate(strains):
        atoms = frames.to_ase()[0]
        atoms.set_cell(atoms.cell.array @ (np.eye(3) + strain), scale_atoms=True)
        np.testing.assert_allclose(
            ours.positions[k], atoms.positions, atol=1e-12
        )  # fractional there, direct here
        assert ours.cells is not None
        np.testing.assert_allclose(ours.cells[k], atoms.cell.array, atol=1e-14)
    assert ours.energies is None
    assert ours.stress is None


@settings(max_examples=20, deadline=None)
@given(st.lists(st.floats(-10, 10), min_size=6, max_size=6))
def test_voigt_order_is_that_of_ase(stress) -> None:
    given_stress = np.array(stress)
    full = matrices(given_stress)
    assert np.array_equal(full, voigt_6_to_full_3x3_stress(given_stress))
    assert np.array_equal(voigt(full), full_3x3_to_voigt_6_stress(full))


def test_other_positions_keep_the_cell() -> None:
    frames = copper(1)
    line = at_positions(frames, np.repeat(frames.positions, 5, axis=0))
    assert line.cells is not None
    assert frames.cells is not None
    assert np.array_equal(line.cells, np.repeat(frames.cells, 5, axis=0))
    assert line.energies is None
    assert line.stress is None
