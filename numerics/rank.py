r"""Rank of the span of bounded-degree polynomials of harmonics, on sampled directions, in floating point.

The finite-degree span theorem says that all polynomials of degree <= d in the harmonics Phi_L(r) of degree <=
L span exactly the harmonics with l <= dL: dimension (dL+1)^2. Here the functions are evaluated on
directions and the numerical rank of the evaluation matrix is compared with that number.

With u = Phi_L(r) / (L+1), a unit vector (addition theorem), the rows of the matrices below are images of the
symmetric tensor power of u, so that their rounding errors are bounded in closed form (see :func:`span_rank`).
"""

from __future__ import annotations

from dataclasses import dataclass
from math import comb, factorial
from typing import Literal, get_args

import numpy as np
import scipy.linalg
from numpy.typing import ArrayLike, NDArray

from ..theory.ceiling import Ceiling
from ..theory.errors import InputError
from ._checks import affordable_rank, at_least, ceiling_of, generator
from ._jit import jit
from .directions import haar_directions, refuse_repeated
from .harmonics import as_directions, harmonics_error_bound, real_harmonics

Columns = Literal["auto", "monomials", "products"]
Factorization = Literal["auto", "svd", "qr"]

#: "auto" takes every monomial up to this many, and random products of linear forms beyond.
_MOST_MONOMIALS = 2000

#: "auto" takes singular values up to this many columns, and pivoted QR beyond.
_LARGEST_SVD = 2000

_EPS = float(np.finfo(np.float64).eps)


@dataclass(frozen=True)
class SpanRank:
    """Numerical rank of the span against theory.

    Attributes
    ----------
    ceiling
        Degree and l_max, with boundary dL and dimension (dL+1)^2.
    rank
        Number of singular values above the tolerance: so many are certainly not zero (Weyl's inequality).
    singular_values
        All of them, decreasing; with "qr" the diagonal of R instead, which follows them within a modest
        factor.
    gap
        sigma_r / sigma_{r+1} at r = (dL+1)^2, with sigma_{r+1} counted as eps sigma_1 where it is less.
    condition
        sigma_1 / sigma_r.
    tolerance
        Bound on the 2-norm of all rounding errors of the matrix and of its singular values.
    columns, factorization, n_columns, n_directions
        What was evaluated, how it was factored, and on how many directions.
    """

    ceiling: Ceiling
    rank: int
    singular_values: NDArray[np.float64]
    gap: float
    condition: float
    tolerance: float
    columns: str
    factorization: str
    n_columns: int
    n_directions: int

    @property
    def agrees(self) -> bool:
        """Whether the measured rank is the dimension that theory gives."""
        return self.rank == self.ceiling.dimension


def monomial_count(degree: int, l_max: int) -> int:
    """Number of monomials of degree <= `degree` in the (l_max+1)^2 - 1 harmonics that are not constant."""
    degree, l_max = at_least("degree", degree, 0), at_least("l_max", l_max, 0)
    return comb((l_max + 1) ** 2 - 1 + degree, degree)


def monomial_matrix(directions: ArrayLike, degree: int, l_max: int) -> NDArray[np.float64]:
    r"""Evaluate every monomial of degree <= d of the harmonics Phi_L on directions.

    Parameters
    ----------
    directions
        Shape (N, 3).
    degree, l_max
        d >= 1 and L >= 1.

    Returns
    -------
    ndarray, shape (N, monomial_count(d, L))
        Homogeneous monomials of degree d in u = Phi_L / (L+1), whose first component is constant, so that all
        lower degrees are among them. Each is weighted with the square root of its multinomial coefficient:
        rows are unit vectors and the Gram matrix of two directions is the polynomial kernel (u . u')^d.

    Raises
    ------
    InputError
        If the matrix would exceed 2 GiB: use :func:`product_matrix` instead.
    """
    ceiling = ceiling_of(degree, l_max)
    degree, l_max = ceiling.degree, ceiling.l_max
    phi = real_harmonics(l_max, directions) / (l_max + 1)
    count = monomial_count(degree, l_max)
    if len(phi) * count * 8 > 2**31:
        raise InputError(
            f"{count} monomials (degree {ceiling.degree}, l_max {l_max}) on {len(phi)} directions need "
            f"{len(phi) * count * 8 / 2**30:.1f} GiB: use random products, which span the same space"
        )
    matrix = np.ones((len(phi), 1))
    # each monomial of degree k is one of degree k-1 times a feature not before its last one
    last = np.zeros(1, dtype=np.int64)
    run = np.zeros(1, dtype=np.int64)  # how often the last feature stands in the monomial
    weight = np.array([float(factorial(degree))])
    for _ in range(degree):
        n_next = phi.shape[1] - last
        parent = np.repeat(np.arange(len(last)), n_next)
        starts = np.repeat(np.cumsum(n_next) - n_next, n_next)
        factor = np.arange(len(parent)) - starts + last[parent]
        run = np.where(factor == last[parent], run[parent], 0) + 1
        weight = weight[parent] / run
        matrix = _multiply_columns(matrix, phi, parent, factor)
        last = factor
    matrix *= np.sqrt(weight)
    return matrix


