"""The span by orders m, exactly: against theory, SymPy and the dense rank."""

import numpy as np
import pytest
from sympy import QQ, Poly, Symbol, factorial2, legendre

from spectral_ceilings.numerics import PRIMES, exact_span_rank, structured, structured_span_rank
from spectral_ceilings.numerics.structured import modular_legendre
from spectral_ceilings.theory.errors import InputError

Y = Symbol("y")


@pytest.mark.parametrize(
    ("degree", "l_max"), [(1, 1), (1, 6), (2, 2), (3, 2), (2, 3), (7, 1), (4, 4), (6, 6)]
)
@pytest.mark.parametrize("prime", PRIMES)
def test_blocks_are_those_of_the_theorem(degree, l_max, prime):
    measured = structured_span_rank(
        degree, l_max, np.random.default_rng(0), prime=prime, cyclic_orders=range(1, 13)
    )
    top = degree * l_max
    assert measured.block_ranks == tuple(top - m + 1 for m in range(top + 1))
    assert measured.rank == (top + 1) ** 2
    assert measured.cyclic == {n: int(n <= top) for n in range(1, 13)}
    assert measured.agrees


def test_sum_of_blocks_is_the_dense_rank():
    rng = np.random.default_rng(1)
    assert structured_span_rank(5, 2, rng).rank == exact_span_rank(5, 2, rng).ranks[0]


def test_boundary_64():
    """Dense it would be a 4225 x 4225 matrix; by orders, 65 blocks of 81 x 81."""
    assert structured_span_rank(8, 8, np.random.default_rng(2)).rank == 65**2


def test_threads_change_nothing():
    results = [
        structured_span_rank(3, 4, np.random.default_rng(1), cyclic_orders=(5, 13), threads=threads)
        for threads in (1, 3)
    ]
    assert results[0] == results[1]


def test_legendre_functions_against_sympy():
    """With y and sin(beta) as they are mod p: sin^m d^m P_l / dy^m / (2m-1)!!, compared with ==."""
    prime, l_max = PRIMES[1], 7
    y, sine = np.array([5, 1234567]), np.array([17, 7654321])
    functions = modular_legendre(l_max, y, sine, prime)
    for m in range(l_max + 1):
        for degree in range(m, l_max + 1):
            polynomial = Poly(legendre(degree, Y), Y, domain=QQ)
            for _ in range(m):
                polynomial = polynomial.diff(Y)
            for row in range(2):
                value = sum(
                    int(c.p) * pow(int(c.q), -1, prime) * pow(int(y[row]), power, prime)
                    for (power,), c in polynomial.terms()
                )
                expected = value * pow(int(sine[row]), m, prime) % prime
                ours = int(functions[m][row, degree - m]) * int(factorial2(2 * m - 1))
                assert ours % prime == expected


def test_latitudes_lie_on_the_circle_mod_p():
    prime = PRIMES[0]
    y, sine = structured._latitudes(300, prime, np.random.default_rng(4))
    assert ((y * y + sine * sine) % prime == 1).all()
    assert len(set(y.tolist())) == 300
    assert (sine != 0).all()


def test_convolution_stays_exact_at_the_largest_residues():
    """Odd residues near p/2: 999 products of 2^44 would leave float64 if they were not reduced in between."""
    prime = PRIMES[0]
    largest = (prime - 1) // 2 - 1
    assert largest % 2 == 1
    rows = np.full((999, 2), float(largest))
    counts = np.minimum(np.arange(1, 1998), np.arange(1997, 0, -1))
    expected = [int(count) * largest**2 % prime for count in counts]
    assert (structured._convolve(rows, rows, float(prime)) % prime == np.array(expected)[:, None]).all()


@pytest.mark.parametrize(
    ("degree", "l_max", "options", "message"),
    [
        (0, 1, {}, "degree is 0"),
        (1, 1, {"prime": 15}, "15 = 3 x 5 is not prime"),
        (4, 4, {"prime": 101}, "p = 101 is too small"),
        (1, 1, {"threads": 0}, "number of threads is 0"),
        (1, 1, {"cyclic_orders": [0]}, "each n must be at least 1"),
    ],
)
def test_wrong_input_is_named(degree, l_max, options, message):
    with pytest.raises(InputError, match=message):
        structured_span_rank(degree, l_max, np.random.default_rng(0), **options)
