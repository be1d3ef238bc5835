"""What each layer of a message-passing network takes in and gives back, and the ceiling of every step, from its irreps alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal, get_args

from ._checks import require_int
from .errors import InputError
from .input_side import PolynomialLayer, composed_input_bounds
from .irreps import Irrep, format_irreps, parse_irreps

Kind = Literal["nequip", "sevennet", "mace", "allegro", "escn"]
KINDS: tuple[Kind, ...] = get_args(Kind)
#: Layers from the first on whose features are polynomial in directions on a star graph; None: all.
_POLYNOMIAL: dict[Kind, int | None] = {"nequip": 1, "sevennet": 1, "allegro": 1, "mace": None, "escn": 0}


@dataclass(frozen=True)
class Wiring:
    """How the layers of a network hang together, in e3nn's notation of irreps.

    Attributes
    ----------
    kind
        ``nequip``, ``sevennet``, ``mace``, ``allegro`` or ``escn`` (eSCN-MD, eSEN and UMA of fairchem).
    edges
        Irreps of the harmonics of one edge.
    embedding
        What enters the first layer: scalars of the chemical element; of Allegro, its tensor track.
    layers
        Features that each layer gives back; of Allegro, its tensor track.
    correlations
        MACE: how many messages each layer multiplies.
    messages
        MACE: irreps of the messages that are multiplied.
    width
        Hidden width of the networks on distances.
    scalars
        Allegro: channels of the scalar track.
    hidden
        eSCN: channels between the two convolutions of a layer.
    m_max
        eSCN: highest order m of the convolution.
    linear_readout
        Whether the energy is linear in the scalars that it is read from.
    """

    kind: Kind
    edges: str
    embedding: str
    layers: tuple[str, ...]
    correlations: tuple[int, ...] = ()
    messages: tuple[str, ...] = ()
    width: int = 64
    scalars: int = 0
    hidden: int = 0
    m_max: int | None = None
    linear_readout: bool = True

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise InputError(f"kind = {self.kind!r} is unknown: use one of {', '.join(KINDS)}")
        for irreps in (self.edges, self.embedding, *self.layers, *self.messages):
            parse_irreps(irreps)
        if not self.layers:
            raise InputError("a network of no layers has no ceiling: give at least one layer")
        if self.kind == "mace" and not len(self.correlations) == len(self.messages) == len(self.layers):
            raise InputError(
                f"a MACE of {len(self.layers)} layers needs a correlation and the irreps of a message for each: got "
                f"{len(self.correlations)} and {len(self.messages)}"
            )

    @property
    def l_edge(self) -> int:
        """Highest l of the harmonics of an edge."""
        return highest(self.edges)

    @property
    def l_max(self) -> int:
        """Highest l that any layer gives back."""
        return max(map(highest, self.layers))

    @property
    def inputs(self) -> tuple[str, ...]:
        """What each layer takes in from an atom."""
        return (self.embedding, *self.layers[:-1])


def highest(irreps: str) -> int:
    """Return the highest l of irreps."""
    return max(term.l for term in parse_irreps(irreps))


def product_terms(first: str, second: str) -> set[tuple[int, int]]:
    """Return (l, parity) of everything in a tensor product of irreps."""
    return {
        (l, a.parity * b.parity)
        for a in parse_irreps(first)
        for b in parse_irreps(second)
        for l in range(abs(a.l - b.l), a.l + b.l + 1)
    }


def harmonics_irreps(l_max: int) -> str:
    """Return one channel of each l up to `l_max`, of the parity of the harmonics."""
    return format_irreps(Irrep(1, l, (-1) ** l) for l in range(require_int("l_max", l_max, 0) + 1))


def wiring(
    kind: Kind,
    *,
    l_max: int,
    channels: int,
    layers: int,
    parity: bool = True,
    l_edge: int | None = None,
    correlation: int | Sequence[int] = 3,
    m_max: int | None = None,
    width: int = 64,
    scalars: int = 32,
    hidden: int | None = None,
) -> Wiring:
    """Return the wiring that an architecture has by default, from its hyper-parameters.

    Parameters
    ----------
    kind
        See `Wiring`.
    l_max, channels, layers
        Highest l of the features, channels of each irrep, and interaction layers.
    parity
        NequIP, SevenNet, Allegro: whether features of both parities are kept.
    l_edge
        Highest l of the harmonics; by default `l_max`, and 3 for MACE (its ``max_ell``).
    correlation
        MACE: of all layers, or of each.
    m_max
        eSCN: by default `l_max`.
    width, scalars, hidden
        See `Wiring`; ``hidden`` is `channels` where it is not given.

    Raises
    ------
    InputError
        If an argument is not an integer or too small.

    Examples
    --------
    >>> wiring("nequip", l_max=1, channels=8, layers=3).layers
    ('8x0e+8x1o', '8x0e+8x1o+8x1e', '8x0e')
    """
    l_max, channels = require_int("l_max", l_max, 0), require_int("channels", channels, 1)
    layers = require_int("layers", layers, 1)
    top = (3 if kind == "mace" else l_max) if l_edge is None else require_int("l_edge", l_edge, 0)
    edges, natural = harmonics_irreps(top), _times(harmonics_irreps(l_max), channels)
    if kind == "escn":
        # a convolution in the frame of the edge from degree a to c holds all degrees of the edge up to a + c
        edges = harmonics_irreps(2 * l_max if l_edge is None else top)
        kept = l_max if m_max is None else require_int("m_max", m_max, 0)
        between = channels if hidden is None else require_int("hidden", hidden, 1)
        return Wiring(
            kind, edges, natural, (natural,) * layers, width=width, hidden=between, m_max=kept, linear_readout=False
        )  # fmt: skip
    if kind == "mace":
        orders = (correlation,) * layers if isinstance(correlation, int) else tuple(correlation)
        given = (*(natural,) * (layers - 1), f"{channels}x0e")
        return Wiring(
            kind, edges, f"{channels}x0e", given, tuple(require_int("correlation", each, 1) for each in orders),
            (_times(edges, channels),) * layers, width, linear_readout=False,
        )  # fmt: skip
    entering = _times(edges, channels) if kind == "allegro" else f"{channels}x0e"
    given, before = (), entering
    for k in range(layers):
        wanted = _wanted(kind, edges, layers - 1 - k)
        reached = product_terms(before, edges)
        terms = [
            Irrep(channels, l, p)
            for l in range(l_max + 1)
            for p in ((-1) ** l, -((-1) ** l))
            if (l, p) in reached and (parity or p == (-1) ** l) and (wanted is None or (l, p) in wanted)
        ]
        before = format_irreps(terms)
        given = (*given, before)
    if kind == "allegro":
        return Wiring(kind, edges, entering, given, width=width, scalars=scalars, linear_readout=False)
    return Wiring(kind, edges, entering, given, width=width)


def _wanted(kind: Kind, edges: str, further: int) -> set[tuple[int, int]] | None:
    """Return (l, parity) that a layer keeps for the `further` layers after it; None: all that it reaches.

    The last layer keeps scalars. Allegro leaves out what cannot become a scalar any more.
    """
    if further == 0:
        return {(0, 1)}
    if kind != "allegro":
        return None
    wanted = "1x0e"
    for _ in range(further):
        wanted = format_irreps(Irrep(1, l, p) for l, p in sorted(product_terms(wanted, edges)))
    return {(term.l, term.parity) for term in parse_irreps(wanted)}


def _times(irreps: str, channels: int) -> str:
    return format_irreps(replace(term, copies=term.copies * channels) for term in parse_irreps(irreps))


@dataclass(frozen=True)
class LayerCeiling:
    """One step of a network, a row of the table of ceilings; made by `layer_ceilings`.

    Attributes
    ----------
    name
        The step in words, for example ``layer 1: message``.
    takes_in, gives_back
        Irreps.
    l_in, l_out
        Their highest l.
    degree
        Polynomial degree in the features that enter; None: no polynomial, so no ceiling follows.
    ceiling
        Highest l that the step can make of what enters, whatever of it is kept; None: no bound.
    sees
        Highest degree in one neighbour's direction of what the step gives back, where that neighbour's only edge joins it to
        the centre; None: no bound.
    """

    name: str
    takes_in: str
    gives_back: str
    l_in: int
    l_out: int
    degree: int | None
    ceiling: int | None
    sees: int | None


def layer_ceilings(network: Wiring, degrees: Sequence[int] = (1, 2)) -> tuple[LayerCeiling, ...]:
    r"""Return the ceiling of every step: edges, messages, products, the energy, and readouts of given degrees.

    A message couples features up to :math:`l_{in}` with harmonics up to :math:`L_E`, and reaches :math:`l_{in} + L_E`; a product
    of nu messages reaches nu times their l; a readout of degree d reaches d times the l of the features. What a step
    sees of one direction on a star graph is `composed_input_bounds`.

    Parameters
    ----------
    network
        The layers.
    degrees
        Degrees of readouts of the last layer that carries l > 0.

    Raises
    ------
    InputError
        If a degree is not an integer of at least 1.

    Examples
    --------
    >>> rows = layer_ceilings(wiring("mace", l_max=1, channels=8, layers=2, correlation=2))
    >>> [(row.name, row.ceiling, row.l_out) for row in rows][:3]
    [('edges', 3, 3), ('layer 0: message', 3, 3), ('layer 0: product', 6, 1)]
    """
    top = network.l_edge
    rows = [LayerCeiling("edges", "1x1o", network.edges, 1, top, 1, top, top)]
    for k, (entering, given) in enumerate(zip(network.inputs, network.layers, strict=True)):
        l_in, mace = highest(entering), network.kind == "mace"
        sent = network.messages[k] if mace else given
        name = f"layer {k}: message" if mace else f"layer {k}"
        polynomial = _is_polynomial(network, k)
        reach = highest(given) if network.kind == "escn" else l_in + top
        taken = f"{entering} and {network.edges}"
        rows.append(
            LayerCeiling(
                name, taken, sent, l_in, highest(sent), 1 if polynomial else None, reach,
                _sees(network, k, highest(sent), multiplied=False),
            )
        )  # fmt: skip
        if mace:
            order = network.correlations[k]
            rows.append(
                LayerCeiling(
                    f"layer {k}: product", sent, given, highest(sent), highest(given), order, order * highest(sent),
                    _sees(network, k, highest(given), multiplied=True),
                )
            )  # fmt: skip
    last = network.layers[-1]
    seen = _sees(network, len(network.layers) - 1, 0, multiplied=True) if network.linear_readout else None
    rows.append(
        LayerCeiling("energy", last, "1x0e", highest(last), 0, 1 if network.linear_readout else None, 0, seen)
    )
    carriers = [k for k, irreps in enumerate(network.layers) if highest(irreps)]
    for degree in degrees if carriers else ():
        irreps, d = network.layers[carriers[-1]], require_int("degree", degree, 1)
        reach = d * highest(irreps)
        rows.append(
            LayerCeiling(
                f"readout of degree {d} of layer {carriers[-1]}", irreps, f"l <= {reach}", highest(irreps), reach, d, reach,
                None,
            )
        )  # fmt: skip
    return tuple(rows)


def _is_polynomial(network: Wiring, layer: int) -> bool:
    count = _POLYNOMIAL[network.kind]
    return count is None or layer < count


def _sees(network: Wiring, layer: int, l_out: int, *, multiplied: bool) -> int | None:
    if not _is_polynomial(network, layer):
        return None
    orders = list(network.correlations[: layer + 1]) or [1] * (layer + 1)
    if not multiplied:
        orders[-1] = 1
    if (
        network.kind == "allegro"
    ):  # the first layer multiplies harmonics of an edge with those of its neighbours
        orders = [2]
    return composed_input_bounds([PolynomialLayer(order, network.l_edge) for order in orders], l_out)[-1]
