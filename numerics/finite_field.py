r"""Rank of a dense matrix over the field of p elements, at the speed of floating-point matrix products.

Residues are held as float64 integers in [-p/2, p/2]. With p < 2^23 a product of two is at most 2^44, and 256
of them add up to less than 2^53: whole matrix products of inner size 256 are exact, and one reduction follows
each (delayed reduction: J.-G. Dumas, T. Gautier, P. Giorgi, C. Pernet, ACM Trans. Math. Softw. 35, 19
(2008)).
"""

from __future__ import annotations

from collections import deque
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..theory._checks import as_int
from ..theory.errors import InputError
from ._checks import at_least
from ._jit import exact_jit

#: Primes must be smaller, so that sums of 256 products stay exact in float64.
PRIME_LIMIT = 2**23

#: The two largest primes below the limit: defaults of every exact check.
PRIMES = (8388593, 8388587)

#: Products that may be added up before a reduction.
_PENDING = 256
_PANEL = 128
_SUBPANEL = 32

#: Columns that a thread takes at a time: at most this many, so that what it works on stays in cache, and at least a panel.
_BLOCK_COLUMNS = 512
#: Blocks for each thread, so that the last one does not keep the others waiting.
_BLOCKS_EACH = 5
#: Rows of a product, which is reduced while it is still in cache.
_TILE_ROWS = 256

# Adding and subtracting 1.5 * 2^52 rounds a float64 of size below 2^51 to the nearest integer.
_ROUND = 6755399441055744.0


def rank_mod_p(matrix: ArrayLike, prime: int = PRIMES[0], threads: int = 1) -> int:
    """Exact rank of an integer matrix over the field of `prime` elements.

    Parameters
    ----------
    matrix
        Shape (m, n), integers (any integer dtype, or float64 holding integers below 2^53).
    prime
        An odd prime below 2^23.
    threads
        Threads that share the matrix products; each calls BLAS, so give BLAS itself one thread.

    Returns
    -------
    int
        The rank over F_p: at most the rank over the rationals, and equal to it for all but finitely many
        primes.

    Raises
    ------
    InputError
        If `prime` is not a prime in range, or the matrix is not one of integers.
    """
    prime, threads = check_prime(prime), at_least("the number of threads", threads, 1)
    with ThreadPoolExecutor(threads) as pool:
        work = _balanced(matrix, prime, pool, threads)
        if work.shape[0] < work.shape[1]:
            work = np.ascontiguousarray(work.T)  # few columns, many rows: panels stay tall
        return _eliminate(work, prime, pool, threads)


