r"""What one direction, or one torsion, can do to the energy of several layers on a given graph: bounds, or why there is none.

Two numbers are followed through a network whose every step is polynomial. On a star they are d, the degree in the moving
direction r, and e, the degree (as a representation of rotations) of what the other directions contribute. On a chain a-b-c-d
they are the orders, numbers m, about the bond b-c of what the directions of a and of d contribute. In both cases

- products add them up, at most;
- a message along an edge with harmonics l <= L adds L to the first number, to the second, or to none (the bond b-c itself);
- a feature with output degree l holds only parts with :math:`|d - e| \le l` (the triangle rule; on a chain the two orders add
  up to an order of at most l).

So a set of largest pairs (d, e) per atom and layer gives a bound, and an invariant holds at most min(d, e). With one layer on a
star this is :math:`L \lfloor \nu/2 \rfloor`; with nothing cut off, T layers give :math:`L \lfloor N_T/2 \rfloor`, where
:math:`N_1 = \nu`, :math:`N_{t+1} = \nu (N_t + 1)` (`composed_input_bounds`). A cut of hidden features (l <= L_h) or of messages
(l <= L in MACE) lowers it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction
from typing import Literal, get_args

from ._checks import MAX_BOUNDARY, counted, require_int, require_l_max
from .angular_terms import TorsionTerm
from .errors import InputError

#: Graphs that `reach_on_graph` knows.
Graph = Literal["star", "all-edges", "chain"]
#: Steps of a network: all polynomial; an activation in the last readout; gates in every layer.
Steps = Literal["polynomial", "activated-readout", "gates"]

_Pair = tuple[int, int]
# Atom -> (its neighbour, what the edge adds to the two numbers, in units of L).
_Edges = dict[str, tuple[tuple[str, _Pair], ...]]
_STAR: _Edges = {
    "centre": (("moving", (1, 0)), ("other", (0, 1))),
    "moving": (("centre", (1, 0)),),
    "other": (("centre", (0, 1)),),
}
_CHAIN: _Edges = {
    "a": (("b", (1, 0)),),
    "b": (("a", (1, 0)), ("c", (0, 0))),
    "c": (("b", (0, 0)), ("d", (0, 1))),
    "d": (("c", (0, 1)),),
}


@dataclass(frozen=True)
class ReachOnGraph:
    """How fine a detail of a graph the energy can resolve, or why there is no bound; made by `reach_on_graph`.

    Attributes
    ----------
    bound
        Highest l of one direction (star) or of a torsion about the inner bond (chain) in the whole energy; None: no bound.
    at_centre, through_leaves
        The same for the energies of the centre (chain: of the inner atoms) and of the leaves (the end atoms) alone.
    reason
        Why, in a sentence.
    needs
        The conditions, in words, without which the bound does not hold; empty where there is none.
    """

    bound: int | None
    at_centre: int | None
    through_leaves: int | None
    reason: str
    needs: tuple[str, ...]

    @property
    def explanation(self) -> str:
        """One paragraph in words: the bound, why it holds and what it needs."""
        if self.bound is None:
            return f"No bound: {self.reason}"
        parts = (
            f"At most l = {self.bound} (the centre's energy {self.at_centre}, those of the leaves {self.through_leaves}): "
            f"{self.reason}"
        )
        return f"{parts} Needed: {'; '.join(self.needs)}."


def _largest(points: Iterable[_Pair]) -> tuple[_Pair, ...]:
    """Return the points that no other point exceeds in both numbers."""
    kept: list[_Pair] = []
    highest = -1
    for d, e in sorted(set(points), reverse=True):
        if e > highest:
            kept.append((d, e))
            highest = e
    return tuple(kept)


def _cut(points: Iterable[_Pair], l: int | None) -> tuple[_Pair, ...]:
    """Return what a feature with output degree up to `l` holds: parts with abs(d - e) <= l."""
    return _largest(points if l is None else ((min(d, e + l), min(e, d + l)) for d, e in points))


def _products(points: tuple[_Pair, ...], factors: int) -> tuple[_Pair, ...]:
    """Return the largest sums of `factors` points."""
    sums: tuple[_Pair, ...] = ((0, 0),)
    for _ in range(factors):
        sums = _largest((a + d, b + e) for a, b in sums for d, e in points)
    return sums


def _energies(
    edges: _Edges, layers: int, correlation: int, l_max: int, hidden: int | None, message: int | None
) -> list[dict[str, int]]:
    """Return the bound of every atom's energy after each layer; energies of earlier layers stay in (residual connections)."""
    features: dict[str, tuple[_Pair, ...]] = dict.fromkeys(edges, ((0, 0),))
    energies: list[dict[str, int]] = []
    for _ in range(layers):
        updated = {}
        energy = dict(energies[-1]) if energies else dict.fromkeys(edges, 0)
        for atom, partners in edges.items():
            messages = _cut(
                (
                    (d + first * l_max, e + second * l_max)
                    for partner, (first, second) in partners
                    for d, e in features[partner]
                ),
                message,
            )
            outputs = _products(messages, correlation)
            energy[atom] = max(energy[atom], *(min(pair) for pair in outputs))
            updated[atom] = _largest((*_cut(outputs, hidden), *features[atom]))
        features = updated
        energies.append(energy)
    return energies


