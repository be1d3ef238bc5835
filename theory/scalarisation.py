r"""What models that multiply scalars only leave out: exact counts, and the larger symmetry behind them.

PaiNN, HEGNN and their kin never couple a feature of degree a with one of degree b. They form **inner products** within one l,
:math:`\langle h_{l,c}, h_{l,c'}\rangle`, and let functions of these scalars scale the features ("scalarisation", "gating").
By the first fundamental theorem for the orthogonal group (H. Weyl, The Classical Groups, II.9) the polynomials in inner products
of n vectors of :math:`\mathbb{R}^{2l+1}` are all invariants of :math:`O(2l+1)`, and those times one of the vectors are all its
covariants with values in :math:`\mathbb{R}^{2l+1}`. So a polynomial that is made in this way is equivariant under a larger group
than rotations: every l may be turned by an orthogonal matrix of its own.

- For l <= 1 nothing is lost: :math:`O(3)` is the group of space. PaiNN's products are complete for outputs 0e and 1o.
- From l = 2 on something is lost: what couples three or more features (the bispectrum), such as :math:`\det` of a symmetric
  traceless matrix, which is an invariant of rotations and none of :math:`O(5)`.

Counts. :math:`\mathrm{Sym}^{2m}(\mathbb{C}^n \otimes \mathbb{C}^N)` holds, for each partition :math:`\lambda` of m with at most N
rows, the invariants of :math:`O(N)` as the representation :math:`S_{2\lambda}` of :math:`GL_n` (Cauchy's formula, and that
:math:`GL_N / O_N` is spherical); covariants of degree 2m - 1 are the invariants linear in one vector more,
:math:`S_{2\lambda}` less one box. Features of different l multiply.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from math import comb

from ._checks import require_int
from .errors import InputError
from .irreps import Irrep, parse_irreps

#: Highest degree counted: partitions of 20 are many enough.
_MAX_DEGREE = 40


def _partitions(total: int, rows: int, largest: int | None = None) -> Iterator[tuple[int, ...]]:
    """Yield the partitions of `total` into at most `rows` parts, decreasing."""
    if total == 0:
        yield ()
        return
    if rows == 0:
        return
    for first in range(min(total, total if largest is None else largest), 0, -1):
        for rest in _partitions(total - first, rows - 1, first):
            yield (first, *rest)


def _dimension(partition: tuple[int, ...], n: int) -> int:
    """Dimension of the representation of GL_n of a partition: the product of (n + content) / hook over its boxes."""
    product = Fraction(1)
    for row, length in enumerate(partition):
        for column in range(length):
            below = sum(1 for other in partition[row + 1 :] if other > column)
            product *= Fraction(n + column - row, length - column + below)
    return int(product)


def _invariants(n: int, size: int, degree: int) -> list[int]:
    """Return how many invariants of O(size) polynomials in n vectors have in each degree up to `degree`."""
    counts = [0] * (degree + 1)
    for half in range(degree // 2 + 1):
        counts[2 * half] = sum(
            _dimension(tuple(2 * part for part in shape), n) for shape in _partitions(half, size)
        )
    return counts


def _covariants(n: int, size: int, degree: int) -> list[int]:
    """Return the same for covariants with values in the vectors."""
    counts = [0] * (degree + 1)
    for half in range(1, (degree + 1) // 2 + 1):
        for shape in _partitions(half, size):
            doubled = [2 * part for part in shape]
            for row in range(len(doubled)):
                if row + 1 == len(doubled) or doubled[row] > doubled[row + 1]:
                    less = [part - (k == row) for k, part in enumerate(doubled)]
                    counts[2 * half - 1] += _dimension(tuple(part for part in less if part), n)
    return counts


def _times(first: list[int], second: list[int]) -> list[int]:
    return [sum(first[k] * second[degree - k] for k in range(degree + 1)) for degree in range(len(first))]


def _features(irreps: str) -> dict[int, Irrep]:
    """Return the channels of each l; InputError where an l has both parities or scalars are odd."""
    features: dict[int, Irrep] = {}
    for term in parse_irreps(irreps):
        if term.l == 0 and term.parity == -1:
            raise InputError(
                f"irreps {irreps!r} hold odd scalars, which inner products do not make: leave them out"
            )
        known = features.get(term.l)
        if known is not None and known.parity != term.parity:
            raise InputError(
                f"irreps {irreps!r} hold l = {term.l} in both parities, whose inner products are no scalars: give one parity"
            )
        features[term.l] = Irrep(term.copies + (known.copies if known else 0), term.l, term.parity)
    return features


def scalarised_multiplicities(irreps: str, degree: int) -> list[dict[tuple[int, int], int]]:
    """Count the equivariant polynomials that inner products within each l and scaling by scalars can make.

    Compare with `polynomial_multiplicities`, which counts all equivariant polynomials: the difference is lost.

    Parameters
    ----------
    irreps
        Features of one atom (or of several, as more channels), one parity for each l; scalars even.
    degree
        Highest polynomial degree, 1 to 40.

    Returns
    -------
    list of dict
        Item k maps (l, p) to the number of independent polynomials of degree exactly k; zeros are left out. Only the l of the
        features, and (0, +1), occur: without couplings no other l is put out.

    Raises
    ------
    InputError
        If the irreps are malformed or hold an l in both parities, or `degree` is no integer from 1 to 40.

    Examples
    --------
    >>> scalarised_multiplicities("1x0e+1x1o+1x2e", 3)[3]
    {(0, 1): 3, (1, -1): 3, (2, 1): 3}
    >>> from spectral_ceilings.theory import parse_irreps, polynomial_multiplicities
    >>> all_of_them = polynomial_multiplicities(parse_irreps("1x0e+1x1o+1x2e"), 3)[3]
    >>> all_of_them[0, 1], all_of_them[1, -1], all_of_them[2, 1]
    (5, 5, 6)
    """
    degree = require_int("degree", degree, 1)
    if degree > _MAX_DEGREE:
        raise InputError(f"degree = {degree} is beyond what is counted: give at most {_MAX_DEGREE}")
    features = _features(irreps)
    scalars = features.pop(0, None)
    plain = [comb(scalars.copies + k - 1, k) if scalars else int(k == 0) for k in range(degree + 1)]
    series = {l: _invariants(term.copies, 2 * l + 1, degree) for l, term in features.items()}
    counts: dict[tuple[int, int], list[int]] = {}
    for l, term in features.items():
        total = _times(plain, _covariants(term.copies, 2 * l + 1, degree))
        for other, invariants in series.items():
            total = total if other == l else _times(total, invariants)
        counts[l, term.parity] = total
    invariant = plain
    for invariants in series.values():
        invariant = _times(invariant, invariants)
    counts[0, 1] = invariant
    return [{key: counts[key][k] for key in sorted(counts) if counts[key][k]} for k in range(degree + 1)]
