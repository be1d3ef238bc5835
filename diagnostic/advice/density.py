"""The neighbour density of every atom and its gradients, by featomic, in the channels that matter.

The density of the neighbours of one element around a centre is expanded in radial functions and real spherical harmonics,
c(a n, l m), a the element of the neighbour, n the radial function. Channels are linear combinations of the (a n), the same
for every l, taken from the density alone: nothing that is fitted later has a say.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from ase import Atoms
from numpy.typing import NDArray
from scipy.linalg import eigh

from ...theory.errors import InputError

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

#: Width of the Gaussian that stands for an atom, and of the cosine that ends the density at the cutoff (Å).
SMEARING, CUTOFF_WIDTH = 0.3, 0.5
#: Channels with less than this part of the largest one's power are dropped: they hold rounding.
LEAST_POWER = 1e-6


def featomic() -> Any:
    """Return the package featomic; InputError where it is not installed."""
    try:
        import featomic as package
    except ImportError:
        raise InputError(
            "featomic is not installed, and it makes the neighbour densities; install spectral-ceilings[advise]"
        ) from None
    return package


@cache
def calculator(cutoff: float, radial: int, l_max: int) -> Any:
    """Return featomic's spherical expansion with ``radial`` Gaussian-type radial functions for each l = 0..l_max (Å)."""
    return featomic().SphericalExpansion(
        cutoff={"radius": cutoff, "smoothing": {"type": "ShiftedCosine", "width": CUTOFF_WIDTH}},
        density={"type": "Gaussian", "width": SMEARING},
        basis={
            "type": "TensorProduct",
            "max_angular": l_max,
            "radial": {"type": "Gto", "max_radial": radial - 1},
        },
    )


@dataclass(frozen=True, eq=False)
class Density:
    """The densities around all centres of one element in a batch of structures, one array for each l = 0, 1, ...

    Attributes
    ----------
    values
        For each l an array ``(centres, 2l + 1, channels)``: c, real harmonics ordered m = -l..l.
    gradients
        For each l an array ``(pairs, 3, 2l + 1, channels)``: the derivative of the centre's c by the position of one atom
        (1/Å), images of that atom together.
    centre, atom : (pairs,) int arrays
        Row of ``values``, and place of the atom among all atoms of the batch.
    """

    values: tuple[Floats, ...]
    gradients: tuple[Floats, ...]
    centre: Integers
    atom: Integers

    @property
    def channels(self) -> int:
        """Number of channels at l = 0."""
        return int(self.values[0].shape[-1])


def offsets(batch: Sequence[Atoms]) -> Integers:
    """Return where each structure's atoms begin among all atoms of the batch, and their number at the end."""
    return np.concatenate([[0], np.cumsum([len(atoms) for atoms in batch])]).astype(np.int64)


def density_power(
    batch: Sequence[Atoms], species: Sequence[int], cutoff: float, radial: int, l_max: int
) -> dict[int, Floats]:
    """Return for each element of a centre the power of its density between all pairs of (a n).

    Sums over the centres of the batch, all l and m together, each l with weight 1/(2l+1), the mean of l = 0 taken away.

    Returns
    -------
    dict
        Atomic number to a symmetric array of side ``elements * radial``.
    """
    begin = offsets(batch)
    out = calculator(cutoff, radial, l_max).compute(list(batch))
    numbers = np.concatenate([atoms.numbers for atoms in batch])
    powers = {}
    for z in species:
        row = np.full(len(numbers), -1)
        row[numbers == z] = np.arange(int((numbers == z).sum()))
        power = np.zeros((len(species) * radial,) * 2)
        for l in range(l_max + 1):
            values = np.zeros((int((numbers == z).sum()), 2 * l + 1, len(species) * radial))
            for k, neighbour in enumerate(species):
                for block in _blocks(out, l, z, neighbour):
                    at = row[begin[block.samples.values[:, 0]] + block.samples.values[:, 1]]
                    values[at, :, k * radial : (k + 1) * radial] = block.values
            if l == 0:
                values -= values.mean(axis=0)
            flat = values.reshape(-1, values.shape[-1])
            power += flat.T @ flat / (2 * l + 1)
        powers[z] = power
    return powers


