r"""A ring of k neighbours around a central atom: what its equivariant features let a readout say of the ring's phase.

The setting is that of the k-fold symmetric structures of Joshi et al. ("On the expressive power of geometric graph neural
networks", ICML 2023), made quantitative. The target is the C_k field of the ring turned with it: t(R) = D^k(R) t_0, where t_0
is the part of order m = +-k of sum_j Y_k(r_j) over the ring atoms. Two different limits meet here:

- **blind**: the surroundings have the k-fold axis, so every feature of the centre is invariant under it; with L < k only m = 0
  is, and no readout whatever, polynomial or not, can say how the ring is turned. Depth and training cannot help.
- **ceiling**: atoms that break the symmetry tell the features how the ring is turned; a readout of degree d then gives
  the field back if dL >= k and nothing of it otherwise.

The cluster is rigid and turned as a whole, Haar-random, so that h(R) = D(R) h_0 exactly and theory is exact too.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ...numerics.harmonics import real_harmonics
from ...numerics.wigner import wigner_d
from ...theory.errors import InputError
from ..readouts.equivariant_polynomials import coupling

#: Vectors of the features of one configuration for each l, each (channels, 2 l + 1).
Vectors = dict[int, NDArray[np.float64]]

#: Radius of the ring in Å and positions of the atoms that break its symmetry (any in general position do).
RING_RADIUS = 1.5
_BREAKING = np.array([[0.9, 1.3, 0.4], [-0.5, 0.8, -1.9], [1.6, -1.1, 1.2]])

#: Chemical symbols of the centre, of the ring and of the breaking atoms.
SYMBOLS = ("C", "N", "O")

#: A channel is kept where its singular value is above this part of the largest of its degree.
_KEPT = 1e-3

#: Relative size below which a vector is rounding: features are good to about 1e-13, coupled at most five times.
_ROUNDING = 1e-8

#: Highest degree for which coupling tensors are at hand.
_MOST_L = 11


@dataclass(frozen=True)
class Cluster:
    """A central atom, its ring and, if so, breaking atoms.

    Attributes
    ----------
    positions
        ``(atoms, 3)`` in Å; the centre first, at the origin, then the ring, whose axis is y.
    kinds
        ``(atoms,)``: 0 centre, 1 ring, 2 breaking.
    fold
        Number of ring atoms.
    """

    positions: NDArray[np.float64]
    kinds: NDArray[np.int64]
    fold: int

    @property
    def target(self) -> NDArray[np.float64]:
        """The unit vector t_0, ``(2 k + 1,)``: m = +-k of the ring's harmonics with l = k."""
        k = self.fold
        ring = real_harmonics(k, self.positions[self.kinds == 1])[:, k * k :].sum(axis=0)
        ring[1:-1] = 0.0
        return np.asarray(ring / np.linalg.norm(ring))


def ring_cluster(fold: int = 5, breaking: bool = True) -> Cluster:
    """Return the cluster: a regular ring of `fold` atoms, with or without three atoms that break its symmetry.

    Raises
    ------
    InputError
        If `fold` is not an integer from 2 to 8.
    """
    if isinstance(fold, bool) or not isinstance(fold, int) or not 2 <= fold <= 8:
        raise InputError(f"fold of the ring is {fold!r}: give an integer from 2 to 8")
    angle = 2 * np.pi * np.arange(fold) / fold
    ring = RING_RADIUS * np.stack([np.sin(angle), np.zeros(fold), np.cos(angle)], axis=1)
    parts = [np.zeros((1, 3)), ring] + ([_BREAKING] if breaking else [])
    kinds = np.repeat(np.arange(len(parts)), [len(part) for part in parts])
    return Cluster(np.concatenate(parts), kinds, fold)


def ring_theory(degree: int, l_max: int, fold: int, breaking: bool) -> int:
    """Return 1 where a polynomial readout of generic features of the centre gives the field of the ring, 0 where none does."""
    return int(degree * l_max >= fold and (breaking or l_max >= fold))


