r"""The span split by order m: exact ranks at degrees where the dense matrix does not fit.

On a product grid (latitudes times equal steps in azimuth) a Fourier transform in azimuth splits the span into
functions exp(i m alpha) f(y), one block for each order m, and products of functions become convolutions in m.
Blocks are small: latitudes times columns. The arithmetic is that of F_p, so there is no conditioning to worry
about.

Latitudes are rational points of the circle, y = (1-t^2)/(1+t^2) and sin(beta) = 2t/(1+t^2) for integers t, so
that sin(beta)^|m| times the rational part of a Legendre function has a residue mod p.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..theory.ceiling import Ceiling
from ..theory.errors import InputError
from ._checks import (
    STRUCTURED_MARGIN,
    affordable_structured,
    at_least,
    ceiling_of,
    cyclic_orders_of,
    generator,
)
from ._jit import exact_jit
from .finite_field import _ROUND, PRIMES, check_prime, matmul_mod_p, rank_mod_p

#: Latitudes and columns beyond the largest block that theory allows, so that a larger rank would show.
_MARGIN = STRUCTURED_MARGIN


@dataclass(frozen=True)
class StructuredRank:
    """Exact rank of the span over F_p, block by block in the order m.

    Attributes
    ----------
    ceiling
        Degree and l_max, with dimension (dL+1)^2.
    prime
        The field.
    block_ranks
        Rank of the block of order m = 0, 1, ..., dL; theory says dL - m + 1. Orders m and -m have the same
        rank.
    cyclic
        For each n asked: 1 if the C_n field Re Y_nn lies in the span, 0 if not.
    """

    ceiling: Ceiling
    prime: int
    block_ranks: tuple[int, ...]
    cyclic: dict[int, int]

    @property
    def rank(self) -> int:
        """Rank of the whole span: the block m = 0 once, the others twice."""
        return 2 * sum(self.block_ranks) - self.block_ranks[0]

    @property
    def agrees(self) -> bool:
        """Whether every block, and every C_n field, is what theory says."""
        top = self.ceiling.boundary
        blocks = self.block_ranks == tuple(range(top + 1, 0, -1))
        return blocks and all(value == (n <= top) for n, value in self.cyclic.items())


def structured_span_rank(
    degree: int,
    l_max: int,
    rng: np.random.Generator,
    *,
    prime: int = PRIMES[0],
    cyclic_orders: Sequence[int] = (),
    threads: int = 1,
) -> StructuredRank:
    r"""Rank of P_{L,d} by orders m, exactly over F_p; made for dL in the hundreds.

    Columns are d-th powers of random linear forms of Phi_L. Powers span all products of d factors
    (polarisation, as p > d), and the span is invariant under rotations about the axis, so that its part of
    order m is the m-th Fourier block of the powers.

    Parameters
    ----------
    degree, l_max
        d >= 1 and L >= 1.
    rng
        Draws the latitudes and the linear forms.
    prime
        Odd prime below 2^23, above 4 (dL + 32).
    cyclic_orders
        Orders n >= 1 for which to decide whether Re Y_nn is in the span.
    threads
        Threads that share the latitudes and the blocks; each calls BLAS, so give BLAS itself one thread. They change no result.

    Returns
    -------
    StructuredRank
        Memory is (dL+1) (dL+17)^2 float64 numbers: 0.15 GB at dL = 256.

    Raises
    ------
    InputError
        If degree, l_max or an order is below 1, the prime is not one or too small, or more than 8 GiB would be needed.
    """
    ceiling = ceiling_of(degree, l_max)
    degree, l_max = ceiling.degree, ceiling.l_max
    cyclic_orders, prime = cyclic_orders_of(cyclic_orders), check_prime(prime)
    threads = at_least("the number of threads", threads, 1)
    generator(rng)
    affordable_structured(ceiling)
    top = ceiling.boundary
    size = top + 1 + _MARGIN
    if prime < 4 * (size + _MARGIN):
        raise InputError(
            f"p = {prime} is too small for {size} latitudes: give a prime above {4 * (size + _MARGIN)}"
        )
    y, sine = _latitudes(size, prime, rng)
    legendre = modular_legendre(l_max, y, sine, prime)
    forms = np.empty((size, 2 * l_max + 1, size))
    for m in range(-l_max, l_max + 1):
        functions = legendre[abs(m)]
        coefficients = rng.integers(0, prime, (functions.shape[1], size))
        forms[:, m + l_max, :] = matmul_mod_p(functions, coefficients, prime)
    blocks = np.empty((top + 1, size, size))

    def powers(latitude: int) -> None:
        blocks[:, latitude, :] = _power(forms[latitude], degree, float(prime))[top:]

    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(powers, range(size)))
        ranks = tuple(pool.map(lambda block: rank_mod_p(block, prime), blocks))
    cyclic = {}
    for n in cyclic_orders:
        if n > top:  # the span has no order n at all: its block is empty, and Re Y_nn is not zero
            cyclic[n] = 0
            continue
        target = np.array([pow(int(s), n, prime) for s in sine], dtype=np.float64)[:, None]
        cyclic[n] = int(rank_mod_p(np.concatenate([blocks[n], target], axis=1), prime) == ranks[n])
    return StructuredRank(ceiling, prime, ranks, cyclic)


def modular_legendre(
    l_max: int, y: NDArray[np.int64], sine: NDArray[np.int64], prime: int
) -> list[NDArray[np.int64]]:
    """Legendre functions mod p without their constants: for m = 0..l_max an array (n, l_max-m+1), l = m..l_max.

    sin(beta)^m q_lm(y) with q_mm = 1 and (l-m) q_l = (2l-1) y q_{l-1} - (l+m-1) q_{l-2}.
    """
    inverses = [0] + [pow(k, -1, prime) for k in range(1, l_max + 1)]
    functions = []
    power = np.ones_like(y)
    for m in range(l_max + 1):
        columns = [power]
        before = np.zeros_like(y)
        for degree in range(m + 1, l_max + 1):
            following = (2 * degree - 1) * y % prime * columns[-1] - (degree + m - 1) * before
            before = columns[-1]
            columns.append(following % prime * inverses[degree - m] % prime)
        functions.append(np.stack(columns, axis=1))
        power = power * sine % prime
    return functions


def _latitudes(n: int, prime: int, rng: np.random.Generator) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return n residues y, all different, with sin(beta) = 2t/(1+t^2) not zero."""
    y: dict[int, int] = {}
    while len(y) < n:
        t = int(rng.integers(1, prime))
        w = (1 + t * t) % prime
        if w and t not in (1, prime - 1):
            inverse = pow(w, -1, prime)
            y.setdefault((1 - t * t) * inverse % prime, 2 * t * inverse % prime)
    return np.array(list(y), dtype=np.int64), np.array(list(y.values()), dtype=np.int64)


