r"""Injected fields with a direction of their own: radial, gradient and solid, from the same rotated signal.

With Y_l the real harmonics in "component" normalisation and e a lab-fixed unit vector, the component along e of

- ``radial``: (a . Y_l) r_hat,
- ``gradient``: r grad (a . Y_l), tangential, conservative,
- ``solid``: grad (r^{l+1} a . Y_{l+1}) / r^l, conservative,

is a linear combination of harmonics with l - 1 and l + 1 (solid: with l alone), because
Y_l (e . r_hat) couples l with 1. Written T for a signal with harmonic components, the target along e of a use is
C_{l-1} T_{l-1} + C_{l+1} T_{l+1} with T of the lab frame: the field turns as l (x) 1 when the molecule turns, and no
network is run again. The split follows from the identities of ``theory.plateaus``:
Y_l r_hat = (A - B) / (2l+1) and r grad Y_l = ((l+1) A + l B) / (2l+1), with A = r^{1-l} grad (r^l Y_l) at l - 1
and B = r^{l+2} grad (r^{-l-1} Y_l) at l + 1.

Amplitude: every field is scaled so that its component along e has mean square 1, averaged over the sphere and over
its polarisations, as each component of T has; ``strength`` then means the same for every direction.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from itertools import pairwise

import numpy as np
import torch
from numpy.typing import NDArray

from ...numerics.directions import gauss_product_directions
from ...numerics.harmonics import real_harmonics
from ...theory.errors import InputError
from ...theory.plateaus import DIRECTIONS, Direction
from ..records.devices import placed
from .fields import l_slice
from .orientations import LabTargets, Orientations, Uses

#: The lab-fixed direction e = (0, 0, 1) of the targets, as ``Uses.along`` has it.
_E = 2


def lowest_degree(direction: Direction) -> int:
    """Return the lowest l of a direction: 1 for ``gradient`` (a constant has none), else 0."""
    return 1 if direction == "gradient" else 0


@cache
def _products(l: int, axis: int) -> dict[int, NDArray[np.float64]]:
    """Return C_k, ``(2 l + 1, 2 k + 1)``, with Y_l (axis . r_hat) = sum over k = l - 1, l + 1 of C_k Y_k.

    By a quadrature on the sphere that is exact for the product of the three harmonics.
    """
    sphere = gauss_product_directions(2 * l + 2)
    harmonics = real_harmonics(l + 1, sphere.directions)
    weighted = (
        harmonics[:, l_slice(l)]
        * (sphere.directions[:, axis] * sphere.weights / sphere.weights.sum())[:, None]
    )
    return {k: weighted.T @ harmonics[:, l_slice(k)] for k in (l - 1, l + 1) if k >= 0}


@cache
def grade_couplings(direction: Direction, l: int, axis: int = _E) -> dict[int, NDArray[np.float64]]:
    """Return C_k, ``(polarisations, 2 k + 1)``: the field along ``axis`` is the sum over k of C_k Y_k.

    Parameters
    ----------
    direction
        ``fixed``, ``radial``, ``gradient`` or ``solid``.
    l
        Degree of the injected field; ``solid`` has 2 l + 3 polarisations (those of Y_{l+1}), the others 2 l + 1.
    axis
        Cartesian component, 0, 1 or 2.

    Returns
    -------
    Degree -> matrix, scaled to mean square 1 along the axis, averaged over the sphere and the polarisations.

    Raises
    ------
    InputError
        The direction is unknown, or ``gradient`` at l = 0.
    """
    if direction not in DIRECTIONS:
        raise InputError(f"direction {direction!r} is unknown: use one of {', '.join(DIRECTIONS)}")
    if l < lowest_degree(direction):
        raise InputError(
            "direction 'gradient' at l = 0 is the gradient of a constant, which is zero: use l of at least 1"
        )
    if direction == "fixed":
        return {l: np.eye(2 * l + 1)}
    if direction == "solid":
        parts = {l: _products(l + 1, axis)[l] * (2 * l + 3)}
    else:
        products = _products(l, axis)
        factors = {l - 1: 1.0, l + 1: 1.0} if direction == "radial" else {l - 1: l + 1.0, l + 1: -float(l)}
        parts = {k: factors[k] * product for k, product in products.items()}
    # Y has unit mean square in every component: the mean square of a row is the sum of its squares.
    power = sum(float(np.sum(matrix**2)) for matrix in parts.values()) / len(next(iter(parts.values())))
    return {k: matrix / np.sqrt(power) for k, matrix in parts.items()}


def directional_values(
    direction: Direction, l: int, signal: NDArray[np.float64], axis: int = _E
) -> NDArray[np.float64]:
    """Return the field along ``axis``, ``(samples, polarisations)``, of lab-frame signals ``(samples, (l_top + 1)^2)``."""
    return np.asarray(
        sum(signal[:, l_slice(k)] @ matrix.T for k, matrix in grade_couplings(direction, l, axis).items())
    )


def vector_field(direction: Direction, l: int, vectors: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the field itself at vectors ``(samples, 3)``, of any length: ``(samples, polarisations, 3)``.

    Its Cartesian components, times a power of r that makes it the field of the module's first lines: radial r^0,
    gradient r^-1 (the gradient of a function of the direction alone), solid r^l.
    """
    harmonics = real_harmonics(l + 1, vectors)
    field = np.stack([directional_values(direction, l, harmonics, axis) for axis in range(3)], axis=2)
    power = {"fixed": 0, "radial": 0, "gradient": -1, "solid": l}[direction]
    return np.asarray(field * (np.linalg.norm(vectors, axis=1) ** power)[:, None, None])


def directional_targets(
    directions: Sequence[Direction],
    l_top: int,
    signal: NDArray[np.float64],
    orientations: Orientations,
    device: str | torch.device = "cpu",
) -> LabTargets:
    """Return what the free readout is to recover: for each direction l from ``lowest_degree`` to l_top - 1.

    Parameters
    ----------
    directions
        In the order of the columns; all share one fit.
    l_top
        Highest l of the signal; fields with l need the signal up to l + 1.
    signal
        T of one atom, ``(frames, (l_top + 1)^2)``.
    device
        Where it is turned.
    """
    fields = [(direction, l) for direction in directions for l in range(lowest_degree(direction), l_top)]
    couplings = [grade_couplings(direction, l) for direction, l in fields]
    ends = np.cumsum([len(next(iter(coupled.values()))) for coupled in couplings]).tolist()

    lying, whole = placed(signal, device), np.eye(signal.shape[1])
    # Linear in the signal: one matrix for all fields.
    each = [directional_values(direction, l, whole) for direction, l in fields]
    of_signal = torch.tensor(np.concatenate(each, axis=1), device=device)

    def columns(uses: Uses) -> torch.Tensor:
        return uses.turn_signal(lying) @ of_signal

    return LabTargets(
        columns(orientations.training),
        columns(orientations.validation),
        columns(orientations.held_out),
        columns=tuple(slice(start, end) for start, end in pairwise([0, *ends])),
        # A field with l = 0 is the same in every orientation: there is no unrelated orientation to compare with.
        null=tuple(any(k > 0 for k in coupled) for coupled in couplings),
    )
