r"""The span theorem over a finite field: harmonics of rational points mod p, and the exact rank of their
span.

Every harmonic is a polynomial with rational coefficients times a constant; without the constant it can be
evaluated at rational points of the sphere, and mod p. A rank over F_p is a lower bound of the rank over the
rationals, without any tolerance; it equals it except for finitely many primes, so two primes are asked.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..theory.ceiling import Ceiling
from ..theory.errors import InputError
from ._checks import affordable_rank, ceiling_of, generator, integer
from ._jit import exact_jit
from .directions import RationalDirections, rational_directions, refuse_repeated
from .finite_field import PRIMES, check_prime, matmul_mod_p, rank_mod_p


@dataclass(frozen=True)
class ExactRank:
    """Rank of the span over F_p for each prime, against theory.

    Attributes
    ----------
    ceiling
        Degree and l_max, with dimension (dL+1)^2.
    primes, ranks
        One rank for each prime.
    n_directions, n_columns
        Rational points, and random products of linear forms; both exceed the dimension.
    """

    ceiling: Ceiling
    primes: tuple[int, ...]
    ranks: tuple[int, ...]
    n_directions: int
    n_columns: int

    @property
    def agrees(self) -> bool:
        """Whether every rank is the dimension that theory gives."""
        return all(rank == self.ceiling.dimension for rank in self.ranks)


def modular_harmonics(
    l_max: int, directions: RationalDirections, prime: int = PRIMES[0]
) -> NDArray[np.int64]:
    r"""Evaluate harmonics without their irrational constants at rational directions, mod p.

    Parameters
    ----------
    l_max
        Highest degree, below p.
    directions
        Rational points of the sphere.
    prime
        Odd prime below 2^23 that divides no denominator.

    Returns
    -------
    ndarray, shape (N, (l_max+1)^2), int64 in 0..p-1
        Column l^2 + l + m holds :math:`q_{lm}(y)\, \mathrm{Re\ or\ Im}\,(z+ix)^{|m|}` with q_mm = 1 and
        (l-m) q_l = (2l-1) y q_{l-1} - (l+m-1) q_{l-2}: a fixed nonzero multiple of Y_lm, in e3nn's order.

    Raises
    ------
    InputError
        If p is not an odd prime below 2^23, not above l_max, or divides a denominator.
    """
    prime, l_max = check_prime(prime), integer("l_max", l_max)
    if not 0 <= l_max < prime:
        raise InputError(
            f"l_max is {l_max}: give 0 to {prime - 1}, the recurrence divides by every l mod {prime}"
        )
    points = directions.mod(prime)
    inverses = np.array([0] + [pow(k, -1, prime) for k in range(1, l_max + 1)], dtype=np.int64)
    out = np.empty((len(points), (l_max + 1) ** 2), dtype=np.int64)
    _fill_modular(points, l_max, inverses, prime, out)
    return out


def product_matrix_mod_p(
    features: NDArray[np.int64], degree: int, n_columns: int, prime: int, rng: np.random.Generator
) -> NDArray[np.float64]:
    """Products of `degree` random linear forms of features over F_p, shape (N, n_columns), residues."""
    matrix: NDArray[np.float64] | None = None
    for _ in range(degree):
        form = rng.integers(0, prime, (features.shape[1], n_columns))
        values = matmul_mod_p(features, form, prime)
        if matrix is None:
            matrix = values
        else:
            matrix *= values  # below 2^44: exact
            np.remainder(matrix, prime, out=matrix)
    if matrix is None:
        raise InputError(f"degree is {degree}: it must be at least 1")
    return matrix


def exact_span_rank(
    degree: int,
    l_max: int,
    rng: np.random.Generator,
    *,
    directions: RationalDirections | None = None,
    primes: tuple[int, ...] = PRIMES,
    threads: int = 1,
) -> ExactRank:
    r"""Rank of P_{L,d} over F_p at rational directions, for each prime.

    Parameters
    ----------
    degree, l_max
        d >= 1 and L >= 1.
    rng
        Draws the directions (when not given) and the products.
    directions
        More than (dL+1)^2 rational points; by default 16 more.
    primes
        Odd primes below 2^23.
    threads
        Threads of the elimination.

    Returns
    -------
    ExactRank
        With k columns of random products the rank is min(dimension, k) except with probability below about
        k d / p (Schwartz-Zippel); it is never above the dimension of the span over the rationals.

    Raises
    ------
    InputError
        Too few or repeated directions, a bad prime, or a prime that divides a denominator.
    """
    ceiling = ceiling_of(degree, l_max)
    degree, l_max = ceiling.degree, ceiling.l_max
    needed = ceiling.dimension + 16
    generator(rng)
    if isinstance(primes, str) or not isinstance(primes, Sequence):
        raise InputError(f"primes = {primes!r} is no sequence: give odd primes below 2^23")
    primes = tuple(check_prime(prime) for prime in primes)
    affordable_rank(ceiling, needed, needed)
    points = rational_directions(needed, rng) if directions is None else directions
    if len(points) <= ceiling.dimension:
        raise InputError(
            f"{len(points)} directions cannot show a rank of {ceiling.dimension} (degree {degree}, "
            f"l_max {l_max}): give at least {ceiling.dimension + 1}"
        )
    if directions is not None:
        refuse_repeated(points.to_float())
    ranks = []
    for prime in primes:
        features = modular_harmonics(l_max, points, prime)
        matrix = product_matrix_mod_p(features, degree, needed, prime, rng)
        ranks.append(rank_mod_p(matrix, prime, threads))
    return ExactRank(ceiling, tuple(primes), tuple(ranks), len(points), needed)


@exact_jit
def _fill_modular(
    points: NDArray[np.int64], l_max: int, inverses: NDArray[np.int64], p: int, out: NDArray[np.int64]
) -> None:
    for n in range(points.shape[0]):
        x, y, z = points[n, 0], points[n, 1], points[n, 2]
        cosine, sine = 1, 0
        for m in range(l_max + 1):
            before, current = 0, 1
            for degree in range(m, l_max + 1):
                if degree > m:
                    following = ((2 * degree - 1) * y) % p * current - (degree + m - 1) * before
                    before, current = current, (following % p) * inverses[degree - m] % p
                column = degree * degree + degree
                out[n, column + m] = current * cosine % p
                if m:
                    out[n, column - m] = current * sine % p
            turned = (cosine * z - sine * x) % p
            sine = (cosine * x + sine * z) % p
            cosine = turned