def reduced(vectors: Vectors) -> Vectors:
    """Return orthonormal combinations of the channels of every l > 0: the same information in as few channels as there can be.

    For a rigid cluster at most 2 l + 1 channels of l differ. Scalars do not change with orientation: they are left out.
    """
    kept_channels = {}
    for l, channels in sorted(vectors.items()):
        if l == 0:
            continue
        _, sizes, rows = np.linalg.svd(channels, full_matrices=False)
        kept = rows[(sizes > _KEPT * sizes[0]) & (sizes > 0.0)]
        if len(kept):
            kept_channels[l] = kept
    return kept_channels


def axial(vectors: Vectors) -> bool:
    """Whether the features do not change when the cluster is turned about y by any angle: blind to the ring's phase."""
    angle = 0.7  # no rational part of a turn: what this leaves unchanged, every angle does
    c, s = np.cos(angle), np.sin(angle)
    turn = np.array([[[c, 0.0, s], [0.0, 1.0, 0.0], [-s, 0.0, c]]])
    return all(
        np.linalg.norm(rows @ wigner_d(l, turn)[0].T - rows) <= _ROUNDING * np.linalg.norm(rows)
        for l, rows in vectors.items()
    )


def reachable_vectors(vectors: Vectors, degree: int, top: int) -> Vectors:
    """Return an orthonormal basis of what polynomials of degree <= d of the features hold in each l <= top.

    Products of components of D(R) h_0 are components of D^l(R) v with v the Clebsch-Gordan couplings of the h_0; spans of
    products are spanned by products of bases, so the couplings are built one factor at a time.

    Raises
    ------
    InputError
        If `top` is above 11.
    """
    if top > _MOST_L:
        raise InputError(f"couplings up to l = {top} are asked for: coupling tensors go to l = {_MOST_L}")
    reached: Vectors = {0: np.ones((1, 1))}
    for _ in range(degree):
        grown: dict[int, list[NDArray[np.float64]]] = {l: [basis] for l, basis in reached.items()}
        for a, left in reached.items():
            for b, right in vectors.items():
                for l in range(abs(a - b), min(a + b, top) + 1):
                    made = np.einsum("xi,yj,ijk->xyk", left, right, coupling(a, b, l))
                    grown.setdefault(l, []).append(made.reshape(-1, 2 * l + 1))
        reached = {l: basis for l, parts in grown.items() if len(basis := _basis(parts))}
    return reached


def _basis(parts: Sequence[NDArray[np.float64]]) -> NDArray[np.float64]:
    _, sizes, rows = np.linalg.svd(np.concatenate(parts), full_matrices=False)
    # Factors are unit vectors and couplings of order one: what is far below one is no direction but rounding.
    return np.asarray(rows[sizes > _ROUNDING])


def reachable_fraction(vectors: Vectors, degree: int, target: NDArray[np.float64]) -> float:
    """Return the share of t_0 that some polynomial of degree <= d in these features recovers, exact up to rounding.

    Intermediate couplings above l = 11 are left out; they matter only where the field is not reached without them.
    """
    if axial(vectors):
        return 0.0
    l = (len(target) - 1) // 2
    basis = reachable_vectors(vectors, degree, min(_MOST_L, degree * max(vectors, default=0))).get(l)
    return 0.0 if basis is None else min(1.0, float(np.sum((basis @ target) ** 2)))


def turned(vectors: Vectors, rotations: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the components of D(R) h for every rotation: ``(rotations, sum of channels (2 l + 1))``.

    Where symmetry leaves no feature at all, one column of zeros.
    """
    if not vectors:
        return np.zeros((len(rotations), 1))
    parts = [
        np.einsum("nij,cj->nci", wigner_d(l, rotations), rows).reshape(len(rotations), -1)
        for l, rows in vectors.items()
    ]
    return np.concatenate(parts, axis=1)
