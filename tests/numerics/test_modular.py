"""Harmonics mod p against SymPy's Legendre polynomials, and the exact rank of the span."""

import numpy as np
import pytest
from sympy import QQ, Poly, Symbol, factorial2, legendre

from spectral_ceilings.numerics import (
    PRIMES,
    RationalDirections,
    exact_span_rank,
    modular_harmonics,
    rank_mod_p,
    rational_directions,
)
from spectral_ceilings.numerics.modular import product_matrix_mod_p
from spectral_ceilings.theory.errors import InputError

Y = Symbol("y")


@pytest.mark.parametrize("prime", [101, *PRIMES])
def test_values_are_derivatives_of_legendre_polynomials(prime):
    """Times (2m-1)!!, column (l, m) is d^m P_l / dy^m times Re or Im (z + ix)^m: exact, compared with ==."""
    l_max = 9
    points = rational_directions(4, np.random.default_rng(0), height=6)
    values = modular_harmonics(l_max, points, prime)
    for (x, y, z), row in zip(points.mod(prime).tolist(), values.tolist(), strict=True):
        cosine, sine = 1, 0
        for m in range(l_max + 1):
            for degree in range(m, l_max + 1):
                derivative = Poly(legendre(degree, Y), Y, domain=QQ)
                for _ in range(m):
                    derivative = derivative.diff(Y)
                legendre_value = 0
                for (power,), c in derivative.terms():
                    legendre_value += int(c.p) * pow(int(c.q), -1, prime) * pow(y, power, prime)
                scale = int(factorial2(2 * m - 1)) % prime
                column = degree * degree + degree
                assert row[column + m] * scale % prime == legendre_value * cosine % prime
                if m:
                    assert row[column - m] * scale % prime == legendre_value * sine % prime
            cosine, sine = (cosine * z - sine * x) % prime, (cosine * x + sine * z) % prime


@pytest.mark.parametrize(("degree", "l_max"), [(1, 1), (1, 5), (2, 2), (3, 2), (2, 3), (5, 1), (4, 4)])
def test_rank_is_the_dimension_of_the_theorem(degree, l_max):
    measured = exact_span_rank(degree, l_max, np.random.default_rng(0))
    assert measured.ranks == ((degree * l_max + 1) ** 2,) * 2
    assert measured.agrees
    assert min(measured.n_directions, measured.n_columns) > measured.ceiling.dimension


def test_a_missing_feature_loses_rank():
    """The check can fail: without degree 0 and 1, products of two of degree 2 give l = 0, 2, 4 only."""
    rng = np.random.default_rng(1)
    features = modular_harmonics(2, rational_directions(40, rng), PRIMES[0])[:, 4:]
    assert rank_mod_p(product_matrix_mod_p(features, 2, 40, PRIMES[0], rng), PRIMES[0]) == 1 + 5 + 9


def test_wrong_input_is_named():
    rng = np.random.default_rng(0)
    with pytest.raises(InputError, match="give at least 26"):
        exact_span_rank(2, 2, rng, directions=rational_directions(25, rng))
    points = rational_directions(30, rng)
    repeated = RationalDirections(points.numerators[[*range(29), 3]], points.denominators[[*range(29), 3]])
    with pytest.raises(InputError, match="directions 3 and 29 are the same"):
        exact_span_rank(2, 2, rng, directions=repeated)
    with pytest.raises(InputError, match="9 = 3 x 3 is not prime"):
        exact_span_rank(2, 2, rng, primes=(9,))
    with pytest.raises(InputError, match="l_max is 7"):
        modular_harmonics(7, rational_directions(1, rng), 7)
    with pytest.raises(InputError, match="degree is 0"):
        exact_span_rank(0, 2, rng)
    with pytest.raises(InputError, match="degree is 0"):
        product_matrix_mod_p(np.ones((2, 2), dtype=np.int64), 0, 2, 7, rng)
