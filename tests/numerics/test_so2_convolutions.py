"""Convolutions of SO(2): e3nn's tensor product restricted to |m| <= m_max in the frame of the edge, dimension for dimension."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from e3nn import o3

from spectral_ceilings.numerics import (
    frame_matrix,
    gauss_product_directions,
    haar_directions,
    haar_rotations,
    real_harmonics,
    so2_convolution,
    wigner_d,
)
from spectral_ceilings.theory import InputError, so2_couplings

PAIRS = [(0, 2), (1, 1), (2, 3), (3, 3), (4, 2)]
#: Rounding of Wigner matrices up to l = 8 and of sums over a hundred terms.
ROUNDING = 1e-11


def _paths(l_in: int, l_out: int, directions: np.ndarray) -> np.ndarray:
    """The maps of every path of e3nn's tensor product with Y(r), shape (paths, n, 2 l_out + 1, 2 l_in + 1)."""
    maps = []
    for l in so2_couplings(l_in, l_out).paths:
        y = o3.spherical_harmonics(l, torch.tensor(directions), normalize=True, normalization="component")
        symbol = o3.wigner_3j(l_in, l, l_out, dtype=torch.float64)
        maps.append(torch.einsum("nj,ijk->nki", y.double(), symbol).numpy())
    return np.stack(maps)


def _basis(l_in: int, l_out: int, m_max: int, directions: np.ndarray) -> np.ndarray:
    number = so2_couplings(l_in, l_out, m_max).kept
    return np.stack([so2_convolution(directions, l_in, l_out, unit) for unit in np.eye(number)])


def _rank(rows: np.ndarray) -> int:
    return int(np.linalg.matrix_rank(rows.reshape(len(rows), -1), tol=1e-6))


@pytest.mark.parametrize(("l_in", "l_out"), PAIRS)
@pytest.mark.parametrize("m_max", [0, 1, 2, 5])
def test_the_convolutions_are_e3nns_paths_with_high_orders_zero(l_in: int, l_out: int, m_max: int) -> None:
    couplings = so2_couplings(l_in, l_out, m_max)
    directions = haar_directions(5, np.random.default_rng(0))
    paths = _paths(l_in, l_out, directions)
    assert _rank(paths) == couplings.full
    # In the frame of an edge along y: which combinations of paths have no order above m_max?
    framed = _paths(l_in, l_out, np.array([[0.0, 1.0, 0.0]]))[:, 0]
    orders_out, orders_in = np.abs(np.arange(-l_out, l_out + 1)), np.abs(np.arange(-l_in, l_in + 1))
    assert np.abs(framed[:, orders_out[:, None] != orders_in[None, :]]).max(initial=0) < 1e-6
    high = framed[:, np.minimum.outer(orders_out, orders_in) > m_max]
    assert couplings.full - (_rank(high) if high.size else 0) == couplings.kept
    # The space is the same: together they have no more dimensions than either.
    basis = _basis(l_in, l_out, m_max, directions)
    assert _rank(basis) == couplings.kept
    assert _rank(np.concatenate([paths, basis])) == couplings.full
    if high.size:
        _, sigma, vectors = np.linalg.svd(high.T)
        null = vectors[int((sigma > 1e-6).sum()) :]
        restricted = np.tensordot(null, paths, axes=1)
        assert _rank(np.concatenate([restricted, basis])) == couplings.kept


@pytest.mark.parametrize(("l_in", "l_out"), PAIRS)
@pytest.mark.parametrize("m_max", [0, 1, 2])
def test_messages_turn_with_the_edge_whatever_m_max_is(l_in: int, l_out: int, m_max: int) -> None:
    rng = np.random.default_rng(1)
    directions, rotations = haar_directions(8, rng), haar_rotations(8, rng)
    weights = rng.normal(size=so2_couplings(l_in, l_out, m_max).kept)
    turned = so2_convolution(np.einsum("nij,nj->ni", rotations, directions), l_in, l_out, weights)
    plain = so2_convolution(directions, l_in, l_out, weights)
    expected = wigner_d(l_out, rotations) @ plain @ np.swapaxes(wigner_d(l_in, rotations), 1, 2)
    assert np.abs(turned - expected).max() < ROUNDING


