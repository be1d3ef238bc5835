r"""The rank of coupling tables, exactly: entries are roots of rationals in floating point, and are rationalised.

A Clebsch-Gordan coefficient is :math:`\sqrt{q_{abc}}\; N / (s_{a\alpha} s_{b\beta} s_{c\gamma})` with an integer N
and :math:`s_{l m} = \binom{2l}{l+m}^{1/2}` (`theory.couplings`), and a real harmonic of order :math:`m \ne 0` holds its
two complex ones with :math:`2^{-1/2}`. So in the variables :math:`x_{lm} / (s_{lm} \sqrt{2}^{[m \ne 0]})` every chain
of couplings is one root times rationals (an inner degree brings its s twice): divided by its largest entry, the
polynomial of a path has rational coefficients with small denominators, which continued fractions give back.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from itertools import combinations_with_replacement, product
from math import comb, gcd, lcm, sqrt

import numpy as np
from numpy.typing import NDArray

from ...numerics import PRIMES, rank_mod_p
from .coupling_table import CouplingTable, degrees

#: Largest denominator that is looked for. A number within e of a fraction by chance has probability about
#: `_DENOMINATOR`^2 e: 2e-4 for e = 1e-12, and every entry of a path must be one.
_DENOMINATOR = 2**14


@dataclass(frozen=True)
class TableRank:
    """The rank of the paths of a table as polynomials, and how it is known.

    Attributes
    ----------
    rank
        Number of independent paths.
    exact
        True: of the rationalised table, over the rationals. False: of the numbers, by singular values.
    denominator
        Largest denominator of the rationalised entries; 0 where it is not exact.
    error
        Largest difference between the package's numbers and the rational ones, relative to the path's largest entry.
    gap
        Smallest singular value that counts over the largest that does not (or over the tolerance); paths have norm 1.
    """

    rank: int
    exact: bool
    denominator: int
    error: float
    gap: float


def path_columns(table: CouplingTable) -> NDArray[np.float64]:
    """Return one column per path: the coefficients of its component m = 0, in the variables in which they are rational.

    One component is enough: by Schur's lemma a combination of paths is zero if one of its components is. Rows are
    monomials of degree nu for a symmetric table, products of components otherwise.
    """
    values: NDArray[np.float64] = table.values[table.output[0]]
    labels = [degrees(terms) for terms in table.irreps]
    for axis, names in enumerate(labels):
        scale = [sqrt(comb(2 * l, l + m) * (2 if m else 1)) for l, m in names]
        values = np.moveaxis(np.moveaxis(values, axis, -1) * scale, -1, axis)
    if not table.symmetric:
        return values.reshape(-1, table.paths)
    factors, size = len(labels), len(labels[0])
    rows = {indices: row for row, indices in enumerate(combinations_with_replacement(range(size), factors))}
    target = [rows[tuple(sorted(indices))] for indices in product(range(size), repeat=factors)]
    columns = np.zeros((len(rows), table.paths))
    np.add.at(columns, target, values.reshape(-1, table.paths))
    return columns


def table_rank(table: CouplingTable, tolerance: float) -> TableRank:
    """Return the rank of the paths of a table, exactly where its entries are rational in the sense above.

    Parameters
    ----------
    table
        The table.
    tolerance
        Bound on the rounding errors of a path, relative to its largest entry.
    """
    columns = path_columns(table)
    size = np.abs(table.values).reshape(-1, table.paths).max(axis=0, initial=0.0)
    scale = np.abs(columns).max(axis=0, initial=0.0)
    # A path whose symmetric part is rounding noise of what cancelled is zero as a polynomial.
    columns = np.where(scale > tolerance * size, columns, 0.0)
    numeric, gap = _numeric_rank(columns, tolerance)
    rational = _rationalised(columns, tolerance)
    if rational is None:
        return TableRank(numeric, False, 0, 0.0, gap)
    rows, denominator, error = rational
    return TableRank(rational_rank(rows), True, denominator, error, gap)


def _numeric_rank(columns: NDArray[np.float64], tolerance: float) -> tuple[int, float]:
    """Return how many singular values are certainly not zero (Weyl), columns scaled to norm 1, and the gap."""
    norms = np.linalg.norm(columns, axis=0)
    kept = columns[:, norms > 0] / norms[norms > 0]
    if not kept.size:
        return 0, float("inf")
    sigma = np.linalg.svd(kept, compute_uv=False)
    # each column is off by at most the tolerance times the root of its length
    bound = tolerance * sqrt(kept.size)
    rank = int((sigma > bound).sum())
    return rank, float(sigma[rank - 1] / max(bound, *sigma[rank:], 1e-300)) if rank else 0.0


def _rationalised(
    columns: NDArray[np.float64], tolerance: float
) -> tuple[list[list[Fraction]], int, float] | None:
    """Return every path as rationals, the largest denominator and the largest error; None if an entry is none."""
    paths: list[list[Fraction]] = []
    largest, worst = 1, 0.0
    if tolerance * _DENOMINATOR**2 > 0.5:  # numbers too coarse to tell fractions apart
        return None
    for column in columns.T:
        top = int(np.abs(column).argmax())
        if column[top] == 0:
            paths.append([Fraction(0)] * len(column))
            continue
        ratios = column / column[top]
        known: dict[float, Fraction] = {}
        for value in set(ratios.tolist()):
            fraction = Fraction(value).limit_denominator(_DENOMINATOR)
            error = abs(float(fraction) - value)
            if error > tolerance:
                return None
            worst, largest = max(worst, error), max(largest, fraction.denominator)
            known[value] = fraction
        paths.append([known[value] for value in ratios.tolist()])
    return paths, largest, worst


def rational_rank(rows: list[list[Fraction]]) -> int:
    """Return the rank of a rational matrix over the rationals.

    The rank mod p is a lower bound for each prime, and it is the rank where it is full; otherwise the matrix is
    reduced with integers.
    """
    integers = [_primitive(row) for row in rows if any(row)]
    if not integers:
        return 0
    residues = np.array([[value % PRIMES[0] for value in row] for row in integers], dtype=np.float64)
    lower = rank_mod_p(residues)
    if lower == min(residues.shape):
        return lower
    return _eliminated(integers)


def _primitive(row: list[Fraction]) -> list[int]:
    """Return the multiple of a row with integers that have no common factor."""
    common = lcm(*(value.denominator for value in row))
    integers = [int(value * common) for value in row]
    divisor = gcd(*integers)
    return [value // divisor for value in integers] if divisor else integers


def _eliminated(rows: list[list[int]]) -> int:
    """Return the rank of an integer matrix by elimination with integers."""
    rank = 0
    left = [list(row) for row in dict.fromkeys(map(tuple, rows))]
    while left:
        pivot_row = left.pop()
        pivot = next((index for index, value in enumerate(pivot_row) if value), None)
        if pivot is None:
            continue
        rank += 1
        reduced = []
        for row in left:
            if row[pivot]:
                a, b = pivot_row[pivot], row[pivot]
                row = [a * value - b * top for value, top in zip(row, pivot_row, strict=True)]
                divisor = gcd(*row)
                if not divisor:
                    continue
                row = [value // divisor for value in row]
            reduced.append(row)
        left = reduced
    return rank