def _power(form: NDArray[np.float64], degree: int, p: float) -> NDArray[np.float64]:
    """d-th power under convolution in m (rows), columns side by side, by repeated squaring."""
    square = np.ascontiguousarray(form)
    while degree % 2 == 0:
        square = _convolve(square, square, p)
        degree //= 2
    result = square
    while degree := degree // 2:
        square = _convolve(square, square, p)
        if degree % 2:
            result = _convolve(result, square, p)
    return result


@exact_jit
def _convolve(a: NDArray[np.float64], b: NDArray[np.float64], p: float) -> NDArray[np.float64]:
    """Convolution of rows mod p: out[i+j] = sum a[i] b[j], reduced after every 256 exact products."""
    inverse = 1.0 / p
    rows_a, columns = a.shape
    rows_b = b.shape[0]
    out = np.zeros((rows_a + rows_b - 1, columns))
    for m in range(rows_a + rows_b - 1):
        total = out[m]
        pending = 0
        for i in range(max(0, m - rows_b + 1), min(rows_a, m + 1)):
            left = a[i]
            right = b[m - i]
            for k in range(columns):
                total[k] += left[k] * right[k]
            pending += 1
            if pending == 256:
                for k in range(columns):
                    total[k] -= ((total[k] * inverse + _ROUND) - _ROUND) * p
                pending = 0
        for k in range(columns):
            total[k] -= ((total[k] * inverse + _ROUND) - _ROUND) * p
    return out