def channels_of(power: Floats, space: Floats | None = None, *, least: float = LEAST_POWER) -> Floats:
    """Return the principal axes of a density by falling power, those with next to none left out: orthonormal columns.

    Parameters
    ----------
    power
        From :func:`density_power`.
    space
        Orthonormal columns that the axes are combinations of; None: all.
    least
        Axes with less than this part of the whole power are left out.
    """
    inside = power if space is None else space.T @ power @ space
    size, axes = np.linalg.eigh(inside)
    size, axes = size[::-1], axes[:, ::-1]
    kept = axes[:, : max(1, int((size > least * np.trace(power)).sum()))]
    return kept if space is None else space @ kept


def shell_functions(inner: float, outer: float, radial: int, l_max: int) -> Floats:
    """Return combinations of the radial functions up to ``outer`` that vanish up to ``inner`` (Å): orthonormal columns.

    From the densities of one neighbour at every distance, weighted with the distance squared: combinations with more than
    99 % of their power beyond ``inner``, at least one.
    """
    distances = np.arange(0.6, outer, 0.05)
    pairs = [Atoms("HHe", [[0.0, 0.0, 0.0], [0.0, 0.0, r]]) for r in distances]
    out = calculator(outer, radial, l_max).compute(pairs)
    near, far = np.zeros((radial, radial)), np.zeros((radial, radial))
    for l in range(l_max + 1):
        (block,) = _blocks(out, l, 1, 2)
        profile = block.values[:, l] * distances[:, None]  # m = 0: the neighbour lies on the axis
        near += profile[distances < inner].T @ profile[distances < inner]
        far += profile[distances >= inner].T @ profile[distances >= inner]
    whole = near + far
    whole[np.diag_indices_from(whole)] += 1e-8 * np.trace(whole)
    part, axes = eigh(far, whole)
    kept = axes[:, ::-1][:, : max(1, int((part > 0.99).sum()))]
    return np.asarray(np.linalg.qr(kept)[0])


def expand(
    batch: Sequence[Atoms],
    channels: Mapping[int, Floats],
    counts: Sequence[int],
    cutoff: float,
    radial: int,
) -> dict[int, Density]:
    """Return the densities of a batch and their gradients by the element of the centre.

    Parameters
    ----------
    batch
        Structures; positions in Å.
    channels
        For each element the combinations of its (a n), in columns; its keys are the elements.
    counts
        Number of channels for each l = 0, 1, ...; where an element has fewer, all of its.
    cutoff, radial
        As for the channels.
    """
    begin, species = offsets(batch), list(channels)
    total = int(begin[-1])
    numbers = np.concatenate([atoms.numbers for atoms in batch])
    out = calculator(cutoff, radial, len(counts) - 1).compute(list(batch), gradients=["positions"])
    densities = {}
    for z in species:
        centres = int((numbers == z).sum())
        row = np.full(total, -1)
        row[numbers == z] = np.arange(centres)
        all_pairs: list[Integers] = []
        pieces: list[tuple[int, Integers, Floats]] = []
        values = []
        for l, count in enumerate(counts):
            axes = channels[z][:, :count]
            of_l = np.zeros((centres, 2 * l + 1, axes.shape[1]))
            for k, neighbour in enumerate(species):
                part = axes[k * radial : (k + 1) * radial]
                for block in _blocks(out, l, z, neighbour):
                    at = row[begin[block.samples.values[:, 0]] + block.samples.values[:, 1]]
                    of_l[at] += block.values @ part
                    gradient = block.gradient("positions")
                    label = gradient.samples.values
                    pairs = at[label[:, 0]] * total + begin[label[:, 1]] + label[:, 2]
                    if l == 0:
                        all_pairs.append(pairs)
                    pieces.append((l, pairs, gradient.values @ part))
            values.append(of_l)
        known = np.unique(np.concatenate(all_pairs)) if all_pairs else np.empty(0, dtype=np.int64)
        gradients = tuple(np.zeros((len(known), 3, *of_l.shape[1:])) for of_l in values)
        for l, pairs, piece in pieces:
            gradients[l][np.searchsorted(known, pairs)] += piece
        densities[z] = Density(tuple(values), gradients, known // max(total, 1), known % max(total, 1))
    return densities


def _blocks(out: Any, l: int, centre: int, neighbour: int) -> list[Any]:
    """Return the block of one l and pair of elements, or none where the batch has no such pair."""
    at = out.keys.position([l, 1, centre, neighbour])
    return [] if at is None else [out.block(at)]
