"""Advice: all and only the minimal choices, with counts that follow from the multiplicities."""

from __future__ import annotations

from fractions import Fraction
from math import comb
from typing import Any

import numpy as np
import pytest
from point_group_matrices import elements
from scipy.spatial.transform import Rotation

from spectral_ceilings.numerics import real_harmonics, wigner_d
from spectral_ceilings.theory import (
    InputError,
    advise,
    feature_cost,
    feature_irreps,
    harmonics_cost,
    minimal_pairs,
    polynomial_cost,
    readout_multiplicities,
    symmetry_advice,
    tensor_product_cost,
)


@pytest.mark.parametrize("wanted", [0, 1, 4, 5, 8, 12])
def test_each_choice_is_counted_for_its_own_features(wanted: int) -> None:
    choices = advise(wanted, channels=4)
    assert tuple((choice.degree, choice.l_max) for choice in choices) == minimal_pairs(wanted)
    for choice in choices:
        assert choice.boundary >= wanted
        assert choice.share == 1
        counts = readout_multiplicities(choice.irreps, choice.degree)
        assert choice.coefficients == {wanted: counts[wanted, (-1) ** wanted]}


def test_the_boundary_needs_one_symmetric_tensor_of_channels() -> None:
    choices = {(c.degree, c.l_max): c for c in advise(4, channels=32)}
    assert choices[2, 2].coefficients == {4: comb(33, 2)}
    assert choices[1, 4].coefficients == {4: 32}


def test_a_symmetry_stands_for_its_smallest_distinct_degree() -> None:
    assert advise("C5") == advise(5)
    assert advise("I") == advise(6)


@pytest.mark.parametrize(
    ("symbol", "spherical", "invisible"),
    [
        ("D6h", 2, 6),
        ("Oh", 4, 4),
        ("Td", 3, 3),
        ("C5v", 1, 5),
        ("D4d", 2, 5),
        ("C2v", 1, 2),
        ("Ci", 2, 2),
        ("Ih", 6, 6),
    ],
)
def test_below_which_l_max_a_site_is_invisible(symbol: str, spherical: int, invisible: int) -> None:
    """Harmonics of a generic environment (several species), summed: what they say below and at the degrees given."""
    rng, matrices = np.random.default_rng(0), elements(symbol)
    orbits = [np.einsum("nij,j->ni", matrices, rng.normal(size=3)) for _ in range(4)]
    sums = [real_harmonics(invisible, orbit).mean(axis=0) for orbit in orbits]
    for l in range(1, invisible + 1):
        features = np.array([part[l * l : (l + 1) ** 2] for part in sums])
        turned = []
        for axis in np.eye(3):  # how the features of all species change with a turn about each axis
            forward, back = (wigner_d(l, Rotation.from_rotvec(h * axis).as_matrix()) for h in (1e-4, -1e-4))
            turned.append(((forward - back) @ features.T / 2e-4).ravel())
        symmetries = 3 - np.linalg.matrix_rank(np.array(turned), tol=1e-5)
        size = np.abs(features).max()
        # Means of harmonics good to 1e-15, and derivatives by differences to 1e-8.
        assert (size < 1e-12) if l < spherical else (l > spherical or size > 1e-3)
        assert symmetries >= 1 if l < invisible else (l > invisible or symmetries == 0)
    advice = symmetry_advice(symbol)
    assert (advice.spherical_below, advice.invisible_below) == (spherical, invisible)
    assert f"L < {spherical}" in advice.sentence
    assert f"below L = {invisible}" in advice.sentence
    assert advice.order == len(matrices)


def test_where_vectors_tell_all() -> None:
    for symbol in ("C1", "C1v", "Cs"):
        assert symmetry_advice(symbol).invisible_below == 1
        assert "l_max = 1 is enough" in symmetry_advice(symbol).sentence
    with pytest.raises(InputError, match="point group 'D∞h' is continuous"):
        symmetry_advice("D∞h")
    assert advise("D6h") == advise(6)
    assert advise("C1") == advise(2)


def test_weights_are_covered_to_the_wanted_share() -> None:
    weights = {0: 1, 2: 2, 5: 1}
    assert {c.boundary for c in advise(weights, share=Fraction(3, 4))} == {2}
    assert all(c.share == Fraction(3, 4) for c in advise(weights, share=Fraction(3, 4)))
    full = advise(weights)
    assert {(c.degree, c.l_max) for c in full} == set(minimal_pairs(5))
    assert all(set(c.coefficients) == {0, 2, 5} and c.share == 1 for c in full)


def test_both_parities_add_paths() -> None:
    assert feature_irreps(2, 1, both_parities=True) == "2x0e+2x0o+2x1o+2x1e"
    one, both = advise(2, channels=3)[1], advise(2, channels=3, both_parities=True)[1]
    assert both.coefficients[2] > one.coefficients[2]
    assert both.product_multiplications == 2 * one.product_multiplications
    # harmonics have one parity, whatever the features have
    harmonics = 20 * harmonics_cost(1)
    assert both.feature_multiplications - harmonics == 2 * (one.feature_multiplications - harmonics)
    assert both.polynomial_multiplications == polynomial_cost(2, 1, 6)


@pytest.mark.parametrize("both_parities", [False, True])
def test_the_cost_of_a_choice_is_that_of_its_features_and_of_its_products(both_parities: bool) -> None:
    for choice in advise("C5", channels=3, neighbours=7, both_parities=both_parities):
        d, l_max, copies = choice.degree, choice.l_max, 6 if both_parities else 3
        assert choice.multiplications == choice.feature_multiplications + choice.product_multiplications
        assert choice.feature_multiplications == feature_cost(l_max, 3, 7, both_parities=both_parities)
        assert choice.product_multiplications == tensor_product_cost(d, l_max, 5, copies)
        assert choice.polynomial_multiplications == polynomial_cost(d, l_max, copies)


def test_high_degrees_are_cheap_channel_by_channel_only() -> None:
    """(1, 5) is the dearest to make; of all products of 32 channels, (5, 1) has far more than (2, 3)."""
    choices = {(c.degree, c.l_max): c for c in advise("C5")}
    assert max(choices.values(), key=lambda c: c.multiplications) is choices[1, 5]
    assert choices[1, 5].product_multiplications == choices[1, 5].polynomial_multiplications == 0
    assert choices[5, 1].product_multiplications < choices[2, 3].product_multiplications
    assert choices[5, 1].polynomial_multiplications > 2000 * choices[2, 3].polynomial_multiplications


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: advise(-1), "l = -1"),
        (lambda: advise(2.5), "l = 2.5"),
        (lambda: advise(65), "l = 65"),
        (lambda: advise("K3"), "point group 'K3'"),
        (lambda: advise({}), "no l has a weight"),
        (lambda: advise({2: 0}), "no l has a weight"),
        (lambda: advise({2: -1}), "weight of l = 2"),
        (lambda: advise({2: 0.5}), "weight of l = 2"),
        (lambda: advise(2, share=0), "share = 0"),
        (lambda: advise(2, share=Fraction(3, 2)), "share = "),
        (lambda: advise(2, channels=0), "channels = 0"),
        (lambda: advise(2, neighbours=0), "neighbours = 0"),
    ],
)
def test_wrong_targets_are_named(call: Any, message: str) -> None:
    with pytest.raises(InputError, match=message):
        call()
