r"""How often each irrep occurs among polynomials of bounded degree, counted exactly with integers.

For variables of weights :math:`m` and parities :math:`p` the number of monomials of degree :math:`k`, weight
:math:`M` and parity :math:`P` is the coefficient of :math:`t^k s^P q^M` in

.. math:: \prod_{(l, p)} \prod_{m=-l}^{l} (1 - t\, s^{p} q^m)^{-n_{lp}},

and the multiplicity of the irrep of degree :math:`l` is the coefficient of :math:`q^l` minus that of
:math:`q^{l+1}` (each irrep of degree :math:`\ge l` has the weight :math:`l` once).
"""

from __future__ import annotations

from collections import Counter
from itertools import pairwise
from math import comb

from ._checks import require_affordable, require_degree, require_int, require_l_max
from .errors import InputError
from .irreps import Irrep, parse_irreps

#: Word operations allowed for one count; about a minute.
_MAX_WORK = 2 * 10**10


def _require_feasible(terms: tuple[Irrep, ...], degree: int) -> None:
    """Refuse a count whose big-integer work is beyond about a minute."""
    top = max(term.l for term in terms)
    require_affordable(degree, top)
    variables = 2 * (2 * top + 1)
    words = (2 * degree * top + 1) * (_field_bits(terms, degree) // 64 + 1)
    copies = sum(term.copies for term in terms)
    factor_words = comb(copies + degree - 1, degree).bit_length() // 64 + 1
    if variables * degree * (degree + 1) * words * factor_words > _MAX_WORK:
        raise InputError(
            f"counting polynomials of degree {degree} in features up to l = {top} with this many "
            "channels would take too long: lower the degree, l_max or the channels"
        )


def _field_bits(terms: tuple[Irrep, ...], degree: int) -> int:
    """Bits that hold any count: no count exceeds the number of monomials of degree `degree`."""
    variables = sum(term.copies * (2 * term.l + 1) for term in terms)
    return 8 * ((comb(variables + degree - 1, degree).bit_length() + 7) // 8)


def _weight_counts(terms: tuple[Irrep, ...], degree: int) -> list[dict[int, list[int]]]:
    """Return, for every degree k <= `degree`, {parity: number of monomials by weight 0..k*top, then 0}.

    Each polynomial in q is packed into one integer with fields of fixed width (Kronecker substitution), the
    weight M in degree k at field M + k*top, so that multiplying by a power of q is a shift.
    """
    top, bits = max(term.l for term in terms), _field_bits(terms, degree)
    variables: Counter[tuple[int, int]] = Counter()
    for term in terms:
        for m in range(-term.l, term.l + 1):
            variables[m, term.parity] += term.copies
    packed = [{1: 0, -1: 0} for _ in range(degree + 1)]
    packed[0][1] = 1
    for (m, parity), copies in variables.items():
        # Multiply by (1 - t s^p q^m)^(-copies); high degrees first, so that what is read is still the old
        # product.
        powers = [comb(copies + k - 1, k) for k in range(degree + 1)]
        for total in range(degree, 0, -1):
            for k in range(1, total + 1):
                flip = parity**k
                for old_parity, old in packed[total - k].items():
                    if old:
                        packed[total][old_parity * flip] += (powers[k] * old) << (bits * k * (m + top))
    return [
        {p: [*_unpack(value, bits, k * top), 0] for p, value in level.items()}
        for k, level in enumerate(packed)
    ]


def _unpack(value: int, bits: int, top: int) -> list[int]:
    """Return the fields `top`, ..., 2 * `top` of a packed polynomial."""
    size = bits // 8
    data = value.to_bytes((2 * top + 1) * size, "little")
    return [int.from_bytes(data[i * size : (i + 1) * size], "little") for i in range(top, 2 * top + 1)]


def polynomial_multiplicities(terms: tuple[Irrep, ...], degree: int) -> list[dict[tuple[int, int], int]]:
    r"""Multiplicities of every (l, p) in :math:`\mathrm{Sym}^k(\oplus\, n_{lp} V_{lp})`, k = 0..degree.

    Parameters
    ----------
    terms
        The irreps of V, from `parse_irreps`.
    degree
        Highest polynomial degree.

    Returns
    -------
    list of dict
        Item k maps (l, p), p = +1 or -1, to the multiplicity in degree exactly k; zeros are left out.

    Raises
    ------
    InputError
        If `degree` is not an integer of at least 1, or degree times the highest l is beyond exact tables.
    """
    degree = require_degree(degree)
    if isinstance(terms, str) or not all(isinstance(term, Irrep) for term in terms) or not terms:
        raise InputError(f"terms = {terms!r} are no irreps: give what parse_irreps returns")
    _require_feasible(terms, degree)
    result = []
    for level in _weight_counts(terms, degree):
        counts = {}
        for parity, by_weight in level.items():
            for l, (weight, next_weight) in enumerate(pairwise(by_weight)):
                if weight != next_weight:
                    counts[l, parity] = weight - next_weight
        result.append(dict(sorted(counts.items(), key=lambda item: (item[0][0], -item[0][1]))))
    return result


def product_multiplicities(*factors: tuple[Irrep, ...]) -> dict[tuple[int, int], int]:
    r"""Multiplicities of every (l, p) in :math:`V_1 \otimes V_2 \otimes \dots`, the factors told apart.

    This is the number of coupling chains ((l_1 l_2) l_3) ... that lead to (l, p): what an implementation lists as
    paths. Of one V taken :math:`\nu` times it is the multiplicity in :math:`V^{\otimes \nu}`; that in
    :math:`\mathrm{Sym}^\nu V`, from `polynomial_multiplicities`, is smaller.

    Parameters
    ----------
    *factors
        The irreps of each factor, from `parse_irreps`.

    Returns
    -------
    dict
        (l, p) -> count, sorted by l; what does not occur is left out.

    Raises
    ------
    InputError
        If there is no factor, or one is no irreps.

    Examples
    --------
    >>> space = parse_irreps("0e+1o+2e")
    >>> product_multiplicities(space, space, space)[0, 1], polynomial_multiplicities(space, 3)[3][0, 1]
    (11, 5)
    """
    if not factors:
        raise InputError("a product of no factors: give the irreps of at least one")
    counts = Counter({(0, 1): 1})
    for terms in factors:
        if isinstance(terms, str) or not terms or not all(isinstance(term, Irrep) for term in terms):
            raise InputError(f"factor {terms!r} is no irreps: give what parse_irreps returns")
        longer: Counter[tuple[int, int]] = Counter()
        for (l, parity), count in counts.items():
            for term in terms:
                for total in range(abs(l - term.l), l + term.l + 1):
                    longer[total, parity * term.parity] += count * term.copies
        counts = longer
    return dict(sorted(counts.items(), key=lambda item: (item[0][0], -item[0][1])))


def readout_multiplicities(irreps: str, degree: int) -> dict[tuple[int, int], int]:
    r"""Number of independent equivariant polynomials of degree <= `degree` in features of the given irreps.

    This is the exact number of free coefficients of an equivariant readout with output (l, p): the
    multiplicity of (l, p) in :math:`\oplus_{k \le d} \mathrm{Sym}^k(V)`. The constant is counted in (0, +1).

    Parameters
    ----------
    irreps
        Features as e3nn writes them, for example ``"32x0e+32x1o+32x2e"``.
    degree
        Highest polynomial degree, at least 1.

    Returns
    -------
    dict
        (l, p) -> count with p = +1 (even) or -1 (odd), sorted by l; what cannot be reached is left out.

    Raises
    ------
    InputError
        If the irreps are malformed or `degree` is not an integer of at least 1.

    Examples
    --------
    >>> counts = readout_multiplicities("16x0e+16x1e+16x1o+16x2e+16x2o", 2)
    >>> [counts[l, (-1) ** l] for l in range(5)]
    [697, 1296, 1328, 768, 272]
    """
    total: Counter[tuple[int, int]] = Counter()
    for level in polynomial_multiplicities(parse_irreps(irreps), degree):
        total.update(level)
    return dict(sorted(total.items(), key=lambda item: (item[0][0], -item[0][1])))


def formal_multiplicities(degree: int, l_max: int, channels: int = 1) -> tuple[int, ...]:
    r"""Formal multiplicities :math:`\mu(l)`, l = 0..dL, of abstract polynomials of degree <= d in harmonics.

    :math:`Y_{00}` is a constant, so polynomials of degree <= d in :math:`Y_1, \dots, Y_L` are the homogeneous
    ones of degree d in :math:`Y_0, \dots, Y_L`:
    :math:`\mathrm{Sym}^d(V_0 \oplus \dots \oplus V_L) = \mathrm{Sym}^{\le d}(V_1 \oplus \dots \oplus V_L)`.

    Parameters
    ----------
    degree, l_max
        Polynomial degree d >= 1 and highest l of the features, L >= 0.
    channels
        Independent copies n of each :math:`V_l`; then :math:`\mathrm{Sym}^d` of n copies of
        :math:`V_0 \oplus \dots \oplus V_L`, and :math:`\mu(dL) = \binom{n+d-1}{d}`.

    Returns
    -------
    tuple of int
        :math:`\mu(0), \dots, \mu(dL)`; the last one is 1 for one channel and L >= 1 (multiplicity-one
        saturation).

    Raises
    ------
    InputError
        If an argument is not an integer or too small.

    Examples
    --------
    >>> formal_multiplicities(2, 2)
    (3, 2, 4, 1, 1)
    >>> formal_multiplicities(3, 2)
    (5, 6, 8, 6, 4, 1, 1)
    """
    degree, l_max = require_degree(degree), require_l_max(l_max)
    copies = require_int("channels", channels, 1)
    terms = tuple(Irrep(copies, l, 1) for l in range(l_max + 1))
    last = polynomial_multiplicities(terms, degree)[degree]
    return tuple(last.get((l, 1), 0) for l in range(degree * l_max + 1))


def realised_multiplicities(degree: int, l_max: int) -> tuple[int, ...]:
    """Multiplicities on the sphere, l = 0..dL: every H_l once, because L2(S2) is multiplicity free."""
    degree, l_max = require_affordable(degree, l_max)
    return (1,) * (degree * l_max + 1)


def relation_multiplicities(degree: int, l_max: int) -> tuple[int, ...]:
    """Formal minus realised multiplicities: the relations between harmonics of one direction, for every l."""
    pairs = zip(formal_multiplicities(degree, l_max), realised_multiplicities(degree, l_max), strict=True)
    return tuple(formal - realised for formal, realised in pairs)


def boundary_multiplicity(degree: int, channels: int = 1) -> int:
    r"""Multiplicity of the boundary degree dL for n channels, L >= 1.

    It is :math:`\dim \mathrm{Sym}^d(\mathbb{R}^n) = \binom{n+d-1}{d}`: 1 for one marked direction.

    Examples
    --------
    >>> boundary_multiplicity(2, 32)
    528
    """
    return comb(require_int("channels", channels, 1) + require_degree(degree) - 1, degree)
