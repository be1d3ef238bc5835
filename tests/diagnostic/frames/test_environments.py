"""A fair sample of environments: parts without leaks, every structure equally likely, clusters that hold every pool."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import chi2

from spectral_ceilings.diagnostic.frames.environments import (
    Members,
    clusters_of,
    deal,
    environments_of,
    fair_counts,
    members_of,
    sample,
    units_of,
)
from spectral_ceilings.theory.errors import InputError
from tests.support.environment_sets import ethanol, lithium_fluoride, mixed, rattled, silicon


def one_pool(sizes: list[int]) -> Members:
    """A pool with so many atoms in each structure."""
    return Members("element:Si", "Si", {k: np.arange(size) for k, size in enumerate(sizes) if size})


@given(st.lists(st.integers(0, 9), min_size=1, max_size=30), st.integers(0, 60))
def test_counts_are_as_equal_as_they_can_be(available: list[int], total: int) -> None:
    taken = fair_counts(available, total)
    assert sum(taken) == min(total, sum(available))
    assert all(0 <= t <= a for t, a in zip(taken, available, strict=True))
    most = max(taken)
    # whoever gives less than the most, less one, has no more to give
    assert all(t >= most - 1 or t == a for t, a in zip(taken, available, strict=True))


@settings(deadline=None)
@given(st.lists(st.integers(0, 12), min_size=20, max_size=120), st.integers(0, 99), st.booleans())
def test_groups_and_their_units_are_in_one_part(groups: list[int], seed: int, with_held_out: bool) -> None:
    labels = np.array(groups)
    pools = [Members("element:H", "H", {k: np.arange(3) for k in range(0, len(groups), 2)})]
    units = units_of(labels, pools)
    parts = deal(units, pools, seed, with_held_out=with_held_out)
    for group in set(groups):
        assert len(set(units[labels == group])) == 1
        assert len(set(parts[labels == group])) == 1
    assert with_held_out or not (parts == 2).any()


def test_neighbours_in_the_file_stay_together_and_rare_elements_have_enough_units() -> None:
    structures = mixed(rattled(silicon(1), 400, 0.05), rattled(ethanol(), 80, 0.05))
    pools = members_of(structures)
    units = units_of(structures.groups, pools)
    # 400 / 20 = 20, at most 10 neighbours of silicon; 80 / 20 = 4 of ethanol
    assert set(np.unique(units[:400], return_counts=True)[1]) == {10}
    assert set(np.unique(units[400:], return_counts=True)[1]) == {4}
    samples, _, left_out = environments_of(structures, pools, 400, 0)
    assert [sampled.pool.name for sampled in samples] == ["element:H", "element:C", "element:O", "element:Si"]
    assert left_out == []
    for sampled in samples:
        by_part = [set(units[sampled.structures[sampled.parts == part]].tolist()) for part in range(3)]
        for one, other in ((0, 1), (0, 2), (1, 2)):
            assert not by_part[one] & by_part[other]


def test_a_rare_element_is_left_out_with_a_sentence_and_the_others_keep_their_number() -> None:
    structures = mixed(rattled(silicon(1), 60, 0.05), rattled(lithium_fluoride(1), 4, 0.05))
    samples, _, left_out = environments_of(structures, members_of(structures), 300, 0)
    assert [sampled.pool.element for sampled in samples] == ["Si"]
    assert sum(samples[0].counts().values()) == 300
    assert left_out[0].startswith("the element Li is in 4 structures, too few for three parts")
    few = mixed(rattled(lithium_fluoride(1), 4, 0.05))
    with pytest.raises(InputError, match="the element Li is in 4 structures, too few"):
        environments_of(few, members_of(few), 300, 0)


def test_nothing_is_drawn_twice_and_seeds_decide() -> None:
    pool = one_pool([5, 1, 40, 7] * 10)
    parts = deal(np.arange(40), [pool], 3)
    drawn = sample(pool, parts, 200, 3)
    pairs = set(zip(drawn.structures.tolist(), drawn.atoms.tolist(), strict=True))
    assert len(pairs) == len(drawn) <= 200
    again = sample(pool, parts, 200, 3)
    assert np.array_equal(drawn.structures, again.structures)
    assert np.array_equal(drawn.atoms, again.atoms)
    assert not np.array_equal(drawn.atoms, sample(pool, parts, 200, 4).atoms)


def test_structures_and_then_atoms_are_equally_likely() -> None:
    # 30 structures of 2, 6 or 10 atoms; 9 training environments of 18 training structures: each is in half of the draws
    sizes = [2, 6, 10] * 10
    pool = one_pool(sizes)
    parts = np.array([0] * 18 + [1] * 3 + [2] * 9)
    draws = 1000
    of_structure, of_atom = np.zeros(18), [np.zeros(size) for size in sizes[:18]]
    for seed in range(draws):
        drawn = sample(pool, parts, 15, seed)
        training = drawn.parts == 0
        assert training.sum() == 9
        np.add.at(of_structure, drawn.structures[training], 1)
        for structure, atom in zip(drawn.structures[training], drawn.atoms[training], strict=True):
            of_atom[structure][atom] += 1
    # a structure is drawn binomially, n = 1000, p = 1/2; the 18 counts sum to 9000, so 17 are free, with a variance of
    # 250 x 18 / 17 for the dependence of a draw without replacement. Beyond the 1e-9 quantile is no chance.
    statistic = float(((of_structure - 500) ** 2).sum() / (250 * 18 / 17))
    assert statistic < chi2.isf(1e-9, 17)
    for counts in of_atom:
        expected = counts.sum() / len(counts)
        assert float(((counts - expected) ** 2).sum() / expected) < chi2.isf(1e-9, len(counts) - 1)


def test_every_pool_is_in_every_cluster_where_it_can_be() -> None:
    structures = mixed(
        rattled(silicon(1), 100, 0.05), rattled(ethanol(), 100, 0.05), rattled(lithium_fluoride(1), 20, 0.05)
    )
    samples, units, _ = environments_of(structures, members_of(structures), 300, 0)
    clusters = clusters_of(samples, units)
    assert set(clusters.values()) == set(range(max(clusters.values()) + 1))
    number = len(set(clusters.values()))
    for sampled in samples:
        held_out = np.unique(units[sampled.structures[sampled.parts == 2]])
        there = {clusters[int(unit)] for unit in held_out}
        assert len(there) == min(number, len(held_out))


def test_only_the_sampled_structures_are_asked_for() -> None:
    structures = mixed(rattled(silicon(1), 2000, 0.05))
    pools = members_of(structures)
    samples, _, _ = environments_of(structures, pools, 200, 0)
    assert len(np.unique(samples[0].structures)) == 200
