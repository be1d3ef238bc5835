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

#: Error, relative to a function, that its quadrature and its Wigner matrices leave by themselves: a hundred roundings of
#: float64. Sums of 10^4 terms with random signs leave sqrt(10^4) of one at most; five to ten are seen for l <= 20.
NUMERICS = 100 * float(np.finfo(np.float64).eps)
#: Cancellation: a sum may be a tenth of the root of the sum of its squared terms.
CANCELLATION = 10.0
#: A floor of more than this hides what it should show: one per cent of the amplitude.
HIDDEN = 1e-4


def readout_floor(degree: int, rounding: float) -> float:
    """Power, relative to the total, that rounding leaves above the ceiling of a polynomial of features.

    Features off by eta of their size change a polynomial of degree d by d * eta of the size of its terms; eta is the rounding
    of the features, as ``measure_rounding`` measures it, and that of the quadrature (``NUMERICS``). The power is the square,
    with a factor of 10 for cancellation. Features that are turned with Wigner matrices have no rounding of their own there.

    Parameters
    ----------
    degree
        d; of a network, which is no polynomial, 1.
    rounding
        Relative rounding of the features.

    Examples
    --------
    >>> f"{readout_floor(2, 0.0):.0e} {readout_floor(2, 1e-7):.0e}"
    '2e-25 4e-12'
    """
    return (CANCELLATION * degree * (NUMERICS + rounding)) ** 2


def direction_floor(rounding: float, total: float) -> float:
    """Power, relative to the total, that rounding leaves in each degree of a quantity on the sphere of one direction.

    The coefficients of a function that is off by e, root mean square, are off by e together. ``rounding`` is that of the
    quantity itself, whose constant part may be a million times what varies (an energy of 10^4 eV).

    Parameters
    ----------
    rounding
        Absolute rounding of the quantity, in its own unit.
    total
        Mean square over directions, in that unit squared; for the energy without its mean.

    Examples
    --------
    >>> f"{direction_floor(0.0, 1.0):.0e} {direction_floor(1e-7, 4.0):.0e}"
    '5e-26 3e-13'
    """
    return CANCELLATION**2 * (NUMERICS**2 + rounding**2 / total)


@dataclass(frozen=True)
class Bandwidth:
    """The spectrum of a quantity in the direction of one neighbour, in four numbers.

    Attributes
    ----------
    predicted
        The degree above which theory allows nothing; None: no bound.
    measured
        The highest degree with power above rounding.
    open
        Whether `measured` is the highest degree looked at, so that the spectrum may go on.
    l99, l9999
        The lowest degree up to which 99 % and 99.99 % of the power with l >= 1 lies; None where nothing varies.
    decay
        Decades of power lost from one l to the next, fitted from the strongest l >= 1 on to the last above rounding;
        None where fewer than three degrees are there.
    floor
        Power, relative to the total, below which it is rounding.
    """

    predicted: int | None
    measured: int
    open: bool
    l99: int | None
    l9999: int | None
    decay: float | None
    floor: float = 0.0

    @property
    def holds(self) -> bool | None:
        """Whether nothing lies above the bound; None without a bound."""
        return None if self.predicted is None else self.measured <= self.predicted


def bandwidth(power: NDArray[np.float64], predicted: int | None, floor: float) -> Bandwidth:
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
    return Bandwidth(predicted, measured, measured == len(power) - 1, l99, l9999, decay, floor)


def predicted_bandwidth(backbone: Backbone, layer: str, l_out: int, parity: int, graph: Graph) -> int | None:
    r"""Degree of one neighbour's direction above which features of the centre have nothing; None: no bound.

    The centre's edges keep their lengths while the neighbour moves on a sphere.

    - **First layer**, on either graph: features of the centre depend on the centre's own edges alone, and are an equivariant
      polynomial of degree nu in the summed harmonics of these;
      :func:`~spectral_ceilings.theory.input_side.input_ceiling` bounds them. nu is 1 for NequIP and for the messages of MACE,
      the correlation for MACE's layers, 2 for the tensors of Allegro. Gates act on scalars made of distances alone; the
      scalars of Allegro are a network's, without a bound. The embedding of fairchem's models is a sum of harmonics: l.
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
    if architecture in ("escn-md", "uma") and layer == "embedding":
        return l_out
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
