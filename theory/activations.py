r"""Activations that are no polynomials: how fast polynomials approximate them, and what a grid then guarantees.

No grid is exact for such an s. With positive weights of total 1 that are exact up to :math:`dL + L_{out}` and
:math:`2 L_{out}`, and :math:`\rho = \sup |f|`,

.. math:: \| Q[s(f)\, Y] - \langle s(f)\, Y \rangle \|_2 \le 2 E_d(s, [-\rho, \rho]), \qquad
    \| \mathrm{out}(Rf) - R\, \mathrm{out}(f) \|_2 \le 2 E_d(s, [-\rho, \rho]),

where :math:`E_d` is the largest error of the best polynomial of degree d. Harmonics have mean square 1, so that the norm is
the root mean square of the output over the sphere. Proof: the best polynomial p is projected exactly. For
:math:`g = (s - p)(f)`, :math:`|g| \le E_d`, and unit coefficients c,
:math:`Q[g \sum c Y] \le E_d\, Q[(\sum c Y)^2]^{1/2} = E_d`, and the same holds for the mean. In the second inequality p
cancels, and two such sums are left.

If s is analytic inside the ellipse with foci :math:`\pm\rho` through its nearest singularity, :math:`E_d` falls as
:math:`r^{-d}`; for a singularity at :math:`\pm i\eta`, :math:`r = (\eta + \sqrt{\eta^2 + \rho^2}) / \rho` (Bernstein). SiLU,
GELU and softplus are an even function plus a linear one: an odd d > 1 gains nothing. ReLU is not analytic:
:math:`E_{2k} \le \rho / (\pi (2k+1))`, from the tail of its Chebyshev series. Numbers:
`spectral_ceilings.numerics.approximation_error`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, get_args

from .errors import InputError

if TYPE_CHECKING:
    import sympy

#: Activations that bounds are known for.
ActivationName = Literal["silu", "gelu", "softplus", "relu", "tanh", "sigmoid"]

#: Distance of the nearest singularity from the real axis, over pi: (numerator, denominator); None: there is none.
_SINGULARITIES: dict[str, tuple[int, int] | None] = {
    "silu": (1, 1),
    "sigmoid": (1, 1),
    "softplus": (1, 1),
    "tanh": (1, 2),
    "gelu": None,
}


@dataclass(frozen=True)
class Activation:
    """What theory knows of an activation.

    Attributes
    ----------
    name
        Its name.
    symmetry
        ``even`` for an even function plus a linear one (degrees 2, 4, 6, ... gain), ``odd`` for an odd function plus a constant
        (degrees 1, 3, 5, ... gain).
    """

    name: ActivationName
    symmetry: Literal["even", "odd"]

    @property
    def analytic(self) -> bool:
        """Whether polynomials approximate it geometrically."""
        return self.name != "relu"

    def useful_degree(self, degree: int) -> int:
        """Return the lowest degree whose polynomials approximate it as well as those of `degree`, at least 1.

        Examples
        --------
        >>> activation("silu").useful_degree(7), activation("tanh").useful_degree(8)
        (6, 7)
        """
        even = self.symmetry == "even"
        return max(1, degree - degree % 2 if even else degree - 1 + degree % 2)

    def rate(self) -> sympy.Expr:
        r"""Return r(rho), the factor by which :math:`E_d` falls with every degree; infinite for GELU, 1 for ReLU.

        Examples
        --------
        >>> activation("silu").rate()
        (sqrt(rho**2 + pi**2) + pi)/rho
        """
        import sympy

        if not self.analytic:
            return sympy.Integer(1)
        place = _SINGULARITIES[self.name]
        if place is None:
            return sympy.oo
        rho = sympy.Symbol("rho", positive=True)
        eta = sympy.pi * sympy.Rational(*place)
        return (eta + sympy.sqrt(eta**2 + rho**2)) / rho


def activation(name: str) -> Activation:
    """Return what theory knows of an activation.

    Raises
    ------
    InputError
        It is none of silu, gelu, softplus, relu, tanh, sigmoid.
    """
    for known in get_args(ActivationName):
        if name == known:
            return Activation(known, "odd" if known in ("tanh", "sigmoid") else "even")
    raise InputError(f"activation {name!r} is unknown: give one of {', '.join(get_args(ActivationName))}")
