"""The angular bandwidth of a reference field: Bessel factors, invariance under rotation, known spectra."""

from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.special import ive, spherical_in

from spectral_ceilings.diagnostic.frames.frames import Frames
from spectral_ceilings.diagnostic.frames.reading import read_frames
from spectral_ceilings.numerics.rotations import haar_rotations
from spectral_ceilings.paper_checks.bandwidth import (
    CUTOFF,
    force_bandwidth,
    local_frames,
    smearing,
    sufficient_degree,
)
from spectral_ceilings.theory.errors import InputError


def molecule(positions: NDArray[np.float64], forces: NDArray[np.float64], numbers: list[int]) -> Frames:
    few = read_frames("aspirin-xtb").select(np.arange(len(positions)))
    return replace(few, numbers=np.array(numbers), positions=positions, forces=forces)


@pytest.fixture(scope="module")
def tremble() -> Frames:
    """Six atoms of no symmetry that tremble, forces drawn at random."""
    rng = np.random.default_rng(0)
    at = np.array(
        [[0, 0, 0], [1.3, 0, 0], [-0.4, 1.2, 0], [-0.5, -0.6, 1.0], [2.0, 1.0, 0.3], [2.0, -1.0, 0.4]]
    )
    positions = at + 0.05 * rng.normal(size=(8, 6, 3))
    return molecule(positions, rng.normal(size=(8, 6, 3)), [6, 7, 8, 1, 1, 1])


@pytest.mark.parametrize("width", [0.3, 0.5, 0.8])
def test_smearing_factors_are_modified_spherical_bessel_functions(width: float) -> None:
    r = np.array([0.9, 1.5, 2.4])  # k = (r / width)^2 up to 64, where i_l still has a float64
    found = smearing(r, width, 12)
    l = np.arange(13)
    expected = spherical_in(l, (r[:, None] / width) ** 2) / spherical_in(0, (r[:, None] / width) ** 2)
    # Each of the two has a relative error of a few units in the last place of at most 13 + 40 steps.
    np.testing.assert_allclose(found, expected, rtol=200 * np.finfo(float).eps)
    assert np.all(found[:, 0] == 1.0)
    assert np.all(np.diff(found, axis=-1) < 0)


def test_far_neighbours_do_not_overflow() -> None:
    # k = 2,500: e^k has no float64; ive is i_l(k) e^-k up to a factor without l.
    found = smearing(np.array([15.0]), 0.3, 24)[0]
    expected = ive(np.arange(25) + 0.5, 2500.0) / ive(0.5, 2500.0)
    np.testing.assert_allclose(found, expected, rtol=1e-13)


def test_a_narrow_gaussian_is_a_point_and_a_wide_one_is_nothing() -> None:
    # i_l(k)/i_0(k) = 1 - l(l+1)/(2k) + O(1/k^2), and k^l/(2l+1)!! for small k.
    narrow = smearing(np.array([1.0]), 1e-3, 4)[0]
    l = np.arange(5)
    np.testing.assert_allclose(narrow, 1 - l * (l + 1) / 2e6, atol=1e-10)
    wide = smearing(np.array([1.0]), 1e3, 3)[0]
    np.testing.assert_allclose(wide, [1.0, 1e-6 / 3, 1e-12 / 15, 1e-18 / 105], rtol=1e-6)


def test_local_frames_are_rotations_with_the_neighbours_where_they_belong(tremble: Frames) -> None:
    turns = local_frames(tremble, 0)
    assert turns is not None
    eye = np.einsum("nij,nkj->nik", turns, turns)
    np.testing.assert_allclose(eye, np.broadcast_to(np.eye(3), eye.shape), atol=1e-14)
    np.testing.assert_allclose(np.linalg.det(turns), 1.0, atol=1e-14)
    vectors = np.einsum("nij,naj->nai", turns, tremble.positions - tremble.positions[:, :1])
    # Heavy atoms come before hydrogens, however near those are; the nearest of them on the first axis.
    np.testing.assert_allclose(vectors[:, 2, 1:], 0.0, atol=1e-14)  # the oxygen, nearest in the mean
    assert np.all(vectors[:, 2, 0] > 0)
    np.testing.assert_allclose(vectors[:, 1, 2], 0.0, atol=1e-14)  # the nitrogen in the plane
    assert np.all(vectors[:, 1, 1] > 0)


