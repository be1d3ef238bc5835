r"""Exact spherical harmonics as polynomials, complex (Condon-Shortley) and real (the convention of e3nn).

Complex harmonics have z as polar axis and the Condon-Shortley phase, as in SymPy and SciPy. Real harmonics
follow e3nn: y is the polar axis, that is (x, y, z) here play the parts of (Y, Z, X) of the usual polar form;
orders run m = -l..l; there is no Condon-Shortley phase, so that in component normalisation l = 1 is
:math:`\sqrt 3\,(x, y, z)`. With :math:`\Pi_l^m(t) = d^m P_l(t)/dt^m`,

.. math:: Y_{lm} = \sqrt{(2l+1)(2-\delta_{m0})\frac{(l-|m|)!}{(l+|m|)!}}\; \Pi_l^{|m|}(y)
    \times \begin{cases} \mathrm{Re}\,(z+ix)^m & m \ge 0 \\ \mathrm{Im}\,(z+ix)^{|m|} & m < 0 \end{cases}

on the unit sphere (component normalisation; over :math:`\sqrt{4\pi}` for unit integral), and the homogeneous
polynomial of degree l that restricts to it elsewhere.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from math import comb, factorial, gcd
from typing import Any, Literal

from ._checks import require_int, require_order
from .errors import InputError
from .roots import SignedRoot

Normalisation = Literal["component", "integral"]
Monomial = tuple[int, int, int]

#: Highest degree expanded in monomials, (l+1)(l+2)/2 of them: about a second.
_MAX_EXPANDED = 64


@dataclass(frozen=True)
class HarmonicPolynomial:
    """The real solid harmonic `norm` times an integer polynomial in x, y, z, homogeneous of degree l.

    Attributes
    ----------
    norm
        Exact prefactor, component normalisation.
    terms
        Exponents of x, y, z -> integer coefficient; the coefficients have no common factor.
    """

    norm: SignedRoot
    terms: dict[Monomial, int]

    def to_sympy(self, normalisation: Normalisation = "component") -> Any:
        """Return the polynomial as a SymPy expression in the real symbols x, y, z."""
        import sympy

        x, y, z = sympy.symbols("x y z", real=True)
        terms = (c * x**i * y**j * z**k for (i, j, k), c in self.terms.items())
        return _scale(self.norm.to_sympy(), normalisation) * sympy.Add(*terms)


def _scale(value: Any, normalisation: str) -> Any:
    import sympy

    if normalisation not in ("component", "integral"):
        raise InputError(f"normalisation {normalisation!r} is unknown: use 'component' or 'integral'")
    return value / sympy.sqrt(4 * sympy.pi) if normalisation == "integral" else value


def _label(l: int, m: int) -> tuple[int, int]:
    l = require_int("l", l, 0)
    m = require_order("m", m, l)
    if l > _MAX_EXPANDED:
        raise InputError(f"l = {l} is too large to expand in monomials: keep l at or below {_MAX_EXPANDED}")
    return l, m


def _polar_factor(l: int, m: int) -> list[tuple[int, int]]:
    r"""Return :math:`2^l m!^{-1}`-scaled terms (power of t, coefficient) of the m-th derivative of P_l."""
    terms = []
    for k in range((l - m) // 2 + 1):
        power = l - m - 2 * k
        # 2^l P_l = sum_k (-1)^k C(l,k) C(2l-2k,l) t^(l-2k); m derivatives over m! give a binomial.
        terms.append((power, (-1) ** k * comb(l, k) * comb(2 * l - 2 * k, l) * comb(l - 2 * k, m)))
    return terms


@lru_cache(maxsize=512, typed=True)
def real_harmonic(l: int, m: int) -> HarmonicPolynomial:
    """The real harmonic Y_lm in e3nn's convention, as an exact polynomial in x, y, z.

    Parameters
    ----------
    l, m
        Degree, 0 to 64, and order, -l to l.

    Returns
    -------
    HarmonicPolynomial
        Component normalisation: the squares of the 2l+1 orders add up to 2l+1 on the unit sphere.

    Raises
    ------
    InputError
        If `l` or `m` is not an integer in range.

    Examples
    --------
    >>> real_harmonic(1, -1).to_sympy()
    sqrt(3)*x
    """
    l, m = _label(l, m)
    order = abs(m)
    azimuth = {}  # exponents of (z, x) -> coefficient of Re or Im (z + ix)^order
    for j in range(order + 1):
        if j % 2 == (m < 0):
            azimuth[order - j, j] = (-1) ** (j // 2) * comb(order, j)
    terms: dict[Monomial, int] = {}
    for power, c in _polar_factor(l, order):
        half = (l - order - power) // 2
        for a in range(half + 1):  # r^(2 half) in x^2, y^2, z^2
            for b in range(half - a + 1):
                weight = c * comb(half, a) * comb(half - a, b)
                for (nz, nx), sign in azimuth.items():
                    key = (nx + 2 * a, power + 2 * b, nz + 2 * (half - a - b))
                    terms[key] = terms.get(key, 0) + weight * sign
    common = gcd(*terms.values())
    square = Fraction((2 * l + 1) * (2 if m else 1) * factorial(l - order), factorial(l + order))
    norm = SignedRoot.root(square * Fraction(factorial(order) * common, 2**l) ** 2)
    return HarmonicPolynomial(norm, {key: c // common for key, c in sorted(terms.items(), reverse=True) if c})


def complex_harmonic(l: int, m: int, normalisation: Normalisation = "component") -> Any:
    r"""The complex solid harmonic :math:`r^l Y_{lm}`, Condon-Shortley phase, as a SymPy polynomial.

    Parameters
    ----------
    l, m
        Degree, 0 to 64, and order, -l to l.
    normalisation
        ``component`` (mean of \|Y\|^2 over the sphere is 1) or ``integral`` (its integral is 1, as in SymPy
        and SciPy).

    Raises
    ------
    InputError
        If `l` or `m` is not an integer in range, or the normalisation is unknown.

    Examples
    --------
    >>> complex_harmonic(1, 1)
    -sqrt(6)*(x + I*y)/2
    """
    import sympy

    l, m = _label(l, m)
    x, y, z = sympy.symbols("x y z", real=True)
    order = abs(m)
    r2 = x**2 + y**2 + z**2
    polar = sympy.Add(
        *(c * z**power * r2 ** ((l - order - power) // 2) for power, c in _polar_factor(l, order))
    )
    square = Fraction((2 * l + 1) * factorial(l - order), factorial(l + order))
    # Condon-Shortley: (-1)^m for m > 0; Y_{l,-m} = (-1)^m conj(Y_lm) has none.
    norm = SignedRoot.root(square * Fraction(factorial(order), 2**l) ** 2, -1 if m > 0 and m % 2 else 1)
    azimuth = (x + sympy.I * y) ** order if m >= 0 else (x - sympy.I * y) ** order
    return _scale(norm.to_sympy(), normalisation) * azimuth * sympy.factor_terms(polar)