def _eliminate(work: NDArray[np.float64], prime: int, pool: ThreadPoolExecutor, threads: int) -> int:
    """Return the rank; `work` is overwritten.

    Column blocks do not depend on one another, so threads take one after the other. The next panel comes first: the calling
    thread factors it while the others go on with the blocks behind it (look-ahead), so that no thread waits for a panel.
    """
    rows, columns = work.shape
    done, panel = 0, np.ascontiguousarray(work[:, :_PANEL])
    swaps, rank = _factor_panel(panel, prime) if columns else (np.empty(0, dtype=np.int64), 0)
    for column in range(_PANEL, columns, _PANEL):
        if done + rank == rows:
            break
        following: NDArray[np.float64] = work[done + rank :, column : column + _PANEL]
        if not rank:  # nothing to eliminate with
            panel = np.ascontiguousarray(following)
            swaps, rank = _factor_panel(panel, prime)
            continue
        inverse = _unit_lower_inverse(np.ascontiguousarray(panel[:rank, :rank]), float(prime))
        rest, lower = work[done:, column:], panel[rank:, :rank]
        width = rest.shape[1]
        size = min(_BLOCK_COLUMNS, max(_PANEL, width // (_BLOCKS_EACH * threads)))
        starts = deque(range(_PANEL, width, size))

        def blocks(
            rest: NDArray[np.float64] = rest,
            lower: NDArray[np.float64] = lower,
            swaps: NDArray[np.int64] = swaps[:rank],
            inverse: NDArray[np.float64] = inverse,
            starts: deque[int] = starts,
            size: int = size,
        ) -> None:
            while starts:
                try:
                    start = starts.popleft()  # a deque hands out each value once, whoever asks
                except IndexError:
                    return
                _update(rest[:, start : start + size], lower, swaps, inverse, prime)

        jobs = [pool.submit(blocks) for _ in range(threads - 1)] if width > _PANEL else []
        _update(rest[:, :_PANEL], lower, swaps[:rank], inverse, prime)
        done += rank
        panel = np.ascontiguousarray(following)
        swaps, rank = _factor_panel(panel, prime)
        blocks()
        for job in jobs:
            job.result()
    return done + rank


def matmul_mod_p(left: ArrayLike, right: ArrayLike, prime: int = PRIMES[0]) -> NDArray[np.float64]:
    """Exact product of integer matrices over F_p, as float64 residues in [-p/2, p/2].

    Raises
    ------
    InputError
        As :func:`rank_mod_p`, or if the shapes do not fit.
    """
    prime = check_prime(prime)
    a, b = _balanced(left, prime), _balanced(right, prime)
    if a.shape[1] != b.shape[0]:
        raise InputError(
            f"matrices of shapes {a.shape} and {b.shape} have no product: inner sizes must agree"
        )
    out = np.zeros((a.shape[0], b.shape[1]))
    for k in range(0, a.shape[1], _PENDING):
        out += a[:, k : k + _PENDING] @ b[k : k + _PENDING]
        _reduce(out, float(prime))
    return out


def check_prime(prime: int) -> int:
    """Return `prime` as an int, or raise InputError unless it is an odd prime below 2^23."""
    number = as_int(prime)
    if number is None:
        raise InputError(f"p = {prime!r} is not an integer: give an odd prime below 2^23")
    prime = number
    if not 2 < prime < PRIME_LIMIT:
        raise InputError(
            f"p = {prime} is out of range: give an odd prime below 2^23 = {PRIME_LIMIT}, where sums are exact"
        )
    for divisor in range(2, int(prime**0.5) + 1):
        if prime % divisor == 0:
            raise InputError(f"p = {prime} = {divisor} x {prime // divisor} is not prime: give a prime")
    return prime


def _balanced(
    matrix: ArrayLike, prime: int, pool: ThreadPoolExecutor | None = None, threads: int = 1
) -> NDArray[np.float64]:
    """Return a float64 copy with residues in [-p/2, p/2]."""
    array = np.asarray(matrix)
    if array.ndim != 2:
        raise InputError(f"the matrix has shape {array.shape}: give two dimensions")
    if array.dtype == object or array.dtype.kind not in "iuf":
        raise InputError(f"the matrix has entries of type {array.dtype}: give integers")
    if array.dtype.kind == "f":
        if not (np.isfinite(array).all() and (np.rint(array) == array).all() and (abs(array) < 2**53).all()):
            raise InputError("the matrix has entries that are not integers below 2^53: give exact integers")
    elif array.size and max(-int(array.min()), int(array.max())) >= 2**53:
        array = np.array([int(x) % prime for x in array.ravel()], dtype=np.int64).reshape(array.shape)
    residues = np.empty(array.shape)

    def fill(first: int, last: int) -> None:
        residues[first:last] = array[first:last]
        _reduce(residues[first:last], float(prime))

    cuts = [len(array) * k // threads for k in range(threads + 1)]
    jobs = [pool.submit(fill, a, b) for a, b in pairwise(cuts[1:])] if pool is not None else []
    fill(cuts[0], cuts[1])
    for job in jobs:
        job.result()
    return residues


def _factor_panel(panel: NDArray[np.float64], prime: int) -> tuple[NDArray[np.int64], int]:
    """Factor in place: on return panel[:, :rank] holds L (unit lower trapezoidal), rows swapped as listed."""
    width = panel.shape[1]
    swaps = np.empty(width, dtype=np.int64)
    p = float(prime)
    rank = 0
    for column in range(0, width, _SUBPANEL):
        end = min(column + _SUBPANEL, width)
        pivots = _factor_columns(panel, column, end, rank, p, swaps)
        if pivots and end < width:
            head = panel[rank : rank + pivots]
            inverse = _unit_lower_inverse(np.ascontiguousarray(head[:, rank : rank + pivots]), p)
            upper = inverse @ head[:, end:]
            _reduce(upper, p)
            head[:, end:] = upper
            below = panel[rank + pivots :]
            _subtract_reduce(below[:, end:], below[:, rank : rank + pivots] @ upper, p)
        rank += pivots
        if rank == len(panel):
            break
    return swaps, rank


def _update(
    block: NDArray[np.float64],
    lower: NDArray[np.float64],
    swaps: NDArray[np.int64],
    inverse: NDArray[np.float64],
    prime: int,
) -> None:
    """Bring columns up to date with a panel: swap rows, solve for the pivots' rows, subtract lower times these, mod p."""
    p, rank = float(prime), len(swaps)
    _swap_rows(block, swaps)
    upper = inverse @ block[:rank]
    _reduce(upper, p)
    below = block[rank:]
    product = np.empty((min(_TILE_ROWS, len(below)), block.shape[1]))
    for start in range(0, len(below), _TILE_ROWS):
        tile = below[start : start + _TILE_ROWS]
        np.matmul(lower[start : start + _TILE_ROWS], upper, out=product[: len(tile)])
        _subtract_reduce(tile, product[: len(tile)], p)


@exact_jit
def _reduce(values: NDArray[np.float64], p: float) -> None:
    inverse = 1.0 / p
    for i in range(values.shape[0]):
        for j in range(values.shape[1]):
            x = values[i, j]
            values[i, j] = x - ((x * inverse + _ROUND) - _ROUND) * p


@exact_jit
def _subtract_reduce(values: NDArray[np.float64], product: NDArray[np.float64], p: float) -> None:
    inverse = 1.0 / p
    for i in range(values.shape[0]):
        for j in range(values.shape[1]):
            x = values[i, j] - product[i, j]
            values[i, j] = x - ((x * inverse + _ROUND) - _ROUND) * p


@exact_jit
def _swap_rows(values: NDArray[np.float64], swaps: NDArray[np.int64]) -> None:
    for i in range(len(swaps)):
        k = swaps[i]
        if k != i:
            for j in range(values.shape[1]):
                kept = values[i, j]
                values[i, j] = values[k, j]
                values[k, j] = kept


@exact_jit
def _inverse_of(value: float, p: float) -> float:
    """Inverse of a nonzero residue by Euclid's algorithm, balanced."""
    a, b = int(value), int(p)
    if a < 0:
        a += b
    u, v, m = 1, 0, b
    while a != 1:
        q = b // a
        a, b, u, v = b - q * a, a, v - q * u, u
    if 2 * u > m:
        u -= m
    elif 2 * u < -m:
        u += m
    return float(u)


@exact_jit
def _factor_columns(
    panel: NDArray[np.float64], start: int, end: int, rank: int, p: float, swaps: NDArray[np.int64]
) -> int:
    """Eliminate columns start..end-1 below row `rank`; multipliers go to columns rank, rank+1, ...

    Entries right of the current column are reduced only when their turn comes: at most 32 products of 2^44
    are pending on each.
    """
    inverse_p = 1.0 / p
    n_rows, width = panel.shape
    first = rank
    for j in range(start, end):
        if rank == n_rows:
            break
        pivot = -1
        for i in range(rank, n_rows):
            x = panel[i, j]
            x -= ((x * inverse_p + _ROUND) - _ROUND) * p
            panel[i, j] = x
            if x != 0.0 and pivot < 0:
                pivot = i
        if pivot < 0:
            continue
        swaps[rank] = pivot
        if pivot != rank:
            for k in range(width):
                kept = panel[rank, k]
                panel[rank, k] = panel[pivot, k]
                panel[pivot, k] = kept
        for k in range(j + 1, end):
            x = panel[rank, k]
            panel[rank, k] = x - ((x * inverse_p + _ROUND) - _ROUND) * p
        unit = _inverse_of(panel[rank, j], p)
        for i in range(rank + 1, n_rows):
            f = panel[i, j] * unit
            f -= ((f * inverse_p + _ROUND) - _ROUND) * p
            for k in range(j + 1, end):
                panel[i, k] -= f * panel[rank, k]
            panel[i, rank] = f  # rank <= j: this column is done with
        panel[rank, rank] = 1.0
        rank += 1
    return rank - first


@exact_jit
def _unit_lower_inverse(lower: NDArray[np.float64], p: float) -> NDArray[np.float64]:
    """Inverse of a unit lower triangular matrix (what stands above the diagonal is ignored)."""
    inverse_p = 1.0 / p
    n = lower.shape[0]
    out = np.zeros((n, n))
    for i in range(n):
        for k in range(i):
            f = lower[i, k]
            for j in range(k + 1):
                out[i, j] -= f * out[k, j]
        for j in range(i):
            x = out[i, j]
            out[i, j] = x - ((x * inverse_p + _ROUND) - _ROUND) * p
        out[i, i] = 1.0
    return out
