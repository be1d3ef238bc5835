"""Neighbours and marks of environments: supercells, images, and what chemistry can tell apart in a crystal."""

from __future__ import annotations

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk, molecule

from spectral_ceilings.diagnostic.frames.environments import Environments, Members
from spectral_ceilings.diagnostic.frames.marks import marked_neighbours
from spectral_ceilings.diagnostic.frames.motions import supercell
from spectral_ceilings.diagnostic.frames.neighbours import neighbours
from spectral_ceilings.diagnostic.frames.structures import Part, StructuresInMemory
from spectral_ceilings.diagnostic.frames.surroundings import structure_marks, surroundings
from tests.support.environment_sets import ethanol, lithium_fluoride, mixed, rattled, silicon


def marks_of(atoms: Atoms) -> list[tuple[str, str] | None]:
    """By atom, its symbol and that of its mark."""
    near = neighbours(atoms.positions, 5.0, atoms.cell.array, tuple(atoms.pbc))
    symbols = atoms.get_chemical_symbols()
    return [
        None if pair is None else (symbols[k], symbols[near.second[pair]])
        for k, pair in enumerate(structure_marks(atoms.numbers.astype(np.int64), near))
    ]


@pytest.mark.parametrize(
    "atoms", [silicon(1), lithium_fluoride(1), bulk("Cu", cubic=True), bulk("NaCl", "rocksalt", a=5.64, cubic=True)]
)  # fmt: skip
def test_shells_of_equals_have_no_mark(atoms: Atoms) -> None:
    assert marks_of(atoms) == [None] * len(atoms)
    rng = np.random.default_rng(0)
    for _ in range(5):
        moved = atoms * (2, 2, 2)
        moved.positions += 0.1 * rng.normal(size=moved.positions.shape)
        assert marks_of(moved) == [None] * len(moved)


def test_molecules_have_the_marks_that_they_have_by_themselves() -> None:
    frames = rattled(ethanol(), 20, 0.02)
    by_frames = [mark.neighbour for mark in marked_neighbours(frames)]
    for positions in frames.positions:
        near = neighbours(positions, 5.0)
        pointed = structure_marks(frames.numbers, near)
        assert [None if pair is None else int(near.second[pair]) for pair in pointed] == by_frames


def test_marks_cross_the_borders_of_a_cell() -> None:
    water = molecule("H2O")
    water.set_cell([4.0, 4.0, 4.0])
    water.pbc = True
    before = marks_of(water)
    assert before == [None, ("H", "O"), ("H", "O")]
    near = neighbours(water.positions, 5.0, water.cell.array, (True, True, True))
    bonds = {
        k: near.distances[pair]
        for k, pair in enumerate(structure_marks(water.numbers.astype(int), near))
        if pair is not None
    }
    water.positions += [1.9, 0.3, -2.2]
    water.wrap()  # type: ignore[no-untyped-call]
    near = neighbours(water.positions, 5.0, water.cell.array, (True, True, True))
    again = {
        k: near.distances[pair]
        for k, pair in enumerate(structure_marks(water.numbers.astype(int), near))
        if pair is not None
    }
    assert marks_of(water) == before
    # differences of coordinates up to 6 Å, rounded to 1e-15 of themselves
    assert again == pytest.approx(bonds, abs=1e-13)


def test_a_bond_in_doubt_leaves_its_molecule_without_marks() -> None:
    stretched = ethanol()
    # C-C at 1.2 sums of radii: nobody can say whether it is bonded
    axis = stretched.positions[1] - stretched.positions[0]
    stretched.positions[0] -= axis / np.linalg.norm(axis) * (1.2 * 1.52 - np.linalg.norm(axis))
    assert marks_of(stretched) == [None] * len(stretched)


def test_a_supercell_has_the_same_surroundings() -> None:
    frames = rattled(lithium_fluoride(1), 1, 0.1)
    large = supercell(frames, (2, 2, 2))

    def around(of_frames, atoms):  # type: ignore[no-untyped-def]
        rows = Environments(
            Members("element:Li", "Li", {0: atoms}),
            np.zeros(len(atoms), dtype=int),
            atoms,
            np.zeros(len(atoms), dtype=int),
        )
        return surroundings([Part(np.array([0]), of_frames)], [rows], 6.0)[0]

    atoms = np.arange(len(frames.numbers))
    one, many = around(frames, atoms), around(large, atoms)
    assert np.array_equal(one.starts, many.starts)
    # coordinates up to 10 Å, sums of a few numbers rounded to 1e-15 of themselves
    assert np.abs(one.distances - many.distances).max() < 1e-13


def test_a_row_keeps_its_neighbours_when_others_go() -> None:
    structures = StructuresInMemory.of(rattled(silicon(1), 3, 0.1))
    rows = Environments(
        Members("element:Si", "Si", {}), np.array([0, 1, 2]), np.array([3, 0, 7]), np.array([0, 1, 2])
    )
    whole = surroundings(structures.take([0, 1, 2]), [rows], 4.0)[0]
    part = whole.select(np.array([True, False, True]))
    assert len(part) == 2
    assert np.array_equal(part.vectors[: part.starts[1]], whole.vectors[: whole.starts[1]])
    assert np.array_equal(part.vectors[part.starts[1] :], whole.vectors[whole.starts[2] :])
    assert part.nearest().tolist() == whole.nearest()[[0, 2]].tolist()
    assert mixed(rattled(silicon(1), 1, 0.0)).take([0])[0].frames.periodic
