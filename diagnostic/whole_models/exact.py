r"""What theory says of a term, a model and a graph: an exact share, or why there is none.

An exact share is the largest R2 (mean removed) that any weights of the model reach over all configurations of the graph.

- One MACE layer with a linear readout, and Allegro of one layer without activations (correlation 2), on a star: `best_share`.
- One layer of NequIP or SevenNet on a star: 0. Its last convolution keeps scalars, so that an edge enters by its length alone.
- On a chain of bonds: 0 for a torsion where every site energy depends on one of the two angles. One layer sees the bonds of one
  atom; Allegro of any depth is strictly local; with two layers of NequIP or SevenNet, the scalar that an atom receives from a
  neighbour holds the angle at that neighbour alone, and what is added and activated then holds no other.
- Two neighbours whose third side the cutoff does not see: the energies are the polynomials of degree
  :math:`\le b = L \lfloor \nu / 2 \rfloor` in the cosine; the share of P_l on the interval is that of its best approximation.
- Elsewhere there is none: a third side tells the angle at every l, and an activation of scalars that hold angles, or a gate,
  has no degree.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache

from ...theory.angular_terms import PairTerm, TorsionTerm, legendre
from ...theory.shares import best_share
from .graphs import COSINES, GraphLayout
from .settings import ModelSettings
from .terms import Term


@dataclass(frozen=True)
class Prediction:
    """What theory says.

    Attributes
    ----------
    share
        Exact; None: no bound.
    reason
        Where it comes from, or why there is none.
    """

    share: Fraction | None
    reason: str


_THIRD_SIDE = "the third side tells the angle"
_GATES = "gates and activations of scalars that hold angles have no degree"


def predicted(term: Term, settings: ModelSettings, layout: GraphLayout) -> Prediction:
    """Return the exact share of a term, or why theory has none."""
    kind = settings.architecture
    if layout.graph in ("all", "chain-all"):
        return Prediction(None, _THIRD_SIDE)
    if isinstance(term, TorsionTerm):
        return _on_a_chain(settings)
    if layout.graph == "cutoff" and layout.cutoff > 2.0:
        return Prediction(None, _THIRD_SIDE)
    if layout.graph == "cutoff" and layout.cutoff**2 > 2.0:
        return Prediction(None, "the cutoff sees a part of the third sides")
    correlation = settings.correlation
    if kind in ("nequip", "sevennet"):
        if settings.layers == 1:
            return Prediction(Fraction(0), "one layer keeps scalars: edges enter by their lengths")
        return Prediction(None, _GATES)
    if kind == "allegro-linear" and settings.layers == 1:
        correlation = 2
    if kind not in ("mace", "allegro-linear") or correlation is None:
        return Prediction(None, "the SiLU readout has no degree" if kind == "mace-silu" else _GATES if kind == "allegro" else
                          "no exact share is known for several layers")  # fmt: skip
    if layout.graph == "cutoff":
        assert isinstance(term, PairTerm)
        bound = settings.l_max * (correlation // 2)
        low, high = (Fraction(end) for end in COSINES)
        return Prediction(
            interval_share(term.l, bound, low, high), f"polynomials of degree {bound} on 90° to 180°"
        )
    share = best_share(term, correlation=correlation, l_max=settings.l_max, neighbours=3, alike=layout.alike)
    return Prediction(share, f"the energies of correlation {correlation} on a star")


def _on_a_chain(settings: ModelSettings) -> Prediction:
    if settings.kind.orders or settings.layers == 1:
        return Prediction(Fraction(0), "one layer sees the bonds of one atom")
    if settings.architecture.startswith("allegro"):
        return Prediction(Fraction(0), "strictly local: no energy of an edge holds both outer bonds")
    if settings.layers == 2:
        return Prediction(Fraction(0), "a scalar of the second layer holds one angle")
    return Prediction(None, _GATES)


@lru_cache(maxsize=256)
def interval_share(l: int, degree: int, low: Fraction, high: Fraction) -> Fraction:
    r"""Return the best R2 of a polynomial of a degree on P_l over an interval, exactly.

    Parameters
    ----------
    l
        Of the Legendre polynomial.
    degree
        Of the polynomials that approximate it; 0 gives 0, the mean being removed.
    low, high
        Ends of the interval, on which the cosine is uniform.

    Returns
    -------
    Fraction
        From 0 to 1; 1 where l <= degree.
    """

    def mean(p: tuple[Fraction, ...], q: tuple[Fraction, ...]) -> Fraction:
        total = Fraction(0)
        for n, a in enumerate(p):
            for m, b in enumerate(q):
                total += a * b * (high ** (n + m + 1) - low ** (n + m + 1)) / (n + m + 1)
        return total / (high - low)

    target = legendre(l)
    basis: list[tuple[tuple[Fraction, ...], Fraction]] = []
    for n in range(degree + 1):  # monomials, made orthogonal one after the other
        made = [Fraction(0)] * n + [Fraction(1)]
        for other, square in basis:
            multiple = mean(tuple([Fraction(0)] * n + [Fraction(1)]), other) / square
            for k, value in enumerate(other):
                made[k] -= multiple * value
        basis.append((tuple(made), mean(tuple(made), tuple(made))))
    (first, _), *rest = basis
    variance = mean(target, target) - mean(target, first) ** 2
    explained = sum((mean(target, other) ** 2 / square for other, square in rest), Fraction(0))
    return explained / variance
