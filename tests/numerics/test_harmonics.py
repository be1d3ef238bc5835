"""The harmonics against e3nn, SciPy and 50-digit arithmetic, and the laws they obey."""

# The degree of a harmonic is called l.

import mpmath
import numpy as np
import pytest
import torch
from e3nn import o3
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import sph_harm_y

from spectral_ceilings.numerics import harmonics, harmonics_error_bound, real_harmonics
from spectral_ceilings.theory.errors import InputError


@pytest.fixture
def double_precision():
    """Torch in float64: with float32 as default, e3nn is good to 1e-7 only."""
    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(before)


def by_component(bound):
    return np.repeat(bound, 2 * np.arange(len(bound)) + 1)


@pytest.mark.parametrize("normalization", ["component", "integral"])
def test_agree_with_e3nn(double_precision, normalization):
    points = np.random.default_rng(0).standard_normal((200, 3))
    expected = o3.spherical_harmonics(
        list(range(12)), torch.from_numpy(points), normalize=True, normalization=normalization
    ).numpy()
    # twice our bound: e3nn's own polynomials round too
    tolerance = 2 * by_component(harmonics_error_bound(11, normalization))
    assert (abs(real_harmonics(11, points, normalization) - expected) < tolerance).all()


def test_agree_with_scipy_to_degree_40():
    l_max = 40
    points = np.random.default_rng(1).standard_normal((50, 3))
    unit = points / np.linalg.norm(points, axis=1, keepdims=True)
    polar, azimuth = np.arccos(unit[:, 1]), np.arctan2(unit[:, 0], unit[:, 2])
    ours = real_harmonics(l_max, points, "integral")
    bound = harmonics_error_bound(l_max, "integral")
    for l in range(l_max + 1):
        for m in range(-l, l + 1):
            complex_value = sph_harm_y(l, abs(m), polar, azimuth) * (-1) ** m  # without Condon-Shortley
            part = complex_value.real if m >= 0 else complex_value.imag
            expected = part * (np.sqrt(2) if m else 1)
            # arccos and the recurrence in SciPy lose as much as our bound allows
            assert abs(ours[:, l * l + l + m] - expected).max() < 4 * bound[l]


