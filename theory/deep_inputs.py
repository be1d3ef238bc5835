r"""Several polynomial layers on a star graph: the exact bound on what an energy sees of one direction, and that it is attained.

With nu messages multiplied in an update, harmonics up to L and nothing cut off between layers, features after T layers are
polynomials in harmonics of edges with at most

.. math:: N_1 = \nu, \qquad N_{t+1} = \nu (N_t + 1)

factors: a message adds the harmonics of its edge to a neighbour's feature, an update multiplies nu messages. With k factors of
the moving direction, of degree <= kL, and the other N_T - k that they have to couple with, a feature of degree
:math:`l_{out}` holds at most :math:`b = \max_k \min(kL, (N_T - k) L + l_{out})`; an invariant :math:`L \lfloor N_T / 2 \rfloor`.

**Attained** (nu >= 2) by a star of a moving atom r and one atom s. Let :math:`A = Y_L(r) + Y_L(s)` be the centre's sum and
:math:`S = Y_L(s)`, with unit vectors and :math:`Y_L \cdot Y_L = 1`, so that :math:`Y_L(r) \cdot Y_L(s) = P_L(x)`, x = r.s.
After its first layer the centre holds :math:`A^{\otimes \nu}`, the atom s after the second
:math:`(A^{\otimes \nu} \otimes S)^{\otimes \nu}`, the centre after the third takes messages from s, and so on.
After T layers there are :math:`\nu^T` factors A and :math:`\nu^{T-1} + \dots + \nu < \nu^T` factors S,
:math:`N_T` together (one A is left out where that is odd). Pair them off, each S with an A: :math:`A \cdot A = 2 (1 + P_L)` and
:math:`A \cdot S = 1 + P_L`, up to signs of S for odd L.
So the energy of s (T even) or of the centre (T odd) holds

.. math:: (1 + P_L(x))^{\lfloor N_T / 2 \rfloor},

a polynomial of degree exactly :math:`L \lfloor N_T / 2 \rfloor` in x, and its Legendre coefficient of that degree is not zero.

**Forces** are gradients: they have one degree more for the moving atom and the centre, whose position enters the direction, and
none more for the other atoms.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from ._checks import MAX_BOUNDARY, counted, require_int, require_l_max
from .angular_terms import legendre
from .errors import InputError


@dataclass(frozen=True)
class DeepInputCeiling:
    """What a feature of several layers sees of one direction on a star; made by `deep_input_ceiling`.

    Attributes
    ----------
    correlation, l_max, layers, l_out
        nu, L, T and the degree of the output.
    factors
        :math:`N_T`.
    boundary
        The bound b.
    attained
        Whether the explicit energy of this module attains it: invariants with nu >= 2.
    """

    correlation: int
    l_max: int
    layers: int
    l_out: int
    factors: int
    boundary: int
    attained: bool

    @property
    def forces(self) -> dict[str, int]:
        """Highest degree of the forces derived from an invariant, on the moving atom, the centre and the other atoms."""
        return {
            "moving": self.boundary + 1,
            "centre": self.boundary + 1,
            "others": self.boundary,
        }


def layer_factors(correlation: int, layers: int) -> int:
    r"""Return :math:`N_T`: how many harmonics a feature of T layers multiplies at most.

    Raises
    ------
    InputError
        If an argument is not an integer of at least 1, or there are too many factors to count.

    Examples
    --------
    >>> [layer_factors(2, layers) for layers in (1, 2, 3)]
    [2, 6, 14]
    """
    correlation, layers = require_int("correlation", correlation, 1), require_int("layers", layers, 1)
    factors = 0
    for _ in range(layers):
        factors = correlation * (factors + 1)
        if factors > MAX_BOUNDARY:
            raise InputError(
                f"{counted(layers, 'layer')} with correlation = {correlation} multiply more than {MAX_BOUNDARY} harmonics: give "
                "fewer layers"
            )
    return factors


def deep_input_ceiling(correlation: int, l_max: int, layers: int, l_out: int = 0) -> DeepInputCeiling:
    """Return the bound for several layers alike, nothing cut off between them.

    `composed_input_bounds` takes layers that differ, `reach_on_graph` knows cuts between them.

    Parameters
    ----------
    correlation, l_max, layers
        nu, L and T.
    l_out
        Degree of the output, at most what the factors can make.

    Raises
    ------
    InputError
        If an argument is not an integer or too small, `l_out` cannot be put out, or there are too many factors.

    Examples
    --------
    >>> ceiling = deep_input_ceiling(2, 1, 2)
    >>> ceiling.factors, ceiling.boundary, ceiling.forces["moving"]
    (6, 3, 4)
    """
    factors, l_max = layer_factors(correlation, layers), require_l_max(l_max)
    l_out = require_int("l_out", l_out, 0)
    if factors * l_max > MAX_BOUNDARY:
        raise InputError(
            f"{factors} factors with l <= {l_max} have degree above {MAX_BOUNDARY} together: give fewer layers"
        )
    if l_out > factors * l_max:
        raise InputError(
            f"l_out = {l_out} cannot be put out: {factors} harmonics with l <= {l_max} couple to at most {factors * l_max}"
        )
    boundary = max(min(k * l_max, (factors - k) * l_max + l_out) for k in range(factors + 1))
    correlation, layers = require_int("correlation", correlation, 1), require_int("layers", layers, 1)
    return DeepInputCeiling(
        correlation, l_max, layers, l_out, factors, boundary, l_out == 0 and correlation >= 2
    )


def attaining_energy(correlation: int, l_max: int, layers: int) -> tuple[Fraction, ...]:
    r"""Return the Legendre coefficients of an energy that attains the bound: :math:`((1 + P_L(x)) / 2)^{\lfloor N_T/2 \rfloor}`.

    Parameters
    ----------
    correlation, l_max, layers
        nu >= 2, L and T.

    Returns
    -------
    tuple of Fraction
        Coefficients of :math:`P_0, ..., P_b`; the last is not zero. They add up to 1, the value at x = 1.

    Raises
    ------
    InputError
        As `deep_input_ceiling`, or if the correlation is 1, or the bound is above 64.

    Examples
    --------
    >>> attaining_energy(2, 1, 1)
    (Fraction(1, 2), Fraction(1, 2))
    """
    ceiling = deep_input_ceiling(require_int("correlation", correlation, 2), l_max, layers)
    if ceiling.boundary > 64:
        raise InputError(
            f"the bound is l = {ceiling.boundary}, beyond what is expanded: give a smaller network, up to l = 64"
        )
    half = [Fraction(value) / 2 for value in legendre(ceiling.l_max)]
    half[0] += Fraction(1, 2)
    powers = [Fraction(1)]
    for _ in range(ceiling.factors // 2):
        product = [Fraction(0)] * (len(powers) + len(half) - 1)
        for i, left in enumerate(powers):
            for j, right in enumerate(half):
                product[i + j] += left * right
        powers = product
    coefficients = [Fraction(0)] * (ceiling.boundary + 1)
    for l in range(ceiling.boundary, -1, -1):  # the leading power tells the coefficient of P_l
        coefficients[l] = powers[l] / legendre(l)[l]
        for k, value in enumerate(legendre(l)):
            powers[k] -= coefficients[l] * value
    return tuple(coefficients)