@pytest.mark.parametrize(("l_in", "l_out"), PAIRS)
@pytest.mark.parametrize("m_max", [0, 1])
def test_the_bandwidth_in_the_edges_direction_is_unchanged(l_in: int, l_out: int, m_max: int) -> None:
    couplings = so2_couplings(l_in, l_out, m_max)
    grid = gauss_product_directions(2 * couplings.bandwidth + 4)
    weights = np.random.default_rng(2).normal(size=couplings.kept)
    maps = so2_convolution(grid.directions, l_in, l_out, weights).reshape(len(grid), -1)
    harmonics = real_harmonics(couplings.bandwidth + 2, grid.directions)
    coefficients = (grid.weights[:, None] * harmonics).T @ maps
    power = np.array(
        [(coefficients[l * l : (l + 1) ** 2] ** 2).sum() for l in range(couplings.bandwidth + 3)]
    )
    assert power[couplings.bandwidth] > 1e-4 * power.sum()
    assert power[couplings.bandwidth + 1 :].max() < ROUNDING**2 * power.sum()
    # Of the message with m = 0 alone theory says how much: |<l1 0 l3 0 | l 0>|^2 for each l.
    alone = so2_convolution(grid.directions, l_in, l_out, [1.0]).reshape(len(grid), -1)
    coefficients = (grid.weights[:, None] * harmonics).T @ alone
    (row,) = so2_couplings(l_in, l_out, 0).basis()
    shares = dict(zip(couplings.paths, (float(value.square) for value in row), strict=True))
    for l in range(couplings.bandwidth + 3):
        share = (coefficients[l * l : (l + 1) ** 2] ** 2).sum()
        assert share == pytest.approx(shares.get(l, 0.0), abs=ROUNDING)


@pytest.mark.parametrize("m_max", [0, 1, 2, 3])
def test_torsion_is_carried_up_to_m_max(m_max: int) -> None:
    l_in = l_out = 3
    couplings = so2_couplings(l_in, l_out, m_max)
    weights = np.random.default_rng(3).normal(size=couplings.kept)
    edge = haar_directions(1, np.random.default_rng(4))
    message = so2_convolution(edge, l_in, l_out, weights)[0]
    # Neighbours of either end at 1 rad from the edge; the first turns about it by phi.
    first = np.cross(edge[0], [0.3, -0.5, 0.8])
    first /= np.linalg.norm(first)
    second = np.cross(edge[0], first)
    phi = 2 * np.pi * np.arange(32) / 32
    around = np.cos(phi)[:, None] * first + np.sin(phi)[:, None] * second
    before = real_harmonics(l_in, np.cos(1.0) * edge + np.sin(1.0) * around)[:, l_in**2 :]
    after = real_harmonics(l_out, -np.cos(1.0) * edge + np.sin(1.0) * first)[:, l_out**2 :]
    torsion = np.abs(np.fft.rfft((before @ message.T @ after.T)[:, 0])) / 32
    assert torsion[couplings.torsion_order] > 1e-3
    assert torsion[couplings.torsion_order + 1 :].max() < ROUNDING


def test_messages_from_a_lone_neighbour_lose_nothing() -> None:
    edge = haar_directions(6, np.random.default_rng(5))
    features = real_harmonics(3, edge)[
        :, 9:
    ]  # an atom with no other neighbour: pure m = 0 in the edge's frame
    weights = np.random.default_rng(6).normal(size=7)
    full = np.einsum("nij,nj->ni", so2_convolution(edge, 3, 3, weights), features)
    cut = np.einsum("nij,nj->ni", so2_convolution(edge, 3, 3, weights[:1]), features)
    assert np.abs(full - cut).max() < ROUNDING


@pytest.mark.parametrize("weights", [[1.0, 2.0], np.ones(5), [[1.0]], []])
def test_wrong_weights_are_refused(weights: object) -> None:
    with pytest.raises(InputError, match="weights"):
        frame_matrix(1, 2, weights)  # type: ignore[arg-type]