def exact_harmonics(l_max, direction):
    """Component harmonics from mpmath's own Legendre functions, in 50 digits, at the exact input."""
    with mpmath.workdps(50):
        x, y, z = (mpmath.mpf(float(v)) for v in direction)
        length = mpmath.sqrt(x * x + y * y + z * z)
        x, y, z = x / length, y / length, z / length
        sine = mpmath.sqrt(x * x + z * z)
        turn = mpmath.mpc(z, x) / sine if sine else mpmath.mpc(1)
        values = {}
        for l in l_max if isinstance(l_max, list) else range(l_max + 1):
            for m in {0, 1, 2, l // 2, l - 1, l} & set(range(l + 1)):
                # Legendre function of type 2 at y in [-1, 1], by the hypergeometric series at 1 - |y|
                small = sine**2 / (1 + abs(y)) / 2
                series = mpmath.hyp2f1(m - l, l + m + 1, m + 1, small)
                legendre = (sine / 2) ** m * mpmath.rf(l - m + 1, 2 * m) / mpmath.factorial(m) * series
                sign = (-1) ** (l - m) if y < 0 else 1
                norm = mpmath.sqrt(
                    (2 * l + 1) * (2 if m else 1) * mpmath.factorial(l - m) / mpmath.factorial(l + m)
                )
                phase = turn**m
                values[l, m] = float(sign * norm * legendre * phase.real)
                values[l, -m] = float(sign * norm * legendre * phase.imag) if m else values[l, 0]
    return values


DIRECTIONS = {
    "pole": [0.0, 1.0, 0.0],
    "south pole": [0.0, -2.0, 0.0],
    "at 1e-8 of a pole": [1e-8, -1.0, 3e-9],
    "at 1e-3 of a pole": [1e-3, 1.0, 1e-4],
    "at 0.1 of a pole": [0.1, 1.0, 0.02],
    "equator": [0.6, 0.0, -0.8],
    "near the equator": [1.0, 1e-5, 0.3],
    "diagonal": [1.0, 1.0, 1.0],
    "generic": [-0.34, 0.82, 0.33],
}


@pytest.mark.parametrize("name", DIRECTIONS)
def test_error_bound_holds_to_degree_200(name):
    """Reference values are rounded to float64 once: half an ulp of at most sqrt(2l+1) sqrt 2, inside the
    bound."""
    degrees = [0, 1, 2, 3, 5, 11, 30, 64, 101, 150, 200]
    ours = real_harmonics(200, [DIRECTIONS[name]])[0]
    bound = harmonics_error_bound(200)
    for (l, m), value in exact_harmonics(degrees, DIRECTIONS[name]).items():
        assert abs(ours[l * l + l + m] - value) <= bound[l], (l, m)


def test_sum_of_squares_is_two_l_plus_one():
    """Addition theorem; the error of a sum of squares is at most 2 |Y| |dY| <= 2 sqrt(2l+1) (2l+1) bound."""
    points = np.random.default_rng(2).standard_normal((30, 3))
    values = real_harmonics(200, points) ** 2
    bound = harmonics_error_bound(200)
    for l in range(201):
        total = values[:, l * l : (l + 1) ** 2].sum(axis=1)
        assert abs(total - (2 * l + 1)).max() < 2 * (2 * l + 1) ** 1.5 * bound[l]


def test_degree_one_is_the_direction():
    points = np.array([[1.0, 0, 0], [0, 1, 0], [0, 0, 1], [3, 0, 4]])
    expected = np.sqrt(3) * points / np.linalg.norm(points, axis=1, keepdims=True)
    assert abs(real_harmonics(1, points)[:, 1:] - expected).max() <= harmonics_error_bound(1)[1]


def test_length_of_the_direction_does_not_matter():
    points = np.random.default_rng(3).standard_normal((20, 3))
    for power in (-1000, 900):  # powers of two: the unit vectors are bit for bit the same
        assert (real_harmonics(6, points * 2.0**power) == real_harmonics(6, points)).all()


@pytest.mark.parametrize("l_max", [0, 1, 4, 8, 12])
def test_many_directions_take_another_kernel_with_the_same_values(l_max):
    """Unrolled for one l_max: only the order of roundings may differ, within the bound."""
    points = np.random.default_rng(4).standard_normal((harmonics._MANY, 3))
    several = np.concatenate([real_harmonics(l_max, part) for part in np.array_split(points, 3)])
    difference = abs(real_harmonics(l_max, points) - several)
    assert (difference <= by_component(harmonics_error_bound(l_max))).all()
    points[7777] = 0
    with pytest.raises(InputError, match="direction 7777 has length zero"):
        real_harmonics(l_max, points)


def test_no_directions_give_no_rows():
    assert real_harmonics(3, np.empty((0, 3))).shape == (0, 16)


@pytest.mark.parametrize(
    ("l_max", "directions", "message"),
    [
        (-1, [[0, 0, 1]], "l_max is -1"),
        (201, [[0, 0, 1]], "l_max is 201"),
        (2, [0, 0, 1], r"shape \(3,\)"),
        (2, [[0, 0, 1], [0, 0, 0]], "direction 1 has length zero"),
        (2, [[0, np.nan, 1]], "direction 0 is"),
        (2, [["a", "b", "c"]], "are text, not numbers"),
    ],
)
def test_wrong_input_is_named(l_max, directions, message):
    with pytest.raises(InputError, match=message):
        real_harmonics(l_max, directions)


@given(
    points=st.lists(
        st.tuples(*[st.floats(allow_nan=True, allow_infinity=True, width=64)] * 3), min_size=1, max_size=4
    )
)
@settings(max_examples=200, deadline=None)
def test_any_floats_give_harmonics_of_unit_vectors_or_a_clear_error(points):
    """Zero and non-finite directions are refused; all others, also 1e-308 and 1e308, have sum of squares 2l+1."""
    array = np.array(points)
    if not np.isfinite(array).all() or (array == 0).all(axis=1).any():
        with pytest.raises(InputError, match=r"direction \d"):
            real_harmonics(2, array)
    else:
        values = real_harmonics(2, array)
        # 2 |Y| |dY| summed over five components, |Y|^2 = 5, three times over for the roundings of the sum
        assert abs((values[:, 4:] ** 2).sum(axis=1) - 5).max() < 30 * harmonics_error_bound(2)[2]


def test_unknown_normalization_is_named():
    with pytest.raises(InputError, match="'norm' is unknown"):
        real_harmonics(1, [[0, 0, 1]], "norm")