def product_matrix(
    directions: ArrayLike, degree: int, l_max: int, n_columns: int, rng: np.random.Generator
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    r"""Evaluate products of d random linear forms of u = Phi_L / (L+1) on directions.

    Such products span all monomials of degree <= d (polarisation), and k of them taken at random are linearly
    independent with probability one as long as k does not exceed the dimension of the span: the rank of the
    matrix is min(N, n_columns, dimension), without the monomials ever being listed.

    Returns
    -------
    matrix : ndarray, shape (N, n_columns)
        Column j is prod_k (a_jk . u), a_jk standard normal: entries have mean square 1 over a, as |u| = 1.
    bound : ndarray, shape (N, n_columns)
        Bound on the rounding error of each entry.
    """
    ceiling = ceiling_of(degree, l_max)
    degree, l_max = ceiling.degree, ceiling.l_max
    n_columns, rng = at_least("the number of columns", n_columns, 0), generator(rng)
    phi = real_harmonics(l_max, directions) / (l_max + 1)
    n_features = phi.shape[1]
    # error of u, then of the inner product with a (n_features terms)
    feature_error = _feature_error(l_max) + n_features * _EPS
    matrix = np.ones((len(phi), n_columns))
    bound = np.zeros_like(matrix)
    for _ in range(degree):
        form = rng.standard_normal((n_features, n_columns))
        values = phi @ form
        _multiply_with_bound(matrix, bound, values, feature_error * np.linalg.norm(form, axis=0))
    return matrix, bound


def span_rank(
    degree: int,
    l_max: int,
    rng: np.random.Generator,
    *,
    directions: ArrayLike | None = None,
    columns: Columns = "auto",
    factorization: Factorization = "auto",
) -> SpanRank:
    r"""Measure the rank of P_{L,d} on directions and compare it with (dL+1)^2.

    Parameters
    ----------
    degree, l_max
        d >= 1 and L >= 1.
    rng
        Draws the directions (when not given) and the random products.
    directions
        Shape (N, 3); by default (dL+1)^2 plus an eighth, Haar-random. More than (dL+1)^2 are needed, all
        different.
    columns
        "monomials" for all of them, "products" for random products, "auto" for monomials where they are few.
    factorization
        "svd", "qr" (QR with column pivoting, for large sizes), or "auto": by size.

    Returns
    -------
    SpanRank

    Raises
    ------
    InputError
        Too few or repeated directions, or a matrix beyond 8 GiB: :func:`structured_span_rank` goes on there.

    Notes
    -----
    Tolerance. Let e bound |delta u| for the unit vector u = Phi_L/(L+1) (from the bound of the
    harmonics). A row of the monomial matrix is the symmetric power of u, so it moves by at most (1+e)^d - 1,
    plus d+2 roundings; with N rows the Frobenius norm of the error is at most sqrt(N) ((1+e)^d - 1 + (d+2)
    eps). For products the bound is carried along entry by entry. Singular values move by no more than that
    (Weyl), plus max(N, M) eps sigma_1 for the decomposition itself. What is above this tolerance is not zero.
    With pivoted QR the rank is the smallest k whose remainder R[k:, k:] is within the tolerance: the matrix
    is that close to one of rank k.
    """
    ceiling = ceiling_of(degree, l_max)
    if columns not in get_args(Columns):
        raise InputError(f"columns are {columns!r}: give one of {', '.join(get_args(Columns))}")
    if factorization not in get_args(Factorization):
        raise InputError(
            f"factorization is {factorization!r}: give one of {', '.join(get_args(Factorization))}"
        )
    points = _checked_directions(ceiling, rng, directions)
    kind, matrix, error = _span_matrix(ceiling, points, columns, rng)
    if factorization == "auto":
        factorization = "svd" if min(matrix.shape) <= _LARGEST_SVD else "qr"
    sigma, tolerance, rank = _numerical_rank(matrix, error, factorization)
    r = ceiling.dimension
    following = max(float(sigma[r]) if r < len(sigma) else 0.0, _EPS * float(sigma[0]))
    return SpanRank(
        ceiling=ceiling,
        rank=rank,
        singular_values=sigma,
        gap=float(sigma[r - 1] / following) if r <= len(sigma) else 0.0,
        condition=float(sigma[0] / sigma[r - 1]) if r <= len(sigma) else np.inf,
        tolerance=tolerance,
        columns=kind,
        factorization=factorization,
        n_columns=matrix.shape[1],
        n_directions=len(points),
    )


def _needed(ceiling: Ceiling) -> int:
    """Directions and random products that show the rank: the dimension and an eighth."""
    return ceiling.dimension + max(16, ceiling.dimension // 8)


def _checked_directions(
    ceiling: Ceiling, rng: np.random.Generator, directions: ArrayLike | None
) -> NDArray[np.float64]:
    """Return the directions given, or drawn; InputError where they cannot show the rank or the matrix is too large."""
    needed = _needed(ceiling)
    generator(rng)
    affordable_rank(ceiling, needed, needed)
    points = haar_directions(needed, rng) if directions is None else as_directions(directions)
    if len(points) <= ceiling.dimension:
        raise InputError(
            f"{len(points)} directions cannot show a rank of {ceiling.dimension} (degree {ceiling.degree}, "
            f"l_max {ceiling.l_max}): give at least {ceiling.dimension + 1}, better {needed}"
        )
    if directions is not None:
        refuse_repeated(points)
    return points


def _span_matrix(
    ceiling: Ceiling, points: NDArray[np.float64], columns: Columns, rng: np.random.Generator
) -> tuple[str, NDArray[np.float64], float]:
    """Return which columns were taken, the matrix, and a bound on the Frobenius norm of its rounding error."""
    degree, l_max = ceiling.degree, ceiling.l_max
    few = monomial_count(degree, l_max) <= _MOST_MONOMIALS
    if columns == "monomials" or (columns == "auto" and few):
        error = np.sqrt(len(points)) * ((1 + _feature_error(l_max)) ** degree - 1 + (degree + 2) * _EPS)
        return "monomials", monomial_matrix(points, degree, l_max), error
    matrix, bound = product_matrix(points, degree, l_max, _needed(ceiling), rng)
    return "products", matrix, float(np.linalg.norm(bound))


def _numerical_rank(
    matrix: NDArray[np.float64], error: float, factorization: Factorization
) -> tuple[NDArray[np.float64], float, int]:
    """Return the singular values (for QR, the diagonal of R), the tolerance and the rank that it gives."""
    scale = max(matrix.shape) * _EPS
    if factorization == "svd":
        sigma: NDArray[np.float64] = np.linalg.svd(matrix, compute_uv=False).astype(np.float64)
        tolerance = float(error + scale * sigma[0])
        return sigma, tolerance, int((sigma > tolerance).sum())
    triangle = _pivoted_triangle(matrix)
    tolerance = float(error + scale * np.linalg.norm(triangle))
    # what is left after k columns: |R[k:, k:]| in the Frobenius norm
    squares = np.cumsum((triangle**2).sum(axis=1)[::-1])[::-1]
    return np.abs(np.diag(triangle)), tolerance, int((np.sqrt(squares) > tolerance).sum())


def _pivoted_triangle(matrix: NDArray[np.float64]) -> NDArray[np.float64]:
    """R of the QR factorisation with column pivoting (LAPACK geqp3)."""
    triangle: NDArray[np.float64] = scipy.linalg.qr(matrix, mode="r", pivoting=True, check_finite=False)[0]
    return triangle[: min(matrix.shape)]


def _feature_error(l_max: int) -> float:
    """Bound on |delta u|, u = Phi_L / (L+1): the harmonics' bound, plus the rounding of the division."""
    bound = harmonics_error_bound(l_max)
    return float(np.sqrt(((2 * np.arange(l_max + 1) + 1) * bound**2).sum())) / (l_max + 1) + _EPS


@jit
def _multiply_columns(
    matrix: NDArray[np.float64],
    phi: NDArray[np.float64],
    parent: NDArray[np.int64],
    factor: NDArray[np.int64],
) -> NDArray[np.float64]:
    out = np.empty((matrix.shape[0], len(parent)))
    for n in range(matrix.shape[0]):
        for c in range(len(parent)):
            out[n, c] = matrix[n, parent[c]] * phi[n, factor[c]]
    return out


@jit
def _multiply_with_bound(
    matrix: NDArray[np.float64],
    bound: NDArray[np.float64],
    values: NDArray[np.float64],
    value_error: NDArray[np.float64],
) -> None:
    """Multiply in place; bound follows |delta(ab)| <= |a||db| + |b||da| + |da||db| + eps|ab|."""
    eps = 2.220446049250313e-16
    for n in range(matrix.shape[0]):
        for c in range(matrix.shape[1]):
            a = abs(matrix[n, c])
            b = abs(values[n, c])
            db = value_error[c]
            bound[n, c] = a * db + (b + db) * bound[n, c] + eps * a * b
            matrix[n, c] *= values[n, c]
