"""Rank over a finite field against SymPy's exact linear algebra, and matrices of known rank."""

from concurrent.futures import ThreadPoolExecutor

import flint
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sympy import GF, isprime, prevprime
from sympy.polys.matrices import DomainMatrix

from spectral_ceilings.numerics import PRIMES, matmul_mod_p, rank_mod_p
from spectral_ceilings.numerics.finite_field import PRIME_LIMIT, _eliminate, _reduce
from spectral_ceilings.theory.errors import InputError


def of_rank(rows, columns, rank, prime, rng):
    """Product of random factors; of this rank except with probability about 2/p."""
    return matmul_mod_p(rng.integers(0, prime, (rows, rank)), rng.integers(0, prime, (rank, columns)), prime)


def test_default_primes_are_the_two_largest():
    assert (prevprime(PRIME_LIMIT), prevprime(prevprime(PRIME_LIMIT))) == PRIMES
    assert all(isprime(p) for p in PRIMES)


@given(
    rows=st.integers(1, 9),
    columns=st.integers(1, 9),
    prime=st.sampled_from([3, 5, 7, 101, *PRIMES]),
    seed=st.integers(0, 2**32 - 1),
)
@settings(max_examples=60, deadline=None)
def test_small_matrices_agree_with_sympy(rows, columns, prime, seed):
    rng = np.random.default_rng(seed)
    matrix = rng.integers(-3, 4, (rows, columns))
    exact = DomainMatrix(matrix.tolist(), matrix.shape, GF(prime)).rank()
    assert rank_mod_p(matrix, prime) == exact


@pytest.mark.parametrize("prime", [3, 65537, *PRIMES])
@pytest.mark.parametrize("rank", [1, 31, 32, 33, 255, 256, 257, 300])
def test_known_ranks_across_panel_edges(prime, rank):
    rng = np.random.default_rng([rank, prime])
    shape = (300, 520)
    # echelon factors have their rank exactly, also mod 3
    left = np.tril(rng.integers(0, prime, (shape[0], rank)), -1)
    left[np.arange(rank), np.arange(rank)] = 1
    right = np.zeros((rank, shape[1]), dtype=np.int64)
    columns = np.sort(rng.choice(shape[1], rank, replace=False))
    right[:, columns] = np.triu(rng.integers(0, prime, (rank, rank)), 1) + np.eye(rank, dtype=np.int64)
    matrix = matmul_mod_p(left, right, prime)
    matrix = matrix[rng.permutation(shape[0])]
    assert rank_mod_p(matrix, prime) == rank
    assert rank_mod_p(matrix.T, prime, threads=2) == rank


@pytest.mark.parametrize("shape", [(700, 900), (900, 700), (1100, 1100)])
def test_threads_change_no_bit(shape):
    """Blocks of columns differ with the number of threads, and every residue of the elimination is the same."""
    p = PRIMES[0]
    rng = np.random.default_rng(shape)
    matrix = rng.integers(0, p, shape)
    matrix[:, 100:400] = matrix[:, :1] * rng.integers(0, p, 300) % p  # panels that hold one pivot, or none
    matrix[:, 500:640] = 0
    expected = flint.nmod_mat(*shape, matrix.ravel().tolist(), p).rank()
    left = {}
    for threads in (1, 2, 5):
        assert rank_mod_p(matrix, p, threads) == expected
        work = np.array(matrix, dtype=np.float64)
        _reduce(work, float(p))
        with ThreadPoolExecutor(threads) as pool:
            assert _eliminate(work, p, pool, threads) == expected
        left[threads] = work
    assert (left[1] == left[2]).all()
    assert (left[1] == left[5]).all()


def test_products_stay_exact_at_the_largest_residues():
    """Odd residues near p/2: 999 products of 2^44 would leave float64 if they were not reduced in between."""
    p = PRIMES[0]
    largest = (p - 1) // 2 - 1
    assert largest % 2 == 1
    a = np.tril(np.full((999, 999), largest))  # row i has i + 1 of them
    expected = [(i + 1) * largest**2 % p for i in range(999)]
    assert (matmul_mod_p(a, a[-1:].T, p)[:, 0] % p == expected).all()


def test_matrix_product_against_python_integers():
    rng = np.random.default_rng(0)
    a, b = rng.integers(-(2**52), 2**52, (7, 300)), rng.integers(0, 2**52, (300, 5))
    p = PRIMES[1]
    exact = [
        [sum(int(x) * int(y) for x, y in zip(row, column, strict=True)) % p for column in b.T] for row in a
    ]
    assert (matmul_mod_p(a, b, p) % p == np.array(exact)).all()


def test_elimination_at_the_largest_residues():
    """A Vandermonde matrix with distinct nodes has full rank; its entries fill the whole range."""
    p = PRIMES[0]
    nodes = np.arange(1, 400, dtype=np.int64)
    matrix = np.ones((399, 399), dtype=np.int64)
    for k in range(1, 399):
        matrix[:, k] = matrix[:, k - 1] * (nodes + p // 2) % p
    assert rank_mod_p(matrix, p) == 399
    matrix[398] = matrix[0]
    assert rank_mod_p(matrix, p) == 398


def test_integers_of_any_size_and_type():
    assert rank_mod_p(np.array([[2**63 - 1, 0], [0, 1]]), 7) == 1  # 2^63 - 1 = 7 x 7 x ...
    assert rank_mod_p(np.array([[2**64 - 1, 0], [0, 1]], dtype=np.uint64), 7) == 2
    assert rank_mod_p(np.array([[-7, 14], [3, 1]], dtype=np.int8), 7) == 1
    assert rank_mod_p(np.eye(3), 5) == 3
    assert rank_mod_p(np.zeros((4, 2)), 5) == 0
    assert rank_mod_p(np.empty((0, 3)), 5) == 0


@pytest.mark.parametrize(
    ("matrix", "prime", "threads", "message"),
    [
        (np.eye(2), 4, 1, "p = 4 = 2 x 2 is not prime"),
        (np.eye(2), 2, 1, "p = 2 is out of range"),
        (np.eye(2), 8388617, 1, "p = 8388617 is out of range"),
        (np.eye(2), 7.0, 1, "p = 7.0 is not an integer"),
        (np.eye(2), 7, 0, "number of threads is 0"),
        (np.ones(3), 7, 1, r"shape \(3,\)"),
        (np.full((2, 2), 0.5), 7, 1, "not integers"),
        (np.full((2, 2), np.nan), 7, 1, "not integers"),
        (np.array([["a"]]), 7, 1, "give integers"),
    ],
)
def test_wrong_input_is_named(matrix, prime, threads, message):
    with pytest.raises(InputError, match=message):
        rank_mod_p(matrix, prime, threads)


def test_shapes_that_do_not_fit_are_named():
    with pytest.raises(InputError, match="inner sizes"):
        matmul_mod_p(np.eye(2), np.eye(3), 7)
