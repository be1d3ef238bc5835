"""How fine a direction a layer can take in: the degree that theory allows, and the degree that is measured."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from ...theory.input_side import input_ceiling
from ..backbones.backbone import Backbone

Graph = Literal["star", "full"]

#: Power below this, relative to the total, is rounding: float64 leaves 1e-29 to 1e-32.
ROUND_OFF = 1e-20
#: Features of one number format are off by at most this many of its roundings: sums over neighbours and channels.
_ROUNDINGS = 100.0
#: Cancellation in a readout: it may be a tenth of the root of the sum of its squared terms.
_CANCELLATION = 10.0


def readout_floor(degree: int, precision: float, miss: float) -> float:
    """Power, relative to the total, that the rounding of features leaves above the ceiling of a polynomial of them.

    Features off by eta of their size change a polynomial of degree d by d * eta of the size of its terms. eta is the measured
    equivariance error, but no less than one rounding of the number format (its unit roundoff) and no more than a hundred: a
    larger miss is none of rounding. The power is the square, with a factor of 10 for cancellation; never below ROUND_OFF.

    Examples
    --------
    >>> readout_floor(2, 2.2e-16, 1e-3)
    1e-20
    """
    eta = min(max(precision, miss), _ROUNDINGS * precision)
    return max(ROUND_OFF, (_CANCELLATION * degree * eta) ** 2)


@dataclass(frozen=True)
class Bandwidth:
    """The spectrum of a quantity in the direction of one neighbour, in four numbers.

    Attributes
    ----------
    predicted
        The degree above which theory allows nothing; None: no bound.
    measured
        The highest degree with power above round-off.
    open
        Whether `measured` is the highest degree looked at, so that the spectrum may go on.
    l99, l9999
        The lowest degree up to which 99 % and 99.99 % of the power with l >= 1 lies; None where nothing varies.
    decay
        Decades of power lost for each degree, fitted from the strongest degree l >= 1 on to the last above round-off;
        None where fewer than three degrees are there.
    """

    predicted: int | None
    measured: int
    open: bool
    l99: int | None
    l9999: int | None
    decay: float | None

    @property
    def holds(self) -> bool | None:
        """Whether nothing lies above the bound; None without a bound."""
        return None if self.predicted is None else self.measured <= self.predicted


def bandwidth(power: NDArray[np.float64], predicted: int | None, floor: float = ROUND_OFF) -> Bandwidth:
    """Return the bandwidth of a spectrum, ``(l_top+1,)`` relative to its total; power below `floor` is rounding."""
    present = np.flatnonzero(power > floor)
    measured = int(present[-1]) if len(present) else 0
    varying = power[1:]
    l99 = l9999 = None
    decay = None
    if measured >= 1:
        summed = np.cumsum(varying) / varying.sum()
        # the last sum may round to just below one
        l99, l9999 = (int(np.searchsorted(summed, part * (1 - 1e-12))) + 1 for part in (0.99, 0.9999))
        first = int(np.argmax(varying)) + 1
        degrees = np.array([l for l in present if l >= first])
        if len(degrees) >= 3:
            decay = -float(np.polyfit(degrees, np.log10(power[degrees]), 1)[0])
    return Bandwidth(predicted, measured, measured == len(power) - 1, l99, l9999, decay)


def predicted_bandwidth(backbone: Backbone, layer: str, l_out: int, parity: int, graph: Graph) -> int | None:
    r"""Degree of one neighbour's direction above which features of the centre have nothing; None: no bound.

    The centre's edges keep their lengths while the neighbour moves on a sphere.

    - **First layer**, on either graph: features of the centre depend on the centre's own edges alone, and are an equivariant
      polynomial of degree nu in the summed harmonics of these;
      :func:`~spectral_ceilings.theory.input_side.input_ceiling` bounds them. nu is 1 for NequIP and for the messages of MACE,
      the correlation for MACE's layers, 2 for the tensors of Allegro. Gates act on scalars made of distances alone; the
      scalars of Allegro are a network's, without a bound.
    - **Second layer, star graph** (NequIP, MACE): what a leaf sends depends on its own direction alone, equivariantly, so it is
      a multiple of Y_l of that direction again, whatever happened in between, and of the parity of Y_l; the centre's own
      features enter linearly. The same bound holds. The gates of NequIP see scalars of the summed messages, still constant.
    - **Second layer, full graph**: neighbours see the moving atom at changing distances, which enter through functions that
      are no polynomials: no bound.
    - **Later layers**: leaves have seen the centre's features, and gates see scalars that depend on directions: no bound.
      (For polynomial layers such as MACE's there is one on the star graph, too high to be of use here, see
      :func:`~spectral_ceilings.theory.input_side.composed_input_bounds`; on the full graph there is none.)

    Parameters
    ----------
    backbone
        Its architecture, and from its builder's arguments ``l_max`` (or ``max_ell``) and ``correlation``.
    layer
        Name of the layer, which ends in its number.
    l_out, parity
        Irrep of the features.
    graph
        ``star`` or ``full``.
    """
    architecture, builder = backbone.info.architecture.lower(), backbone.info.builder
    number = re.search(r"\d+$", layer)
    l_max = builder.get("max_ell", builder.get("l_max"))
    if number is None or l_max is None:
        return None
    stage = int(number.group())
    if stage > 1 or (stage == 1 and (graph == "full" or architecture == "allegro")):
        return None
    if architecture == "nequip" or (architecture == "mace" and layer.startswith("message")):
        factors = 1
    elif architecture == "mace":
        given = builder.get("correlation", 3)
        orders = list(given) if isinstance(given, list | tuple) else [given]
        factors = max(orders[: stage + 1])  # the self-connection hands on the first layer's features
    elif architecture == "allegro" and (l_out > 0 or parity < 0):
        factors = 2
    else:
        return None
    if l_out > factors * int(l_max):
        return None
    return input_ceiling(factors, int(l_max), l_out).boundary
