r"""What the span holds of each l, what leaks above dL, and which C_n fields it represents, by quadrature.

Products of random linear forms of Phi_L are evaluated on a Gauss product grid and projected onto harmonics.
With Q = sqrt(w) Y (orthonormal columns, "component" normalisation and weights of sum 1) the coefficients of
the products A are Q^T sqrt(w) A, exact whenever dL plus the degree projected on does not exceed that of the
grid.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..theory.ceiling import Ceiling
from ..theory.errors import InputError
from ._checks import ceiling_of, cyclic_orders_of, integer
from .directions import gauss_product_directions
from .harmonics import harmonics_error_bound, real_harmonics
from .rank import product_matrix

#: Highest degree projected on: harmonics on the grid then take 1.6 GB.
_L_TOP = 100

_EPS = float(np.finfo(np.float64).eps)


@dataclass(frozen=True)
class SpanProfile:
    """Dimension of the span inside each H_l, and what leaks above the boundary.

    Attributes
    ----------
    ceiling
        Degree and l_max, with boundary dL.
    dimensions
        Measured dimension of the projection onto H_l, l = 0..dL+extra: 2l+1 up to dL and 0 above.
    leakage
        Largest norm of a product's part above dL, relative to the norm of the product.
    leakage_bound
        What rounding alone may show as leakage.
    """

    ceiling: Ceiling
    dimensions: tuple[int, ...]
    leakage: float
    leakage_bound: float

    @property
    def agrees(self) -> bool:
        """Whether every dimension is that of theory and the leakage is rounding."""
        top = self.ceiling.boundary
        expected = tuple(2 * k + 1 if k <= top else 0 for k in range(len(self.dimensions)))
        return self.dimensions == expected and self.leakage <= self.leakage_bound


def span_profile(degree: int, l_max: int, rng: np.random.Generator, extra: int = 4) -> SpanProfile:
    r"""Measure the dimension of the span inside every H_l, l <= dL + extra.

    The span is rotation invariant and L2(S2) multiplicity free, so that its intersection with H_l and its
    projection onto H_l are the same: all of H_l, or nothing.

    Parameters
    ----------
    degree, l_max
        d >= 1 and L >= 1.
    rng
        Draws the products: 2 (dL+extra) + 9 of them, more than any H_l here has dimensions.
    extra
        How many degrees above the boundary to look at, at least 1.

    Raises
    ------
    InputError
        If an argument is too small, or dL + extra is above 100.
    """
    extra = integer("extra", extra)
    if extra < 1:
        raise InputError(f"extra is {extra}: give at least 1, or nothing above the boundary is measured")
    ceiling = ceiling_of(degree, l_max)
    degree, l_max = ceiling.degree, ceiling.l_max
    l_top = ceiling.boundary + extra
    if l_top > _L_TOP:
        raise InputError(
            f"degree {degree} and l_max {l_max} need harmonics to l = {l_top} on a grid: "
            f"this projection goes to {_L_TOP}, the structured rank goes on"
        )
    grid = gauss_product_directions(2 * l_top)
    root = np.sqrt(grid.weights)[:, None]
    matrix, bound = product_matrix(grid.directions, degree, l_max, 2 * l_top + 9, rng)
    matrix *= root
    bound *= root
    basis = root * real_harmonics(l_top, grid.directions)
    coefficients = basis.T @ matrix
    # rounding: of the products (a projection does not lengthen it), of the harmonics, of the inner products
    size, error = np.linalg.norm(matrix), np.linalg.norm(bound)
    harmonics_error = harmonics_error_bound(l_top)
    dimensions = []
    for k in range(l_top + 1):
        part = coefficients[k * k : (k + 1) ** 2]
        tolerance = float(error + size * np.sqrt(2 * k + 1) * (harmonics_error[k] + len(grid) * _EPS))
        dimensions.append(int((np.linalg.svd(part, compute_uv=False) > tolerance).sum()))
    norms = np.linalg.norm(matrix, axis=0)
    above = np.linalg.norm(coefficients[(ceiling.boundary + 1) ** 2 :], axis=0)
    n_above = (l_top + 1) ** 2 - (ceiling.boundary + 1) ** 2
    rounding = np.linalg.norm(bound, axis=0) + norms * np.sqrt(n_above) * (
        harmonics_error[-1] + len(grid) * _EPS
    )
    return SpanProfile(
        ceiling,
        tuple(dimensions),
        leakage=float((above / norms).max()),
        leakage_bound=float((rounding / norms).max()),
    )


def cyclic_projections(
    degree: int, l_max: int, rng: np.random.Generator, orders: Sequence[int] = tuple(range(1, 13))
) -> NDArray[np.float64]:
    r"""Fraction of the power of the C_n field Re Y_nn inside the span, for each n: 1 if n <= dL, else 0.

    Re Y_nn ~ sin^n(beta) cos(n alpha) is the lowest field of symmetry C_n that is not axially symmetric. The
    span is invariant under rotations about the axis, so that only its part of order m = n matters: products
    on a product grid, Fourier transformed in azimuth, give that part as functions of y, and an orthonormal
    basis of them (singular vectors above the rounding of the products) gives the projection.

    Returns
    -------
    ndarray, shape (len(orders),)

    Raises
    ------
    InputError
        If an argument is too small.
    """
    ceiling = ceiling_of(degree, l_max)
    degree, l_max = ceiling.degree, ceiling.l_max
    orders = cyclic_orders_of(orders)
    if not orders:
        raise InputError("cyclic orders are []: give some, each at least 1")
    top = ceiling.boundary
    grid = gauss_product_directions(2 * max(top, *orders) + 2)
    n_azimuth = grid.degree + 1
    n_y = len(grid) // n_azimuth
    n_products = n_y // 2 + 9  # real and imaginary parts: more columns than latitudes
    matrix, bound = product_matrix(grid.directions, degree, l_max, n_products, rng)
    root = np.sqrt(grid.weights)[:, None]
    shape = (n_y, n_azimuth, n_products)
    # orthonormal Fourier transform, so that the bound of all products bounds every block
    blocks = np.fft.rfft((root * matrix).reshape(shape), axis=1, norm="ortho")
    size = float(np.linalg.norm(root * matrix))
    error = float(np.linalg.norm(root * bound)) + 8 * np.log2(n_azimuth) * _EPS * size
    y = grid.directions[::n_azimuth, 1]
    fractions = []
    for n in orders:
        block = np.concatenate([blocks[:, n].real, blocks[:, n].imag], axis=1)
        vectors, sigma, _ = np.linalg.svd(block, full_matrices=False)
        basis = vectors[:, sigma > error + max(block.shape) * _EPS * sigma[0]]
        target = np.sqrt(grid.weights[::n_azimuth]) * (1 - y**2) ** (n / 2)
        fractions.append(float(((basis.T @ target) ** 2).sum() / (target**2).sum()))
    return np.array(fractions)
