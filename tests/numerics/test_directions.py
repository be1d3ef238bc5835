"""Directions: each set integrates what it says, tested by orthonormality of the harmonics."""

import numpy as np
import pytest

from spectral_ceilings.numerics import (
    fibonacci_directions,
    gauss_product_directions,
    haar_directions,
    harmonics_error_bound,
    lebedev_directions,
    rational_directions,
    real_harmonics,
)
from spectral_ceilings.numerics.directions import LEBEDEV_DEGREES, RationalDirections, refuse_repeated
from spectral_ceilings.theory.errors import InputError


def gram(directions, weights, l_max):
    values = real_harmonics(l_max, directions)
    return values.T @ (weights[:, None] * values)


@pytest.mark.parametrize("rule", [lebedev_directions, gauss_product_directions])
@pytest.mark.parametrize("degree", [3, 9, 17, 31, 59])
def test_harmonics_are_orthonormal_to_half_the_degree(rule, degree):
    quadrature = rule(degree)
    assert quadrature.degree >= degree
    assert np.linalg.norm(quadrature.directions, axis=1) == pytest.approx(1, abs=1e-14)
    l_max = quadrature.degree // 2
    bound = harmonics_error_bound(l_max)[-1]
    # each product is off by 2 |Y| bound, |Y| <= sqrt(2l+1); published weights carry 12 or more digits
    tolerance = 2 * np.sqrt(2 * l_max + 1) * bound + 1e-12
    assert (
        abs(gram(quadrature.directions, quadrature.weights, l_max) - np.eye((l_max + 1) ** 2)).max()
        < tolerance
    )


@pytest.mark.parametrize("degree", LEBEDEV_DEGREES)
def test_every_lebedev_rule_integrates_to_its_degree(degree):
    quadrature = lebedev_directions(degree)
    means = quadrature.weights @ real_harmonics(degree, quadrature.directions)
    # weights of both signs, of 1-norm below 2; digits of the tables as above
    assert abs(means[1:]).max() < 2 * harmonics_error_bound(degree)[-1] + 1e-12
    assert means[0] == pytest.approx(1, abs=1e-12)


@pytest.mark.parametrize("degree", [0, 1, 2, 5, 8])
def test_gauss_product_stops_at_its_degree(degree):
    quadrature = gauss_product_directions(degree)
    assert len(quadrature) == (degree + 1) * (degree // 2 + 1)
    assert (quadrature.weights > 0).all()
    means = quadrature.weights @ real_harmonics(degree + 1, quadrature.directions)
    assert abs(means[1 : (degree + 1) ** 2]).max(initial=0) < 1e-13
    assert abs(means[(degree + 1) ** 2 :]).max() > 1e-2


def test_lebedev_takes_fewer_points():
    assert len(lebedev_directions(131)) == 5810 < len(gauss_product_directions(131)) == 8712


def test_fibonacci_errors_fall_faster_than_one_over_n():
    """No harmonic of degree 1..6 is off by more than 1/n; Haar directions would be off by 1/sqrt(n)."""
    for n in (100, 1000, 10_000):
        means = real_harmonics(6, fibonacci_directions(n)).mean(axis=0)
        assert abs(means[1:]).max() < 10 / n
    points = fibonacci_directions(1000)
    golden = (3 - np.sqrt(5)) * np.pi
    turn = np.angle((points[1:, 2] + 1j * points[1:, 0]) / (points[:-1, 2] + 1j * points[:-1, 0]))
    assert turn == pytest.approx(golden, abs=1e-11)  # azimuths up to 2400 rad carry 2400 eps
    nearest = np.sort(points @ points.T, axis=1)[:, -2]
    # spacing is even: every nearest neighbour lies beyond half the square-lattice distance sqrt(4 pi / n)
    assert np.arccos(nearest).min() > 0.5 * np.sqrt(4 * np.pi / 1000)


def test_haar_directions_have_the_moments_of_the_sphere():
    values = real_harmonics(4, haar_directions(40_000, np.random.default_rng(0)))
    # 24 means of variance 1: six standard errors
    assert abs(values[:, 1:].mean(axis=0)).max() < 6 / np.sqrt(40_000)


def test_rational_directions_are_on_the_sphere_exactly_and_differ():
    points = rational_directions(2000, np.random.default_rng(0))
    x, w = points.numerators.astype(object), points.denominators.astype(object)
    assert ((x**2).sum(axis=1) == w**2).all()
    assert len({tuple(row) for row in zip(*points.numerators.T, points.denominators, strict=True)}) == 2000
    assert np.linalg.norm(points.to_float(), axis=1) == pytest.approx(1, abs=1e-15)
    refuse_repeated(points.to_float())
    assert abs(points.to_float().mean(axis=0)).max() < 0.1  # all around, not one cap
    residues = points.mod(8388593)
    assert ((residues**2).sum(axis=1) % 8388593 == 1).all()


def test_repeated_directions_are_named():
    with pytest.raises(InputError, match="directions 1 and 3 are the same"):
        refuse_repeated([[1, 0, 0], [0, 2, 0], [0, 0, 1], [0, 1, 1e-14]])


def test_prime_in_a_denominator_is_named():
    points = RationalDirections(np.array([[2, 1, 2]]), np.array([3]))
    assert points.mod(7).tolist() == [[2 * 5 % 7, 5, 2 * 5 % 7]]
    with pytest.raises(InputError, match="p = 3 divides the denominator 3 of direction 0"):
        points.mod(3)


@pytest.mark.parametrize(
    ("numerators", "denominators", "message"),
    [
        ([[2, 1, 2], [1, 1, 1]], [3, 2], r"direction 1, \[1, 1, 1\] / 2, is not on the unit sphere"),
        ([[0, 0, 0]], [0], "direction 0"),
        ([[2**40, 0, 0]], [2**40 + 1], "direction 0"),
        ([[2, 1]], [3], r"shape \(1, 2\)"),
    ],
)
def test_points_off_the_sphere_are_named(numerators, denominators, message):
    with pytest.raises(InputError, match=message):
        RationalDirections(np.array(numerators), np.array(denominators))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: lebedev_directions(132), "no Lebedev rule is exact to degree 132"),
        (lambda: gauss_product_directions(-1), "degree of the quadrature is -1"),
        (lambda: fibonacci_directions(-1), "number of directions is -1"),
        (lambda: haar_directions(-1, np.random.default_rng(0)), "number of directions is -1"),
        (lambda: rational_directions(10, np.random.default_rng(0), height=2), "height 2 is too small"),
        (lambda: rational_directions(1, np.random.default_rng(0), height=2**31), "height is 2147483648"),
    ],
)
def test_wrong_input_is_named(call, message):
    with pytest.raises(InputError, match=message):
        call()
