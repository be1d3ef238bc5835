r"""An energy of pure three-body degree l, with its forces and stress: what is added to labels to see whether a model learns it.

.. math::

    E_l = \sum_i \sum_{j<k} P_l(\cos\theta_{jik})\, f(r_{ij})\, f(r_{ik}), \qquad
    f(r) = 1 - 28 x^6 + 48 x^7 - 21 x^8, \quad x = r / R .

The sum runs over pairs of neighbours j, k of an atom i nearer than R, each image of a periodic cell its own; as a function of
the direction of either neighbour the energy is a harmonic of degree l. f ends at R with two continuous
derivatives; it is the envelope of the models that learn it (Gasteiger, Groß and Günnemann, ICLR 2020, p = 6), so that a model of
the cutoff R has the right radial functions at hand.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..frames.frames import Frames
from ..frames.neighbours import neighbours_of

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

#: Pairs of neighbours that are held at a time: some ten arrays of this length.
_PAIRS = 1_000_000


@dataclass(frozen=True, eq=False)
class AngularFields:
    """Terms of several degrees on some frames, in the order of the degrees.

    Attributes
    ----------
    energies : (degrees, frames) array
        Dimensionless E_l.
    forces : (degrees, frames, atoms, 3) array
        -dE_l/dr (1/Å).
    stress : (degrees, frames, 6) array or None
        dE_l/d strain over the volume (1/Å³), Voigt order xx, yy, zz, yz, xz, xy and ASE's sign; None unless all three
        directions are periodic.
    """

    energies: Floats
    forces: Floats
    stress: Floats | None


def envelope(distances: Floats, cutoff: float) -> tuple[Floats, Floats]:
    """Return f and df/dr (1/Å) at distances (Å): 1 at zero, 0 from the cutoff on.

    Examples
    --------
    >>> import numpy as np
    >>> value, slope = envelope(np.array([0.0, 1.0, 2.0]), 2.0)
    >>> value.tolist()
    [1.0, 0.85546875, 0.0]
    >>> float(slope[1])
    -0.65625
    """
    x = np.minimum(distances / cutoff, 1.0)
    value = np.where(x < 1.0, 1.0 - x**6 * (28.0 - 48.0 * x + 21.0 * x**2), 0.0)
    slope: Floats = -168.0 * x**5 * (1.0 - x) ** 2 / cutoff
    return value, slope


def angular_fields(frames: Frames, degrees: Sequence[int], cutoff: float) -> AngularFields:
    """Return the energies, forces and stress of the terms E_l of every degree on every frame.

    Parameters
    ----------
    frames
        Positions in Å; molecules, or crystals in cells of any size.
    degrees
        Degrees l >= 0.
    cutoff
        R (Å).
    """
    count, atoms = frames.positions.shape[:2]
    size = len(degrees)
    energies = np.zeros((size, count))
    forces = np.zeros((size, count * atoms, 3))
    virial = np.zeros((size, count, 3, 3))
    for edges in _chunks(frames, cutoff):
        a, b = edges.pairs
        value, slope = envelope(edges.distances, cutoff)
        units = edges.vectors / edges.distances[:, None]
        cosine = np.clip(np.einsum("px,px->p", units[a], units[b]), -1.0, 1.0)
        along, across = units[a], (units[b] - cosine[:, None] * units[a]) / edges.distances[a][:, None]
        product, falling = value[a] * value[b], slope[a] * value[b]
        polynomials, derivatives = legendre(max(degrees), cosine)
        for k, l in enumerate(degrees):
            # every pair stands there both ways: half of its energy each, and the derivative by the first vector
            np.add.at(energies[k], edges.frame[a], 0.5 * polynomials[l] * product)
            gradient = np.zeros_like(edges.vectors)
            np.add.at(
                gradient,
                a,
                (polynomials[l] * falling)[:, None] * along + (derivatives[l] * product)[:, None] * across,
            )
            np.add.at(forces[k], edges.first, gradient)
            np.add.at(forces[k], edges.second, -gradient)
            np.add.at(virial[k], edges.frame, edges.vectors[:, :, None] * gradient[:, None, :])
    return AngularFields(energies, forces.reshape(size, count, atoms, 3), _stress(virial, frames))


def legendre(l_top: int, x: Floats) -> tuple[list[Floats], list[Floats]]:
    """Return P_l(x) and its derivative for l = 0..l_top, by the recurrences that hold at x = 1 and -1, too."""
    values, slopes = [np.ones_like(x), x], [np.zeros_like(x), np.ones_like(x)]
    for l in range(1, l_top):
        values.append(((2 * l + 1) * x * values[l] - l * values[l - 1]) / (l + 1))
        slopes.append(slopes[l - 1] + (2 * l + 1) * values[l])
    return values[: l_top + 1], slopes[: l_top + 1]


@dataclass(frozen=True, eq=False)
class _Edges:
    """Edges of some frames: place of both atoms among all atoms, the frame, the vector, and the pairs of edges of an atom."""

    first: Integers
    second: Integers
    frame: Integers
    vectors: Floats

    @property
    def distances(self) -> Floats:
        return np.asarray(np.linalg.norm(self.vectors, axis=1))

    @property
    def pairs(self) -> tuple[Integers, Integers]:
        """Two different edges of one atom, both ways; edges are sorted by their first atom."""
        atom, start, count = np.unique(self.first, return_index=True, return_counts=True)
        group = np.repeat(np.arange(len(atom)), count)
        partners = count[group]
        a = np.repeat(np.arange(len(self.first)), partners)
        within = np.arange(len(a)) - np.repeat(np.cumsum(partners) - partners, partners)
        b = start[group][a] + within
        return a[a != b], b[a != b]


def _chunks(frames: Frames, cutoff: float) -> Iterator[_Edges]:
    """Yield the edges of so many frames at a time that their pairs fit in memory."""
    atoms = frames.positions.shape[1]
    held: list[tuple[Integers, Integers, Integers, Floats]] = []
    pairs = 0
    for index, listed in enumerate(neighbours_of(frames, cutoff)):
        begin = index * atoms
        place = np.full(len(listed.first), index, dtype=np.int64)
        held.append((listed.first + begin, listed.second + begin, place, listed.vectors))
        pairs += int((np.bincount(listed.first) ** 2).sum())
        if pairs > _PAIRS:
            yield _Edges(*(np.concatenate(part) for part in zip(*held, strict=True)))
            held, pairs = [], 0
    if held:
        yield _Edges(*(np.concatenate(part) for part in zip(*held, strict=True)))


def _stress(virial: Floats, frames: Frames) -> Floats | None:
    if frames.cells is None or not all(frames.pbc):
        return None
    stress = virial / np.abs(np.linalg.det(frames.cells))[:, None, None]
    return np.stack([stress[..., i, j] for i, j in ((0, 0), (1, 1), (2, 2), (1, 2), (0, 2), (0, 1))], axis=-1)