def _require_cut(name: str, value: object) -> int | None:
    return None if value is None else require_int(name, value, 0)


def _require_word(name: str, value: object, words: tuple[str, ...]) -> None:
    if value not in words:
        raise InputError(f"{name} = {value!r} is unknown: give one of {', '.join(words)}")


def _require_countable(correlation: int, l_max: int, layers: int) -> None:
    factors = 0
    for _ in range(layers):
        factors = correlation * (factors + 1)
        if factors * l_max > MAX_BOUNDARY:
            raise InputError(
                f"{counted(layers, 'layer')} with correlation = {correlation} and l_max = {l_max} multiply harmonics of total "
                f"degree above {MAX_BOUNDARY}: give fewer layers"
            )


def reach_on_graph(
    graph: Graph,
    correlation: int,
    l_max: int,
    layers: int = 1,
    *,
    hidden_l_max: int | None = None,
    message_l_max: int | None = None,
    steps: Steps = "polynomial",
) -> ReachOnGraph:
    r"""Highest l of one direction (or torsion) that the energy of several layers can hold on a graph.

    Parameters
    ----------
    graph
        ``star``: neighbours have an edge to the centre only (a cutoff below every distance among them). ``all-edges``: they see
        each other at every angle. ``chain``: a-b-c-d, each atom sees those bonded to it; the bound is on the l of
        :math:`\cos l\varphi` about b-c.
    correlation, l_max, layers
        Messages nu multiplied in one update (1 for NequIP and for sums of messages), l of the harmonics of an edge (L),
        number of layers T.
    hidden_l_max
        Highest l of the features handed to the next layer, L_h; None: nothing is cut off.
    message_l_max
        Highest l of the messages before they are multiplied: L in MACE; None: nothing is cut off.
    steps
        ``polynomial`` (MACE with linear readouts), ``activated-readout`` (MACE's default), ``gates`` (NequIP).

    Returns
    -------
    ReachOnGraph
        An upper bound; that it is attained is proved for one layer on a star (`star_certificate`).

    Raises
    ------
    InputError
        If an argument is wrong or the factors of all layers are too many to count.

    Examples
    --------
    >>> reach = reach_on_graph("star", 2, 1, layers=2, hidden_l_max=2, message_l_max=1)
    >>> reach.bound, reach.at_centre, reach.through_leaves
    (3, 1, 3)
    >>> reach_on_graph("all-edges", 2, 1).bound is None
    True
    """
    _require_word("graph", graph, get_args(Graph))
    _require_word("steps", steps, get_args(Steps))
    correlation, l_max = require_int("correlation", correlation, 1), require_l_max(l_max)
    layers = require_int("layers", layers, 1)
    hidden, message = _require_cut("hidden_l_max", hidden_l_max), _require_cut("message_l_max", message_l_max)
    if graph == "all-edges":
        return ReachOnGraph(
            None,
            None,
            None,
            "neighbours that see each other tell the angle between them by their distance, whatever l_max is.",
            (),
        )
    _require_countable(correlation, l_max, layers)
    edges, inner = (_STAR, ("centre",)) if graph == "star" else (_CHAIN, ("b", "c"))
    energies = _energies(edges, layers, correlation, l_max, hidden, message)[-1]
    at_centre = max(energies[atom] for atom in inner)
    through_leaves = max(value for atom, value in energies.items() if atom not in inner)
    bound = max(at_centre, through_leaves)
    if bound and steps != "polynomial":
        where = "the last readout" if steps == "activated-readout" else "the gates"
        return ReachOnGraph(
            None,
            None,
            None,
            f"a function that is no polynomial acts in {where} on scalars that depend on the angle, which makes every l of it.",
            (),
        )
    return ReachOnGraph(
        bound, at_centre, through_leaves, _reason(graph, bound, layers), _needs(graph, bound, steps)
    )


def _reason(graph: Graph, bound: int, layers: int) -> str:
    if graph == "star":
        if bound == 0:
            return "no invariant couples harmonics of the moving direction with those of another one."
        return (
            "in an invariant the harmonics of the moving direction have to couple with as high a degree of all others, and "
            f"{counted(layers, 'layer')} multiply no more of them than that."
        )
    if bound == 0:
        return "no atom's energy joins the directions of both ends of the chain."
    return (
        "cos(l phi) takes order l about the inner bond from both ends, and a feature that crosses that bond has no order "
        "above its l."
    )


