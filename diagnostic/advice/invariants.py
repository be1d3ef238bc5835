r"""Forces that invariants of the neighbour density exert: the gradients of B of order 1, 2 and 3, atom by atom.

With the density c of a centre, channels q, and Wigner's 3j symbol:

.. math::

    B_q &= c_{q,00}, \qquad
    B_{qq'l} = \frac{1}{\sqrt{2l+1}} \sum_m c_{q,lm}\, c_{q',lm}, \\
    B_{q_1 l_1 q_2 l_2 q_3 l_3} &= \sum_{m_1 m_2 m_3} \begin{pmatrix} l_1 & l_2 & l_3 \\ m_1 & m_2 & m_3 \end{pmatrix}
        c_{q_1,l_1m_1} c_{q_2,l_2m_2} c_{q_3,l_3m_3} .

An energy that is a sum of coefficients times B over the centres exerts on an atom at r the force -sum of coefficients times
dB/dr: the rows returned are -dB/dr, summed over the centres of one element. Source: Bartók, Kondor and Csányi, Phys. Rev. B
87, 184115 (2013), for orders 2 and 3.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

import numpy as np
import torch
from e3nn import o3
from scipy import sparse

from .density import Density, Floats, Integers


def linear(density: Density, channels: slice) -> Floats:
    """Return dB/dr of order 1 for these channels, ``(pairs, 3, channels)``."""
    return density.gradients[0][:, :, 0, channels]


def quadratic(density: Density, degrees: Sequence[int], pairs: tuple[Integers, Integers]) -> Floats:
    """Return dB/dr of order 2, ``(pairs, 3, degrees * channel pairs)``; l runs slower than the channel pair."""
    first, second = pairs
    width = int(max(first.max(initial=-1), second.max(initial=-1))) + 1
    columns = []
    for l in degrees:
        gradient = density.gradients[l][:, :, :, :width]
        values = density.values[l][density.centre][:, :, :width] / np.sqrt(2 * l + 1)
        product = np.matmul(gradient.transpose(0, 1, 3, 2), values[:, None])  # (pairs, 3, q, q')
        columns.append(product[:, :, first, second] + product[:, :, second, first])
    return np.concatenate(columns, axis=-1)


def cubic(density: Density, l_max: int, channels: int) -> Floats:
    """Return dB/dr of order 3 with l <= l_max and the leading ``channels``, ``(pairs, 3, invariants)``."""
    columns = []
    for degrees in even_triples(l_max):
        i, j, k = channel_triples(degrees, channels)
        symbol = _symbol(*degrees)
        c = [density.values[l][:, :, :channels] for l in degrees]
        rest = (
            np.einsum("abc,nbj,nck->najk", symbol, c[1], c[2], optimize=True),
            np.einsum("abc,nai,nck->nbik", symbol, c[0], c[2], optimize=True),
            np.einsum("abc,nai,nbj->ncij", symbol, c[0], c[1], optimize=True),
        )
        parts = []
        for l, of_rest in zip(degrees, rest, strict=True):
            gradient = density.gradients[l][:, :, :, :channels]
            flat = of_rest.reshape(len(of_rest), 2 * l + 1, -1)[density.centre]
            product = np.matmul(
                gradient.transpose(0, 1, 3, 2), flat[:, None]
            )  # (pairs, 3, own channel, the others)
            parts.append(product.reshape(*product.shape[:2], -1))
        q = channels
        columns.append(
            parts[0][:, :, (i * q + j) * q + k]
            + parts[1][:, :, (j * q + i) * q + k]
            + parts[2][:, :, (k * q + i) * q + j]
        )
    return np.concatenate(columns, axis=-1)


def even_triples(l_max: int) -> list[tuple[int, int, int]]:
    """Return l1 <= l2 <= l3 <= l_max that couple to 0 with an even sum: those whose invariants inversion leaves alone.

    They are ordered by l3.

    Examples
    --------
    >>> even_triples(2)
    [(0, 0, 0), (0, 1, 1), (0, 2, 2), (1, 1, 2), (2, 2, 2)]
    """
    return [
        (a, b, c)
        for c in range(l_max + 1)
        for a in range(c + 1)
        for b in range(max(a, c - a), c + 1)
        if (a + b + c) % 2 == 0
    ]


@cache
def channel_triples(degrees: tuple[int, int, int], channels: int) -> tuple[Integers, Integers, Integers]:
    """Return the triples of channels that are different for these degrees: ordered where two degrees agree."""
    a, b, c = degrees
    i, j, k = (axis.ravel() for axis in np.indices((channels,) * 3))
    keep = ((a != b) | (i <= j)) & ((b != c) | (j <= k))
    return i[keep], j[keep], k[keep]


def cubic_count(l_max: int, channels: int) -> int:
    """Return the number of invariants of order 3.

    Examples
    --------
    >>> cubic_count(2, 4)
    160
    """
    return sum(len(channel_triples(degrees, channels)[0]) for degrees in even_triples(l_max))


def cubic_by_degree(l_max: int, channels: int) -> list[int]:
    """Return the number of invariants of order 3 by their highest l, in the order in which :func:`cubic` gives them.

    Examples
    --------
    >>> cubic_by_degree(2, 4)
    [20, 40, 100]
    """
    counts = [0] * (l_max + 1)
    for degrees in even_triples(l_max):
        counts[degrees[-1]] += len(channel_triples(degrees, channels)[0])
    return counts


def on_atoms(rows: Floats, atom: Integers, atoms: int) -> Floats:
    """Return the force -dB/dr on every atom, the pairs of all centres summed: ``(atoms, 3, invariants)``."""
    pairs = len(rows)
    summed = sparse.csr_array((np.full(pairs, -1.0), (atom, np.arange(pairs))), shape=(atoms, pairs))
    return np.asarray(summed @ rows.reshape(pairs, -1)).reshape(atoms, *rows.shape[1:])


@cache
def _symbol(a: int, b: int, c: int) -> Floats:
    return np.asarray(o3.wigner_3j(a, b, c, dtype=torch.float64).numpy())
