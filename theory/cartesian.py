r"""Cartesian tensor models in the language of irreps: what a matrix, or a product of two, holds of each l.

A tensor of rank r is :math:`V_1^{\otimes r}`, parity :math:`(-1)^r`, and :math:`V_l` occurs in it
:math:`T(r, l) - T(r, l + 1)` times, T(r, m) being the number of ways to write m as a sum of r terms -1, 0, 1: a matrix is
0 + 1 + 2, its trace, its skew part and its symmetric traceless part. So features that are tensors of rank r are features with
l <= r, and polynomials of degree d in them end at l = dr: nothing about a Cartesian form changes the ceiling.

**TensorNet** (arXiv 2306.06482) holds 3 x 3 matrices. A vector stands in the skew part, so its parity is that of a vector:
features are 0e + 1o + 2e, like the harmonics of an edge up to l = 2. A layer multiplies matrices of features with matrices of
messages, YM + MY (or YM alone, "SO(3)"), mixing channels before and after with weights of their own for the three parts.
`matrix_product_paths` computes which couplings that is: of the 15 paths :math:`l_a \otimes l_b \to l_c` with all l <= 2,
YM + MY has exactly the 11 with :math:`l_a + l_b + l_c` even, those of natural parity, and YM has all 15. So a product of a layer
is a full tensor product of features 0e + 1o + 2e, of which l <= 2 is kept; with enough channels every path has its own weight.

Nothing is lost by multiplying matrices one after the other: the invariants of several matrices under rotations are generated
by traces of words, and covariants with values in matrices by words with such traces as coefficients (K. S. Sibirskii 1968,
C. Procesi 1976; for a covariant take the part of an invariant that is linear in one matrix more). With YM all words are there.

**PaiNN** (arXiv 2102.03150) holds scalars and vectors, forms inner products of vectors and lets scalars scale them: see
`scalarisation`. Its ceiling is d; its head for polarisabilities multiplies two vectors, d = 2, and so ends at l = 2.
"""

from __future__ import annotations

from fractions import Fraction
from itertools import product
from typing import Literal, get_args

from ._checks import require_int
from .errors import InputError
from .irreps import Irrep, format_irreps

#: How TensorNet multiplies: YM + MY, or YM.
Group = Literal["O(3)", "SO(3)"]
_MAX_RANK = 256
_Matrix = tuple[tuple[Fraction, ...], ...]


def cartesian_irreps(rank: int) -> str:
    """Return the irreps of a Cartesian tensor of a rank.

    Parameters
    ----------
    rank
        Number of indices, 0 to 256.

    Raises
    ------
    InputError
        If `rank` is not an integer in that range.

    Examples
    --------
    >>> cartesian_irreps(2), cartesian_irreps(3)
    ('1x0e+1x1e+1x2e', '1x0o+3x1o+2x2o+1x3o')
    """
    rank = require_int("rank", rank, 0)
    if rank > _MAX_RANK:
        raise InputError(f"rank = {rank} is too large: give an integer of at most {_MAX_RANK}")
    sums = {0: 1}
    for _ in range(rank):
        sums = {m: sum(sums.get(m - step, 0) for step in (-1, 0, 1)) for m in range(-rank, rank + 1)}
    parity = -1 if rank % 2 else 1
    counts = [(sums.get(l, 0) - sums.get(l + 1, 0), l) for l in range(rank + 1)]
    return format_irreps(Irrep(count, l, parity) for count, l in counts if count)


def _part(matrix: _Matrix, l: int) -> _Matrix:
    """Return the part of a 3 x 3 matrix with degree l: trace, skew, or symmetric traceless."""
    third = sum((matrix[i][i] for i in range(3)), Fraction(0)) / 3
    rows = []
    for i in range(3):
        row = []
        for j in range(3):
            trace = third if i == j else Fraction(0)
            even = (matrix[i][j] + matrix[j][i]) / 2
            row.append((trace, (matrix[i][j] - matrix[j][i]) / 2, even - trace)[l])
        rows.append(tuple(row))
    return tuple(rows)


def _unit(i: int, j: int) -> _Matrix:
    return tuple(tuple(Fraction(int((i, j) == (a, b))) for b in range(3)) for a in range(3))


def _multiply(first: _Matrix, second: _Matrix, *, both: bool) -> _Matrix:
    def entry(left: _Matrix, right: _Matrix, i: int, j: int) -> Fraction:
        return sum((left[i][k] * right[k][j] for k in range(3)), Fraction(0))

    return tuple(
        tuple(entry(first, second, i, j) + (entry(second, first, i, j) if both else 0) for j in range(3))
        for i in range(3)
    )


def matrix_product_paths(group: Group = "O(3)") -> tuple[tuple[int, int, int], ...]:
    r"""Return the couplings (l_a, l_b, l_c) that a product of two 3 x 3 matrices holds, found by multiplying all parts.

    A path is held if the part of degree :math:`l_c` of the product of the parts :math:`l_a` and :math:`l_b` is not zero for some
    matrices. Each :math:`V_c` occurs at most once in :math:`V_a \otimes V_b`, so the coupling is then the one there is.

    Parameters
    ----------
    group
        ``O(3)`` for YM + MY, TensorNet's default, and ``SO(3)`` for YM.

    Raises
    ------
    InputError
        If the group is neither.

    Examples
    --------
    >>> len(matrix_product_paths()), len(matrix_product_paths("SO(3)"))
    (11, 15)
    >>> sorted(set(matrix_product_paths("SO(3)")) - set(matrix_product_paths()))
    [(1, 1, 1), (1, 2, 2), (2, 1, 2), (2, 2, 1)]
    """
    if group not in get_args(Group):
        raise InputError(f"group = {group!r} is unknown: give one of {', '.join(get_args(Group))}")
    zero = tuple((Fraction(0),) * 3 for _ in range(3))
    units = [_unit(i, j) for i, j in product(range(3), repeat=2)]
    parts = [[part for unit in units if (part := _part(unit, l)) != zero] for l in range(3)]
    return tuple(
        (a, b, c)
        for a, b, c in product(range(3), repeat=3)
        if any(
            _part(_multiply(first, second, both=group == "O(3)"), c) != zero
            for first in parts[a]
            for second in parts[b]
        )
    )
