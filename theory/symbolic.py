r"""The span theorem for every degree d and l_max L at once: closed forms proved by SymPy under integer assumptions.

The witnesses of `spectral_ceilings.theory.span` are checked pair by pair; here the same constants are symbols. The proof has
six steps, each an identity or an inequality that SymPy decides with d, L, a, b, q, r integers:

1. the norm of :math:`(x+iy)^l`: the recurrence of its mean square over the sphere, hence :math:`N_l`;
2. products of Y_ll: :math:`\nu_a \nu_b / \nu_{a+b}`, squared, is a product of factorials, hence positive;
3. the same constant by coupling: :math:`\langle a0\,b0|(a+b)\,0\rangle` from leading coefficients of Legendre polynomials;
4. the chain: :math:`\langle L0\,kL0|(k+1)L\,0\rangle` and the induction step from q to q + 1 factors;
5. enough factors: every l <= dL needs at most d;
6. nothing above: a product of at most d polynomials of degree at most L has degree at most dL.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import sympy as sp
from sympy import Expr, binomial, factorial

from ._checks import as_int
from .errors import InputError


@dataclass(frozen=True)
class ProofStep:
    """One step of the symbolic proof.

    Attributes
    ----------
    name, statement
        What is shown, in a word and in a sentence.
    formula
        The closed form, a SymPy expression.
    holds
        What SymPy decided.
    """

    name: str
    statement: str
    formula: Any
    holds: bool


def _natural(name: str, *, positive: bool = False) -> Any:
    return sp.Symbol(name, integer=True, **({"positive": True} if positive else {"nonnegative": True}))


def _equal(left: Any, right: Any) -> bool:
    """Whether two quotients of factorials and powers agree for all symbols."""
    return bool(sp.simplify(sp.gammasimp(sp.combsimp((left / right).rewrite(factorial)))) == 1)


def _integers(**values: Any) -> list[Any]:
    """Return integers of any library as SymPy's, expressions as they are; InputError for all else.

    A number must be an integer of at least 0; an expression may be anything that SymPy does not know to be otherwise.
    """
    exact = []
    for name, value in values.items():
        number = as_int(value)
        symbol = sp.Integer(number) if number is not None else value
        if (
            not isinstance(symbol, Expr)
            or symbol.has(sp.Float)
            or False in (symbol.is_integer, symbol.is_nonnegative)
        ):
            raise InputError(
                f"{name} = {value!r} is no natural number: give an integer of at least 0, or a symbol for one"
            )
        exact.append(symbol)
    return exact


def highest_weight_square(l: Expr | int) -> Any:
    r"""Return :math:`\nu_l^2 = 4\pi N_l^2 = (2l+1)! / (2^l l!)^2`; :math:`\nu_l` itself has the sign :math:`(-1)^l`."""
    (l,) = _integers(l=l)
    return factorial(2 * l + 1) / (2**l * factorial(l)) ** 2


def stretched_square(a: Expr | int, b: Expr | int) -> Any:
    r"""Return :math:`\langle a0\,b0|(a+b)\,0\rangle^2 = \binom{a+b}{a}^2 / \binom{2a+2b}{2a}`, symbolic in a and b."""
    a, b = _integers(a=a, b=b)
    return (binomial(a + b, a) ** 2 / binomial(2 * a + 2 * b, 2 * a)).rewrite(factorial)


def witness_square(l_max: Expr | int, count: Expr | int, rest: Expr | int) -> Any:
    r"""Return :math:`c^2` of :math:`Y_{LL}^q Y_{rr} = c\, Y_{ll}`, l = qL + r, component normalisation.

    :math:`c = \nu_L^q \nu_r / \nu_l` with :math:`\nu` from `highest_weight_square`: an explicit quotient of factorials and
    powers of 2, hence positive. For unit integrals divide c by :math:`(4\pi)^{n/2}`, n one less than the number of factors.

    Parameters
    ----------
    l_max, count, rest
        L, q and r: integers or SymPy expressions that are.
    """
    l_max, count, rest = _integers(l_max=l_max, count=count, rest=rest)
    norms = highest_weight_square(l_max) ** count * highest_weight_square(rest)
    return norms / highest_weight_square(count * l_max + rest)


def chain_square(l_max: Expr | int, k: Expr | int) -> Any:
    r"""Return :math:`\langle L0\,kL0|(k+1)L\,0\rangle^2 = \binom{(k+1)L}{L}^2 / \binom{2(k+1)L}{2L}`."""
    l_max, k = _integers(l_max=l_max, k=k)
    return stretched_square(l_max, k * l_max)


def _norm_recurrence() -> ProofStep:
    n = _natural("n", positive=True)
    # Mean of sin^2n over the sphere: integrating by parts, I_n = 2n/(2n+1) I_{n-1}; checked as a derivative of the integrand.
    theta = sp.Symbol("theta", real=True)
    parts = sp.diff(sp.sin(theta) ** (2 * n) * sp.cos(theta), theta)
    integrand = 2 * n * sp.sin(theta) ** (2 * n - 1) - (2 * n + 1) * sp.sin(theta) ** (2 * n + 1)
    by_parts = (
        sp.simplify(sp.expand((parts - integrand).subs(sp.cos(theta) ** 2, 1 - sp.sin(theta) ** 2))) == 0
    )
    recurrence = _equal(highest_weight_square(n - 1) / highest_weight_square(n), 2 * n / (2 * n + 1))
    return ProofStep(
        "norm of Y_ll",
        "The mean of |x+iy|^2l over the sphere is (2^l l!)^2/(2l+1)!, by I_0 = 1 and I_l = 2l/(2l+1) I_(l-1).",
        1 / highest_weight_square(_natural("l")),
        bool(by_parts) and recurrence and highest_weight_square(0) == 1,
    )


def _top_orders() -> ProofStep:
    big, q, r = _natural("L", positive=True), _natural("q"), _natural("r")
    formula = witness_square(big, q, r)
    sign = sp.powsimp((-1) ** (q * big) * (-1) ** r / (-1) ** (q * big + r), force=True)
    return ProofStep(
        "products of Y_ll",
        "Y_LL^q Y_rr = c Y_ll with l = qL + r and c^2 a quotient of factorials of natural numbers: positive for all L, q, r.",
        formula,
        bool(formula.is_positive) and sp.simplify(sign) == 1,
    )


def _coupling() -> ProofStep:
    a, b = _natural("a"), _natural("b")

    def leading(n: Any) -> Any:  # of the Legendre polynomial P_n
        return factorial(2 * n) / (2**n * factorial(n) ** 2)

    formula = stretched_square(a, b)
    legendre = _equal(leading(a) * leading(b) / leading(a + b), formula)
    same = (2 * a + 1) * (2 * b + 1) / (2 * a + 2 * b + 1) * formula
    ratio = highest_weight_square(a) * highest_weight_square(b) / highest_weight_square(a + b)
    return ProofStep(
        "stretched coupling",
        "P_a P_b has leading part <a0 b0|a+b 0>^2 P_(a+b); the coupling constant is that of Y_aa Y_bb, and is positive.",
        formula,
        legendre and _equal(ratio, same) and bool(formula.is_positive),
    )


def _induction() -> ProofStep:
    big, q, r, k = _natural("L", positive=True), _natural("q"), _natural("r"), _natural("k")
    low = q * big + r
    step = witness_square(big, q + 1, r) / witness_square(big, q, r)
    one_more = (2 * big + 1) * (2 * low + 1) / (2 * (low + big) + 1) * stretched_square(big, low)
    formula = chain_square(big, k)
    return ProofStep(
        "induction on the number of factors",
        "From q to q + 1 factors the constant gains exactly the coupling of L and qL + r to (q+1)L + r; none of them vanishes.",
        formula,
        _equal(step, one_more)
        and bool(formula.is_positive)
        and sp.simplify(sp.gammasimp(witness_square(big, sp.Integer(0), r))) == 1,
    )


def _enough_factors() -> ProofStep:
    big, r, t = _natural("L", positive=True), _natural("r", positive=True), _natural("t")
    # l = qL + r <= dL with r > 0. If d - q = -t <= 0 then dL - l = -tL - r < 0, a contradiction: so q + 1 <= d.
    remaining = -t * big - r
    return ProofStep(
        "enough factors",
        "l = qL + r <= dL with 0 < r < L forces q < d, so that q + 1 factors are allowed; with r = 0, q <= d are.",
        remaining,
        bool(remaining.is_negative),
    )


def _nothing_above() -> ProofStep:
    big, d, missing = _natural("L"), _natural("d", positive=True), _natural("s")
    # Degrees l_1..l_k <= L, k = d - s factors: k L <= d L.
    slack = sp.expand(d * big - (d - missing) * big)
    return ProofStep(
        "nothing above",
        "Y_lm restricts a polynomial of degree l, products add degrees, and degree n restricts to H_(<=n): so at most dL.",
        slack,
        bool(slack.is_nonnegative),
    )


def prove_span_theorem() -> tuple[ProofStep, ...]:
    """Prove the span theorem for all d >= 1 and L >= 1, step by step.

    Returns
    -------
    tuple of ProofStep
        Six steps; the theorem is proved when every ``holds`` is true.

    Notes
    -----
    What SymPy does not decide is the framework of the steps: that the span is rotation invariant, that H_l is
    irreducible and occurs once on the sphere (so that one nonzero vector of H_l brings all of it), and the
    triangle of degrees.

    Examples
    --------
    >>> all(step.holds for step in prove_span_theorem())
    True
    """
    return (_norm_recurrence(), _top_orders(), _coupling(), _induction(), _enough_factors(), _nothing_above())