def _needs(graph: Graph, bound: int, steps: Steps) -> tuple[str, ...]:
    edges = (
        "the neighbours' only edges join them to the centre (cutoff below every distance among them)"
        if graph == "star"
        else "no atom of the chain sees another than those bonded to it"
    )
    fixed = "all distances along edges are fixed (radial functions are arbitrary in them)"
    if bound == 0 and steps != "polynomial":
        return edges, fixed
    return edges, fixed, "every step, readouts included, is polynomial in the harmonics"


def torsion_share(
    term: TorsionTerm, correlation: int, l_max: int, layers: int = 1, *, hidden_l_max: int | None = None
) -> Fraction | None:
    r"""Best R2 of a polynomial model on a torsion of a chain a-b-c-d, where it is known exactly: 0 or 1.

    Directions are independent and uniform, no atom sees another than those bonded to it, messages are cut off at L (as in MACE)
    and the atoms can be told apart. One layer has 0, whatever its steps; so has every torsion above the bound of
    `reach_on_graph`. Two layers that multiply two messages have 1 up to :math:`l = \min(L, L_h)`.

    Proof of the latter. With w as polar axis the torsion is the part :math:`|m| = l` of functions
    :math:`\sum_m a_m Y_{lm}(u) Y_{lm}(v)^*`. Atom b multiplies :math:`Y_l(u)`, from a, with what comes from c: products
    :math:`Y_l(v) Y_p(w)` coupled to l', then :math:`Y_q(w)` coupled back to l; p, q <= L. For l' = l these :math:`a_m` are all
    polynomials of degree (p + q)/2 in :math:`m^2`, p and q even; for l' = l - 1, p and q odd, they are :math:`l^2 - m^2` times
    those of degree (p + q)/2 - 1. Together they are all polynomials in :math:`m^2` of degree <= L, and as l <= L one of them is
    1 at :math:`m^2 = l^2` and 0 at :math:`0, 1, ..., (l-1)^2`.

    Parameters
    ----------
    term
        The torsion.
    correlation, l_max, layers
        Messages nu multiplied in one update, highest l of the harmonics (L), number of layers.
    hidden_l_max
        Highest l of the features between layers, L_h; None: nothing is cut off.

    Returns
    -------
    Fraction or None
        None where the bound allows the torsion and no exact share is known.

    Raises
    ------
    InputError
        If an argument is wrong.

    Examples
    --------
    >>> [torsion_share(TorsionTerm(2), 2, 2, layers, hidden_l_max=2) for layers in (1, 2)]
    [Fraction(0, 1), Fraction(1, 1)]
    >>> torsion_share(TorsionTerm(2), 2, 2, 2, hidden_l_max=1)
    Fraction(0, 1)
    """
    if not isinstance(term, TorsionTerm):
        raise InputError(f"term = {term!r} is no torsion: give TorsionTerm(l)")
    reach = reach_on_graph(
        "chain", correlation, l_max, layers, hidden_l_max=hidden_l_max, message_l_max=l_max
    )
    if reach.bound is not None and term.l > reach.bound:
        return Fraction(0)
    within = term.l <= l_max and (hidden_l_max is None or term.l <= hidden_l_max)
    return Fraction(1) if within and layers >= 2 and correlation >= 2 else None


def unnatural_input_bound(correlation: int, l_max: int, l_out: int) -> int:
    r"""Highest degree of one direction in an output whose parity is not :math:`(-1)^{l_{out}}`, on a star graph.

    .. math:: \max_{k \le \nu - 1} \min(kL,\; (\nu - k) L + l_{out} - 1), \qquad k \le \nu - 2 \text{ for } l_{out} = 0,

    and 0 where there is no such output. Products of one direction alone have natural parity, so one other factor takes part, two
    for a pseudoscalar. Attained with channels that are not parallel, and with two other neighbours if l_out = 0.

    Raises
    ------
    InputError
        If an argument is not an integer or too small.

    Examples
    --------
    >>> unnatural_input_bound(2, 2, 1), unnatural_input_bound(3, 1, 0), unnatural_input_bound(2, 1, 0)
    (2, 1, 0)
    """
    correlation, l_max = require_int("correlation", correlation, 1), require_l_max(l_max)
    l_out = require_int("l_out", l_out, 0)
    if l_out > correlation * l_max - 1:
        return 0  # the stretched coupling has natural parity
    most = correlation - (1 if l_out else 2)
    return max((min(k * l_max, (correlation - k) * l_max + l_out - 1) for k in range(1, most + 1)), default=0)
