"""Neighbours, densities and marks of generated structures: tiny, skewed, left-handed cells, atoms outside and coincident ones."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from ase import Atoms
from ase.build import molecule
from ase.neighborlist import neighbor_list
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from spectral_ceilings.diagnostic.frames.environments import Environments, Members
from spectral_ceilings.diagnostic.frames.frames import Frames
from spectral_ceilings.diagnostic.frames.motions import by_lattice_vectors, supercell, turned
from spectral_ceilings.diagnostic.frames.neighbours import neighbours
from spectral_ceilings.diagnostic.frames.structures import Part
from spectral_ceilings.diagnostic.frames.surroundings import Surroundings, surroundings
from spectral_ceilings.diagnostic.injection.fields import smooth_cutoff
from spectral_ceilings.numerics.harmonics import real_harmonics

CUTOFF, L_TOP = 3.0, 4
SMOOTH = settings(max_examples=40, deadline=None)


@st.composite
def crystals(draw: st.DrawFn, *, coincident: bool = False) -> Frames:
    """One structure: 1 to 6 atoms anywhere, in a cell of 1.5 to 6 Å, skewed, of either hand, any directions periodic."""
    rng = np.random.default_rng(draw(st.integers(0, 10**6)))
    size, skew = draw(st.floats(1.5, 6.0)), draw(st.floats(0.0, 0.8))
    cell = size * (np.eye(3) + skew * np.triu(rng.uniform(-1, 1, (3, 3)), 1))
    cell = Rotation.random(random_state=int(rng.integers(10**6))).apply(cell[rng.permutation(3)])
    pbc = tuple(draw(st.lists(st.booleans(), min_size=3, max_size=3)))
    atoms = draw(st.integers(1, 6))
    positions = rng.uniform(-2, 2, (atoms, 3)) @ cell
    if coincident and atoms > 1:
        positions[1] = positions[0] + (cell[0] if pbc[0] else 0.0)
    numbers = rng.choice([1, 6, 8, 14, 29], size=atoms).astype(np.int64)
    nothing = np.zeros((1, atoms, 3))
    cells = cell[None] if any(pbc) else None
    return Frames(numbers, positions[None], nothing, None, "made", "0" * 64, "eV and Å", cells=cells, pbc=pbc)


def around(frames: Frames) -> Surroundings:
    """Return what is around every atom of the first frame."""
    atoms = np.arange(len(frames.numbers))
    none = np.zeros(len(atoms), dtype=np.int64)
    every = Environments(Members("all", "X", {0: atoms}), none, atoms, none)
    return surroundings([Part(np.array([0]), frames.select([0]))], [every], 4.0)[0]


def densities(frames: Frames) -> NDArray[np.float64]:
    """Return the density of neighbours of every atom, ``(atoms, (L_TOP + 1)^2)``; directions of length zero have none."""
    found = around(frames)
    near = (found.distances < CUTOFF) & (found.distances > 1e-9)
    values = (
        real_harmonics(L_TOP, found.vectors[near]) * smooth_cutoff(found.distances[near], CUTOFF)[:, None]
    )
    summed = np.zeros((len(found), values.shape[1]))
    np.add.at(summed, found.rows[near], values)
    return summed


def rounding(frames: Frames) -> float:
    """Return what rounding may leave: positions below 100 Å to 1e-14, times the slope of Y_l, times the neighbours."""
    return 1e-11 * (1 + int(np.diff(around(frames).starts).max()))


@SMOOTH
@given(crystals(coincident=True))
def test_pairs_are_those_of_ase_in_every_cell_and_for_coincident_atoms(frames: Frames) -> None:
    cell = None if frames.cells is None else frames.cells[0]
    ours = neighbours(frames.positions[0], 4.0, cell, frames.pbc)
    atoms = Atoms(numbers=frames.numbers, positions=frames.positions[0], cell=cell, pbc=frames.pbc)
    first, second, shifts, distances = neighbor_list("ijSd", atoms, 4.0)

    def listed(i: object, j: object, s: object) -> list[tuple[int, ...]]:
        return sorted(tuple(row) for row in np.column_stack([i, j, s]).tolist())

    edge = np.abs(distances - 4.0) < 1e-9  # on the sphere rounding decides
    if not edge.any():
        assert listed(ours.first, ours.second, ours.shifts) == listed(first, second, shifts)
        # of positions below 100 Å
        np.testing.assert_allclose(np.sort(ours.distances), np.sort(distances), rtol=0, atol=1e-12)


@SMOOTH
@given(crystals(), st.integers(0, 10**6))
def test_densities_do_not_know_in_which_cell_an_atom_stands(frames: Frames, seed: int) -> None:
    rng = np.random.default_rng(seed)
    expected, atol = densities(frames), rounding(frames)
    moved = by_lattice_vectors(frames, rng)
    np.testing.assert_allclose(densities(moved), expected, rtol=0, atol=atol)
    if frames.cells is not None:
        wrapped = Atoms(
            numbers=frames.numbers, positions=frames.positions[0], cell=frames.cells[0], pbc=frames.pbc
        )
        wrapped.wrap()
        np.testing.assert_allclose(
            densities(replace(frames, positions=wrapped.positions[None])), expected, rtol=0, atol=atol
        )
    shifted = replace(frames, positions=frames.positions + rng.uniform(-3, 3, 3))
    np.testing.assert_allclose(densities(shifted), expected, rtol=0, atol=atol)


@SMOOTH
@given(crystals(), st.integers(0, 10**6))
def test_densities_are_permuted_with_the_atoms_and_repeated_with_the_cell(frames: Frames, seed: int) -> None:
    expected, atol = densities(frames), rounding(frames)
    order = np.random.default_rng(seed).permutation(len(frames.numbers))
    permuted = replace(
        frames,
        numbers=frames.numbers[order],
        positions=frames.positions[:, order],
        forces=frames.forces[:, order],
    )
    np.testing.assert_allclose(densities(permuted), expected[order], rtol=0, atol=atol)
    larger = supercell(frames, (2, 1, 3))
    images = len(larger.numbers) // len(frames.numbers)
    np.testing.assert_allclose(densities(larger), np.tile(expected, (images, 1)), rtol=0, atol=atol)


@SMOOTH
@given(crystals(), st.integers(0, 10**6))
def test_the_power_at_each_l_is_that_of_legendre_polynomials(frames: Frames, seed: int) -> None:
    """Addition theorem: sum over m of Y_lm(a) Y_lm(b) is (2 l + 1) P_l(a . b) in units of l = 0, with the pairs of ASE."""
    turn = Rotation.random(random_state=seed).as_matrix()
    values = densities(turned(frames, turn[None]))
    cell = None if frames.cells is None else frames.cells[0]
    atoms = Atoms(numbers=frames.numbers, positions=frames.positions[0], cell=cell, pbc=frames.pbc)
    first, vectors, distances = neighbor_list("iDd", atoms, CUTOFF)
    unit = real_harmonics(0, np.array([[0.0, 0.0, 1.0]]))[0, 0] ** 2
    for atom in range(len(frames.numbers)):
        of_atom = (first == atom) & (distances > 1e-9)
        directions = vectors[of_atom] / distances[of_atom, None]
        weights = smooth_cutoff(distances[of_atom], CUTOFF)
        cosines = np.clip(directions @ directions.T, -1, 1)
        for l in range(L_TOP + 1):
            legendre = np.polynomial.legendre.legval(cosines, np.eye(L_TOP + 1)[l])
            expected = unit * (2 * l + 1) * float(weights @ legendre @ weights)
            power = float(np.sum(values[atom, l * l : (l + 1) ** 2] ** 2))
            # the rounding of a sum of so many terms
            assert abs(power - expected) <= 1e-10 * unit * (2 * l + 1) * (1 + float(weights.sum()) ** 2)


@SMOOTH
@given(
    st.lists(
        st.sampled_from(["H2O", "CH3OH", "CH3CH2OH", "HCOOH", "CH3CONH2", "C2H4", "NH3"]),
        min_size=1,
        max_size=2,
    ),
    st.integers(0, 10**6),
)
def test_marks_do_not_know_of_cells_and_of_the_order_of_atoms(names: list[str], seed: int) -> None:
    """Molecules in a skewed periodic cell, far enough apart: each has the marks that it has alone, whatever is exchanged."""
    rng = np.random.default_rng(seed)
    cell = 14.0 * len(names) * np.eye(3) + np.triu(rng.uniform(-3, 3, (3, 3)), 1)
    pieces = [molecule(name) for name in names]
    alone = []
    for k, piece in enumerate(pieces):
        piece.positions += 0.02 * rng.normal(size=piece.positions.shape) + k * np.array([14.0, 0, 0])
        alone.append(around(framed(piece.numbers, piece.positions, None)).marks)
    numbers = np.concatenate([piece.numbers for piece in pieces])
    positions = np.concatenate([piece.positions for piece in pieces])
    order = rng.permutation(len(numbers))
    together = by_lattice_vectors(framed(numbers[order], positions[order], cell), rng)
    # lattice vectors of 30 Å and back
    np.testing.assert_allclose(around(together).marks, np.concatenate(alone)[order], rtol=0, atol=1e-12)


def framed(
    numbers: NDArray[np.int64], positions: NDArray[np.float64], cell: NDArray[np.float64] | None
) -> Frames:
    """Return one structure, periodic in all directions where it has a cell."""
    nothing = np.zeros((1, len(numbers), 3))
    cells = None if cell is None else cell[None]
    return Frames(
        numbers.astype(np.int64), positions[None], nothing, None, "made", "0" * 64, "eV and Å",
        cells=cells, pbc=(cell is not None,) * 3,
    )  # fmt: skip


@SMOOTH
@given(crystals(), st.integers(0, 10**6))
def test_marks_of_any_structure_are_permuted_with_its_atoms(frames: Frames, seed: int) -> None:
    """Where no pair is within rounding of a limit on bonds, that is with probability one."""
    rng = np.random.default_rng(seed)
    order = rng.permutation(len(frames.numbers))
    moved = by_lattice_vectors(
        replace(
            frames, numbers=frames.numbers[order], positions=frames.positions[:, order], forces=frames.forces
        ),
        rng,
    )
    np.testing.assert_allclose(around(moved).marks, around(frames).marks[order], rtol=0, atol=1e-12)
