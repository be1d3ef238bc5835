"""Neighbour lists: the same pairs as ASE's, in cells of every shape."""

from __future__ import annotations

import numpy as np
import pytest
from ase import Atoms
from ase.neighborlist import neighbor_list
from hypothesis import given, settings
from hypothesis import strategies as st

from spectral_ceilings.diagnostic.frames.neighbours import neighbours

PERIODIC = [(False, False, False), (True, False, False), (True, True, False), (True, True, True)]


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 10**6),
    atoms=st.integers(1, 9),
    size=st.floats(1.5, 6.0),
    skew=st.floats(0.0, 0.8),
    pbc=st.sampled_from(PERIODIC),
)
def test_the_pairs_are_those_of_ase(seed, atoms, size, skew, pbc):
    """Tiny and skewed cells, one atom, atoms outside the cell, 0 to 3 periodic directions."""
    rng = np.random.default_rng(seed)
    cell = size * (np.eye(3) + skew * np.triu(rng.uniform(-1, 1, (3, 3)), 1))
    positions = rng.uniform(-2, 2, (atoms, 3)) @ cell
    structure = Atoms(numbers=[1] * atoms, positions=positions, cell=cell, pbc=pbc)
    i, j, shifts, vectors = neighbor_list("ijSD", structure, 4.0)
    ours = neighbours(positions, 4.0, cell, pbc)

    def table(first, second, shift):
        return sorted(zip(first.tolist(), second.tolist(), map(tuple, shift.tolist()), strict=True))

    assert table(ours.first, ours.second, ours.shifts) == table(i, j, shifts)
    expected = positions[ours.second] - positions[ours.first] + ours.shifts @ cell
    # sums of a few numbers below 100: rounding of each is at most 100 * 2.2e-16
    np.testing.assert_allclose(ours.vectors, expected, atol=1e-12)
    assert (np.diff(ours.first) >= 0).all()
    assert len(vectors) == len(ours.vectors)


@pytest.mark.parametrize("pbc", PERIODIC[1:])
def test_what_stands_in_directions_that_are_not_periodic_does_not_matter(pbc):
    positions = np.random.default_rng(0).uniform(0, 5, (6, 3))
    cell = np.diag([3.0, 4.0, 5.0])
    other = cell.copy()
    other[~np.asarray(pbc)] = 0.0
    a, b = neighbours(positions, 3.5, cell, pbc), neighbours(positions, 3.5, other, pbc)
    assert sorted(a.distances.tolist()) == pytest.approx(sorted(b.distances.tolist()), abs=1e-12)