def test_atoms_on_a_line_have_no_local_frame() -> None:
    line = np.array([[[0.0, 0, 0], [1.0, 0, 0], [2.5, 0, 0]]] * 3)
    assert local_frames(molecule(line, line, [6, 8, 8]), 0) is None
    with pytest.raises(InputError, match=r"no atom of .* has two neighbours that make a local frame"):
        force_bandwidth(molecule(line, line, [6, 8, 8]), 0.5)
    pair = line[:, :2]
    assert local_frames(molecule(pair, pair, [6, 8]), 0) is None


def test_the_weights_do_not_feel_a_rotation_of_any_frame(tremble: Frames) -> None:
    rotations = haar_rotations(len(tremble), np.random.default_rng(1))
    turned = molecule(
        np.einsum("nij,naj->nai", rotations, tremble.positions),
        np.einsum("nij,naj->nai", rotations, tremble.forces),
        tremble.numbers.tolist(),
    )
    weights = force_bandwidth(tremble, 0.5, 12)
    assert weights.shape == (6, 13)
    np.testing.assert_allclose(weights.sum(axis=1), 1.0, atol=1e-14)
    # Frames and harmonics to round-off times the degree.
    np.testing.assert_allclose(force_bandwidth(turned, 0.5, 12), weights, atol=1e-12)


def test_a_force_at_a_fixed_point_has_the_spectrum_of_the_smeared_point() -> None:
    """One neighbour moves nothing but its force: w(l) is (2l+1) times the squared factor, whatever the frame."""
    rng = np.random.default_rng(2)
    positions = np.broadcast_to(np.array([[0.0, 0, 0], [1.1, 0, 0], [0.2, 1.4, 0.0]]), (40, 3, 3)).copy()
    forces = np.zeros((40, 3, 3))
    forces[:, 2] = rng.normal(size=(40, 3))
    weights = force_bandwidth(molecule(positions, forces, [6, 7, 8]), 0.5, 10)[0]
    factors = smearing(np.linalg.norm(positions[0, 2:] - positions[0, 0], axis=1), 0.5, 10)[0]
    expected = (2 * np.arange(11) + 1) * factors**2
    np.testing.assert_allclose(weights, expected / expected.sum(), atol=1e-13)


def test_a_neighbour_beyond_the_cutoff_counts_for_nothing() -> None:
    rng = np.random.default_rng(3)
    positions = rng.normal(size=(6, 4, 3)) * 0.05 + np.array(
        [[0.0, 0, 0], [1.2, 0, 0], [0, 1.2, 0], [0, 0, CUTOFF + 1]]
    )
    forces = rng.normal(size=(6, 4, 3))
    near = molecule(positions[:, :3], forces[:, :3], [6, 7, 8])
    far = molecule(positions, forces, [6, 7, 8, 9])
    np.testing.assert_allclose(force_bandwidth(far, 0.5, 8)[0], force_bandwidth(near, 0.5, 8)[0], atol=1e-14)


def test_a_narrower_smearing_never_lowers_the_sufficient_degree(tremble: Frames) -> None:
    degrees = [
        [sufficient_degree(row) for row in force_bandwidth(tremble, width, 24)]
        for width in (1.5, 0.8, 0.5, 0.3)
    ]
    assert all(
        one <= two
        for wide, narrow in itertools.pairwise(degrees)
        for one, two in zip(wide, narrow, strict=True)
    )


def test_the_sufficient_degree_is_the_first_that_reaches_the_share() -> None:
    assert sufficient_degree(np.array([0.5, 0.45, 0.05])) == 1
    assert sufficient_degree(np.array([0.5, 0.44, 0.06])) == 2
    assert sufficient_degree(np.array([1.0, 0.0])) == 0
    assert sufficient_degree(np.array([0.5, 0.3, 0.2]), share=0.5) == 0
