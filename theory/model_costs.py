"""Multiplications that a network takes for one atom, and by how much each knob raises them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from fractions import Fraction

from ._checks import require_int
from .costs import harmonics_cost
from .errors import InputError
from .irreps import Irrep, format_irreps, parse_irreps
from .wiring import Wiring, highest

#: Functions of the distance that a network on it takes in.
_RADIAL = 8
#: Hidden layers of the networks on distances.
_HIDDEN_LAYERS = {"nequip": 1, "sevennet": 2, "mace": 3, "allegro": 1, "escn": 2}


@dataclass(frozen=True)
class ModelCost:
    """Multiplications for one atom, all layers together; made by `model_cost`.

    Attributes
    ----------
    harmonics
        Of all edges, see `harmonics_cost`.
    networks
        Networks on distances (of Allegro, on the scalars of an edge), which give the weights of the products.
    products
        Tensor products along edges, dense: (2a+1)(2b+1)(2c+1) for each channel and path.
    contractions
        MACE: products of messages.
    mixing
        Linear maps among the channels of an atom.
    """

    harmonics: int
    networks: int
    products: int
    contractions: int
    mixing: int

    @property
    def total(self) -> int:
        """The sum."""
        return self.harmonics + self.networks + self.products + self.contractions + self.mixing


def paths(first: str, edges: str, out: str) -> Iterator[tuple[Irrep, Irrep, tuple[int, int]]]:
    """Yield the paths of a tensor product along an edge: a term of `first`, one of `edges`, and (l, parity) of `out`.

    Examples
    --------
    >>> [(a.l, b.l, c) for a, b, c in paths("8x0e+8x1o", "1x0e+1x1o", "1x0e")]
    [(0, 0, (0, 1)), (1, 1, (0, 1))]
    """
    kept = sorted({(term.l, term.parity) for term in parse_irreps(out)})
    for a in parse_irreps(first):
        for b in parse_irreps(edges):
            for l, parity in kept:
                if abs(a.l - b.l) <= l <= a.l + b.l and parity == a.parity * b.parity:
                    yield a, b, (l, parity)


def model_cost(network: Wiring, neighbours: int) -> ModelCost:
    r"""Return the multiplications of a forward pass for one atom, of which every term is a sum over layers.

    With K neighbours, terms a of the features that enter (:math:`n_a` channels), b of the harmonics, c of what is sent:

    - harmonics: :math:`K (5L_E^2 + 9L_E - 8)/2`, once;
    - products: :math:`K \sum_{paths} n_a (2a+1)(2b+1)(2c+1)`; of eSCN the rotations into the frame of the edge and back and
      :math:`K (2CH + HC) [(L+1)^2 + 4 \sum_{m=1}^{m_{max}} (L-m+1)^2]` of its two convolutions;
    - networks: :math:`K [8 w + (h-1) w^2 + w W]` with h hidden layers of width w and W weights, one for each channel and path;
    - contractions of MACE: :math:`n \sum_c (2c+1) \sum_{k=1}^{\nu} D^k`, D the components of one channel of the messages;
    - mixing: :math:`\sum n n' (2l+1)` of the linear maps before and after the sum over neighbours, and of the self-connection.

    Parameters
    ----------
    network
        Its layers.
    neighbours
        Atoms within the cutoff of one.

    Raises
    ------
    InputError
        If `neighbours` is not an integer of at least 1.
    """
    neighbours = require_int("neighbours", neighbours, 1)
    harmonics = 0 if network.kind == "escn" else neighbours * harmonics_cost(network.l_edge)
    parts = [_layer(network, k, neighbours) for k in range(len(network.layers))]
    networks, products, contractions, mixing = (sum(column) for column in zip(*parts, strict=True))
    return ModelCost(harmonics, networks, products, contractions, mixing)


def _layer(network: Wiring, k: int, neighbours: int) -> tuple[int, int, int, int]:
    if network.kind == "escn":
        return _escn_layer(network, k, neighbours)
    if network.kind == "allegro":
        return _allegro_layer(network, k, neighbours)
    entering, given = network.inputs[k], network.layers[k]
    sent = network.messages[k] if network.kind == "mace" else given
    along = list(paths(entering, network.edges, sent))
    products = neighbours * sum(
        a.copies * (2 * a.l + 1) * (2 * b.l + 1) * (2 * c[0] + 1) for a, b, c in along
    )
    networks = neighbours * _network(network, _RADIAL, sum(a.copies for a, _, _ in along))
    arriving: dict[tuple[int, int], int] = {}
    for a, _, c in along:
        arriving[c] = arriving.get(c, 0) + a.copies
    channels = {(term.l, term.parity): term.copies for term in parse_irreps(sent)}
    if network.kind != "mace":  # scalars that gate the other features
        gates = sum(copies for (l, _), copies in channels.items() if l)
        channels[0, 1] = channels.get((0, 1), 0) + gates
    inner = _counts(entering)
    mixing = sum(n * n * (2 * l + 1) for (l, _), n in inner.items())
    mixing += sum(n * channels[c] * (2 * c[0] + 1) for c, n in arriving.items())
    kept = _counts(given) if network.kind == "mace" else channels
    mixing += sum(n * kept.get(c, 0) * (2 * c[0] + 1) for c, n in inner.items())
    contractions = 0
    if network.kind == "mace":
        width, dim = max(channels.values()), sum(2 * l + 1 for l, _ in channels)
        powers = sum(dim**power for power in range(1, network.correlations[k] + 1))
        contractions = width * sum(2 * l + 1 for l, _ in kept) * powers
        mixing += sum(width * n * (2 * l + 1) for (l, _), n in kept.items())
    return networks, products, contractions, mixing


def _counts(irreps: str) -> dict[tuple[int, int], int]:
    counts: dict[tuple[int, int], int] = {}
    for term in parse_irreps(irreps):
        counts[term.l, term.parity] = counts.get((term.l, term.parity), 0) + term.copies
    return counts


def _network(network: Wiring, inputs: int, outputs: int) -> int:
    width, depth = network.width, _HIDDEN_LAYERS[network.kind]
    return inputs * width + (depth - 1) * width**2 + width * outputs


def _allegro_layer(network: Wiring, k: int, neighbours: int) -> tuple[int, int, int, int]:
    entering, given = network.inputs[k], network.layers[k]
    channels = max(term.copies for term in parse_irreps(entering))
    dense = sum(
        (2 * a.l + 1) * (2 * b.l + 1) * (2 * c[0] + 1) for a, b, c in paths(entering, network.edges, given)
    )
    components = sum(2 * term.l + 1 for term in parse_irreps(network.edges))
    scalars = network.scalars + _counts(given).get((0, 1), 0)
    last = k == len(network.layers) - 1
    weights = network.scalars + (0 if last else channels * len(parse_irreps(network.edges)))
    # every edge weighs its harmonics for each channel, and couples its features with the sum of all edges of its atom
    return (
        neighbours * _network(network, scalars, weights),
        neighbours * channels * (components + dense),
        0,
        0,
    )


def _escn_layer(network: Wiring, k: int, neighbours: int) -> tuple[int, int, int, int]:
    given = network.layers[k]
    l_max, channels = highest(given), max(term.copies for term in parse_irreps(given))
    orders = range(1, min(l_max, l_max if network.m_max is None else network.m_max) + 1)
    turned = sum((2 * l + 1) ** 2 for l in range(l_max + 1))
    planar = (l_max + 1) ** 2 + 4 * sum((l_max - m + 1) ** 2 for m in orders)
    # both ends of an edge enter; what is sent comes back
    products = neighbours * (3 * channels * turned + 3 * channels * network.hidden * planar)
    weights = 2 * channels * sum(l_max - m + 1 for m in (0, *orders))
    mixing = 2 * channels * network.hidden * (l_max + 1) ** 2
    return neighbours * _network(network, _RADIAL, weights), products, 0, mixing


@dataclass(frozen=True)
class KnobCost:
    """What one step of a knob costs; made by `knob_costs`.

    Attributes
    ----------
    knob
        ``degree``, ``radial``, ``order`` or ``cutoff``.
    step
        In words, for example ``l_max 1 to 2``.
    before, after
        Multiplications for one atom.
    factor
        after / before.
    """

    knob: str
    step: str
    before: int
    after: int
    factor: Fraction


def knob_costs(
    network: Wiring, neighbours: int, *, cutoff: Fraction | int | None = None, further: int | None = None
) -> tuple[KnobCost, ...]:
    """Return what a step of each knob costs, relative to the network as it is.

    The steps: l_max + 1, of edges and features; twice the channels; of MACE the correlation + 1, of others one layer more; and
    a cutoff longer by 1 Å, with `further` neighbours or, where these are not given, as many as fill the larger sphere evenly.

    Parameters
    ----------
    network
        Its layers.
    neighbours
        Atoms within the cutoff of one.
    cutoff
        Its radius, Å; the knob is left out where neither it nor `further` is given.
    further
        Neighbours within the longer cutoff.

    Raises
    ------
    InputError
        If an argument is malformed.

    Examples
    --------
    >>> from spectral_ceilings.theory import wiring
    >>> network = wiring("nequip", l_max=1, channels=8, layers=2)
    >>> [(cost.knob, float(round(cost.factor, 1))) for cost in knob_costs(network, 20, cutoff=4)]
    [('degree', 1.5), ('radial', 1.7), ('order', 1.9), ('cutoff', 1.9)]
    """
    neighbours = require_int("neighbours", neighbours, 1)
    before = model_cost(network, neighbours).total
    higher = raised(network)
    steps = [
        ("degree", f"l_max {_degree(network)} to {_degree(higher)}", model_cost(higher, neighbours).total)
    ]
    steps.append(("radial", "twice the channels", model_cost(doubled(network), neighbours).total))
    what = "correlation + 1" if network.kind == "mace" else "one layer more"
    steps.append(("order", what, model_cost(multiplied(network), neighbours).total))
    if further is None and cutoff is not None:
        radius = Fraction(cutoff)
        if radius <= 0:
            raise InputError(f"cutoff = {cutoff!r} is no radius: give a number above 0 in ångström")
        filled = neighbours * ((radius + 1) / radius) ** 3 + Fraction(1, 2)
        further = max(neighbours, filled.numerator // filled.denominator)
    if further is not None:
        further = require_int("further", further, neighbours)
        steps.append(("cutoff", f"{neighbours} to {further} neighbours", model_cost(network, further).total))
    return tuple(KnobCost(knob, step, before, after, Fraction(after, before)) for knob, step, after in steps)


def _degree(network: Wiring) -> int:
    return network.l_max if network.kind == "escn" else network.l_edge


def _next(irreps: str, top: int) -> str:
    """Add l = top + 1 to irreps that reach `top`, with the channels of l = top and the other parity, or even where all are."""
    terms = parse_irreps(irreps)
    even = top > 0 and all(term.parity == 1 for term in terms)
    added = [Irrep(term.copies, top + 1, 1 if even else -term.parity) for term in terms if term.l == top]
    return format_irreps((*terms, *added))


def raised(network: Wiring) -> Wiring:
    """Return the network with one l more: of the harmonics, and of every feature that reaches the highest l."""
    top = network.l_max
    edges = _next(network.edges, network.l_edge)
    if network.kind == "escn":
        edges = _next(edges, network.l_edge + 1)
    return replace(
        network,
        edges=edges,
        embedding=_next(network.embedding, highest(network.embedding))
        if network.kind in ("escn", "allegro")
        else network.embedding,
        layers=tuple(
            _next(irreps, top) if highest(irreps) == top > 0 else irreps for irreps in network.layers
        ),
        messages=tuple(_next(irreps, highest(irreps)) for irreps in network.messages),
        m_max=network.m_max if network.m_max is None or network.m_max < top else network.m_max + 1,
    )


def doubled(network: Wiring) -> Wiring:
    """Return the network with twice the channels of every irrep."""

    def twice(irreps: str) -> str:
        return format_irreps(replace(term, copies=2 * term.copies) for term in parse_irreps(irreps))

    return replace(
        network,
        embedding=twice(network.embedding),
        layers=tuple(map(twice, network.layers)),
        messages=tuple(map(twice, network.messages)),
        hidden=2 * network.hidden,
    )


def multiplied(network: Wiring) -> Wiring:
    """Return MACE with a correlation higher by one in every layer, another network with one layer more."""
    if network.kind == "mace":
        return replace(network, correlations=tuple(order + 1 for order in network.correlations))
    inner = max(network.layers, key=lambda irreps: (highest(irreps), len(parse_irreps(irreps))))
    if (
        highest(inner) == 0 and network.kind != "escn"
    ):  # one layer, which keeps scalars: the new one keeps what reaches them
        scalars = _counts(network.embedding).get((0, 1), 1)
        inner = format_irreps(replace(term, copies=scalars) for term in parse_irreps(network.edges))
    return replace(network, layers=(*network.layers[:-1], inner, network.layers[-1]))
