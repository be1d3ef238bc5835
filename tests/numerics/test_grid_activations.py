"""Activations on grids: exact where theory says and nowhere else, with e3nn's own layer beside ours."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import numpy as np
import pytest
import torch
from e3nn import io, o3
from e3nn.nn import S2Activation

from spectral_ceilings.numerics import (
    activation_values,
    grid_activation,
    grid_directions,
    grid_error_bound,
    haar_rotations,
    largest_value,
    real_harmonics,
    rotation_miss,
)
from spectral_ceilings.numerics.grid_activations import turn
from spectral_ceilings.theory import (
    InputError,
    SphereGrid,
    fairchem_grid,
    grid_degree_needed,
    s2_activation_resolution,
    smallest_grid,
)

#: Rounding of a projection over some hundred points, relative to the output.
ROUNDING = 1e-12


@pytest.fixture
def in_double() -> Iterator[None]:
    """Work in float64: e3nn makes the weights of its grid in the default type, whatever type is asked for."""
    default = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(default)


def _features(l_max: int, number: int = 12, seed: int = 0) -> np.ndarray:
    x = np.random.default_rng(seed).normal(size=(number, (l_max + 1) ** 2))
    return x / np.linalg.norm(x, axis=1, keepdims=True)


def _power(degree: int, values: np.ndarray) -> np.ndarray:
    return values**degree


@pytest.mark.parametrize("rule", ["fejer", "gauss"])
@pytest.mark.parametrize(("polar", "azimuthal"), [(1, 1), (4, 5), (6, 4), (7, 9), (10, 11)])
def test_the_quadrature_integrates_what_theory_says(rule: str, polar: int, azimuthal: int) -> None:
    grid = SphereGrid(rule, polar, azimuthal)
    points = grid_directions(grid)
    assert (points.weights > 0).all()
    means = points.weights @ real_harmonics(grid.degree + 1, points.directions)
    inside = (grid.degree + 1) ** 2
    assert abs(means[0] - 1) < ROUNDING
    assert np.abs(means[1:inside]).max(initial=0) < ROUNDING
    assert np.abs(means[inside:]).max() > 1e-3


@pytest.mark.usefixtures("in_double")
def test_points_and_weights_are_those_of_e3nn() -> None:
    points = grid_directions(SphereGrid("fejer", 10, 9))
    theirs = o3.ToS2Grid(4, (10, 9), normalization="component")
    np.testing.assert_allclose(theirs.grid.reshape(-1, 3).numpy(), points.directions, atol=1e-14)
    back = o3.FromS2Grid((10, 9), 4, normalization="integral")
    mean = back(torch.eye(90).reshape(90, 10, 9))[:, 0].numpy() / np.sqrt(4 * np.pi)
    np.testing.assert_allclose(mean, points.weights, atol=1e-15)


@pytest.mark.parametrize("rule", ["fejer", "gauss"])
@pytest.mark.parametrize(
    ("degree", "l_max", "l_out"), [(2, 2, 2), (2, 6, 6), (3, 2, 2), (3, 3, 1), (2, 1, 4), (1, 4, 4)]
)
def test_a_polynomial_is_equivariant_on_the_smallest_grid_and_on_no_smaller(
    rule: str, degree: int, l_max: int, l_out: int
) -> None:
    grid = smallest_grid(degree, l_max, l_out, rule)
    needed = grid_degree_needed(degree, l_max, l_out)
    x = _features(l_max)
    rotations = haar_rotations(len(x), np.random.default_rng(1))
    act = partial(_power, degree)
    exact = rotation_miss(grid_activation(grid, l_max, l_out), act, x, rotations)
    assert exact.max() < ROUNDING
    smaller = [SphereGrid(rule, grid.polar, needed)]
    if needed > 2 * l_max + 2:
        smaller.append(SphereGrid(rule, needed // 2 if rule == "gauss" else needed - needed % 2, needed + 1))
    for coarse in smaller:
        assert coarse.degree < needed
        miss = rotation_miss(grid_activation(coarse, l_max, l_out), act, x, rotations)
        assert miss.min() > 1e-9  # for almost every f, so for every one of a dozen


def test_the_default_grid_of_fairchem_misses_a_square_and_one_step_more_does_not() -> None:
    x, rotations = _features(6), haar_rotations(12, np.random.default_rng(1))
    square = partial(_power, 2)
    relative = []
    for grid in (SphereGrid("fejer", 18, 18), SphereGrid("fejer", 20, 19)):
        act = grid_activation(grid, 6)
        relative.append(
            (rotation_miss(act, square, x, rotations) / np.linalg.norm(act(x, square), axis=1)).max()
        )
    assert 0.05 < relative[0] < 0.3  # 18 x 18 is exact up to 17, and 18 is needed
    assert relative[1] < ROUNDING
    assert fairchem_grid(6).exact_degree(6) == 1


@pytest.mark.usefixtures("in_double")
@pytest.mark.parametrize("degree", [2, 3])
@pytest.mark.parametrize("l_max", [1, 2, 3])
def test_e3nns_layer_is_exact_from_the_predicted_resolution_on(degree: int, l_max: int) -> None:
    torch.manual_seed(0)
    res = s2_activation_resolution(degree, l_max)
    irreps = io.SphericalTensor(l_max, p_val=1, p_arg=-1)
    x = _features(l_max)
    rotations = haar_rotations(len(x), np.random.default_rng(2))
    for resolution in (res, res - 2):
        if resolution < 2 * l_max + 2:
            continue
        layer = S2Activation(irreps, lambda v: v**degree, resolution)
        turned = layer(torch.tensor(turn(x, rotations))).numpy()
        plain = layer(torch.tensor(x)).numpy()
        miss = np.linalg.norm(turned - turn(plain, rotations), axis=1) / np.linalg.norm(plain, axis=1)
        assert (miss.max() < ROUNDING) if resolution == res else (miss.min() > 1e-9)


@pytest.mark.usefixtures("in_double")
def test_our_map_is_that_of_e3nns_layer() -> None:
    torch.manual_seed(0)
    irreps = io.SphericalTensor(2, p_val=1, p_arg=-1)
    layer = S2Activation(irreps, torch.nn.functional.silu, 12, normalization="norm")
    x = _features(2)
    # "norm": component harmonics over (L + 1)^(1/2) on the way to the grid, times it on the way back.
    ours = grid_activation(SphereGrid("fejer", 12, 11), 2)(
        x / np.sqrt(3), lambda v: layer.act(torch.tensor(v)).numpy()
    )
    np.testing.assert_allclose(np.sqrt(3) * ours, layer(torch.tensor(x)).numpy(), atol=ROUNDING)


@pytest.mark.parametrize(
    ("m_max", "azimuthal", "degree"), [(2, 5, 1), (2, 7, 2), (2, 18, 7), (1, 3, 1), (1, 5, 3)]
)
def test_messages_in_an_edge_frame_need_azimuths_alone(m_max: int, azimuthal: int, degree: int) -> None:
    l_max = 4
    grid = SphereGrid("fejer", 10, azimuthal)
    assert grid.exact_edge_degree(m_max) == degree
    act = grid_activation(grid, l_max, m_max=m_max)
    x = _features(l_max)
    x = x * (np.abs(np.concatenate([np.arange(-l, l + 1) for l in range(l_max + 1)])) <= m_max)
    angles = np.random.default_rng(3).uniform(0.1, 0.3, len(x))  # no multiple of the azimuths' step
    c, s, zero, unit = np.cos(angles), np.sin(angles), np.zeros(len(x)), np.ones(len(x))
    about_y = np.stack([c, zero, s, zero, unit, zero, -s, zero, c], axis=-1).reshape(-1, 3, 3)
    assert rotation_miss(act, partial(_power, degree), x, about_y).max() < ROUNDING
    assert rotation_miss(act, partial(_power, degree + 1), x, about_y).min() > 1e-9


@pytest.mark.parametrize("name", ["silu", "gelu", "relu"])
@pytest.mark.parametrize(("l_max", "polar", "azimuthal"), [(2, 6, 7), (2, 12, 13), (4, 20, 21)])
def test_errors_of_other_activations_keep_to_their_bound(
    name: str, l_max: int, polar: int, azimuthal: int
) -> None:
    x = 2 * _features(l_max)
    rotations = haar_rotations(len(x), np.random.default_rng(4))
    grid = SphereGrid("fejer", polar, azimuthal)
    bound = grid_error_bound(grid, name, largest_value(x, l_max), l_max)
    assert bound is not None
    act, values = grid_activation(grid, l_max), partial(activation_values, name)
    fine = grid_activation(SphereGrid("gauss", 60, 120), l_max)
    error = np.linalg.norm(act(x, values) - fine(x, values), axis=1)
    assert error.max() <= bound
    assert rotation_miss(act, values, x, rotations).max() <= bound
    # It is a bound for the worst features of this range: two to four orders above what random ones show.
    assert error.max() > 1e-6 * bound


def test_the_largest_value_is_one() -> None:
    x = _features(3)
    directions = np.random.default_rng(5).normal(size=(20000, 3))
    sampled = np.abs(real_harmonics(3, directions) @ x.T).max()
    assert sampled <= largest_value(x, 3) <= 1.1 * sampled


def test_wrong_shapes_are_refused() -> None:
    act = grid_activation(SphereGrid("fejer", 6, 7), 2)
    with pytest.raises(InputError, match="shape"):
        act(np.zeros((3, 8)), np.abs)
    with pytest.raises(InputError, match="l_out"):
        grid_activation(SphereGrid("fejer", 6, 7), 2, -1)
