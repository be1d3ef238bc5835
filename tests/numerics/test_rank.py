"""The span theorem on sampled directions: rank, gap, tolerance."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spectral_ceilings.numerics import (
    exact_span_rank,
    haar_directions,
    monomial_count,
    monomial_matrix,
    product_matrix,
    real_harmonics,
    span_rank,
    structured_span_rank,
)
from spectral_ceilings.theory.errors import InputError


@pytest.mark.parametrize(
    ("degree", "l_max"), [(1, 1), (1, 4), (2, 1), (2, 2), (3, 2), (2, 3), (5, 1), (3, 3), (4, 3)]
)
@pytest.mark.parametrize("columns", ["auto", "products"])
def test_rank_is_the_dimension_of_the_theorem(degree, l_max, columns):
    measured = span_rank(degree, l_max, np.random.default_rng(0), columns=columns)
    assert measured.agrees
    assert measured.rank == (degree * l_max + 1) ** 2
    assert measured.gap > 1e6
    # the tolerance separates: the last true value is far above it, and every later one below
    assert measured.singular_values[measured.rank - 1] > 1e3 * measured.tolerance


@pytest.mark.parametrize(("degree", "l_max"), [(2, 2), (3, 3), (4, 3)])
def test_pivoted_qr_finds_the_same_rank(degree, l_max):
    measured = span_rank(degree, l_max, np.random.default_rng(3), factorization="qr")
    assert measured.factorization == "qr"
    assert measured.agrees
    assert measured.gap > 1e6


def test_every_monomial_once():
    """Against a plain listing with itertools, weights by the multinomial theorem."""
    from itertools import combinations_with_replacement
    from math import factorial, prod

    points = haar_directions(4, np.random.default_rng(1))
    phi = real_harmonics(1, points) / 2
    matrix = monomial_matrix(points, 3, 1)
    listed = list(combinations_with_replacement(range(4), 3))
    assert matrix.shape == (4, monomial_count(3, 1)) == (4, len(listed))
    for column, indices in enumerate(listed):
        weight = factorial(3) / prod(factorial(indices.count(i)) for i in set(indices))
        expected = np.prod(phi[:, list(indices)], axis=1) * np.sqrt(weight)
        assert matrix[:, column] == pytest.approx(expected, abs=8 * np.finfo(float).eps)  # d+2 roundings


def test_gram_matrix_is_the_polynomial_kernel():
    """(u . u')^d, with u . u' given by Legendre polynomials alone (addition theorem)."""
    points = haar_directions(30, np.random.default_rng(2))
    matrix = monomial_matrix(points, 3, 2)
    cosine = (points @ points.T).clip(-1, 1)
    kernel = np.polynomial.legendre.legval(cosine, [1, 3, 5]) / 9
    assert abs(matrix @ matrix.T - kernel**3).max() < 1e-13  # sums of 165 products below 1, and P_2'(1) = 3


@given(seed=st.integers(0, 2**32 - 1))
@settings(max_examples=10, deadline=None)
def test_error_bound_of_products_covers_the_error_of_moved_directions(seed):
    """Lengthened by one rounding, directions give other roundings, each within the bound."""
    rng = np.random.default_rng(seed)
    points = haar_directions(20, rng)
    state = rng.bit_generator.state
    matrix, bound = product_matrix(points, 3, 3, 20, rng)
    rng.bit_generator.state = state
    moved, _ = product_matrix(points * (1 + np.finfo(float).eps), 3, 3, 20, rng)
    assert (abs(matrix - moved) <= 2 * bound).all()


def test_a_missing_feature_degree_loses_rank():
    """The check can fail: directions on a circle cannot show the full rank."""
    angle = np.linspace(0, 2 * np.pi, 60, endpoint=False)
    circle = np.stack([np.cos(angle), np.zeros(60), np.sin(angle)], axis=1)
    measured = span_rank(2, 2, np.random.default_rng(0), directions=circle)
    assert measured.rank == 9  # trigonometric polynomials of degree 4
    assert not measured.agrees


@pytest.mark.parametrize(
    ("degree", "l_max", "directions", "message"),
    [
        (0, 2, None, "degree is 0"),
        (2, 0, None, "l_max is 0"),
        (2, 2, np.eye(3), "give at least 26"),
        (1, 1, np.concatenate([np.eye(3), -np.eye(3), np.eye(3)[:1]]), "directions 0 and 6 are the same"),
    ],
)
def test_wrong_input_is_named(degree, l_max, directions, message):
    with pytest.raises(InputError, match=message):
        span_rank(degree, l_max, np.random.default_rng(0), directions=directions)


def test_a_rank_that_does_not_fit_is_refused_before_work():
    """Each advice is true: where the structured rank is named as the way out, it fits."""
    with pytest.raises(
        InputError,
        match=r"6,255,001 dimensions: .* GiB and .* hours; structured_span_rank.* would need 12\d GiB",
    ):
        span_rank(50, 50, np.random.default_rng(0))
    with pytest.raises(InputError, match=r"40,401 dimensions: .* GiB and .* hours; use structured_span_rank"):
        span_rank(20, 10, np.random.default_rng(0))
    with pytest.raises(InputError, match="use structured_span_rank"):
        exact_span_rank(20, 10, np.random.default_rng(0))
    with pytest.raises(InputError, match="the structured rank would need about 12"):
        structured_span_rank(50, 50, np.random.default_rng(0))


def test_too_many_monomials_are_refused_before_work():
    with pytest.raises(InputError, match="GiB"):
        monomial_matrix(haar_directions(1400, np.random.default_rng(0)), 6, 6)
