"""The shape of one kind of molecule: how its axis and its frame follow from positions, and the forces of a torque on the axis."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from ...theory.errors import InputError
from .bonds import Graph

Array = NDArray[np.float64]
Shape = Literal["atom", "endless", "linear", "bent", "general"]
#: Moments of inertia closer than this share of the largest are equal, atoms nearer than this share of the size are on an axis:
#: far above the rounding of structure files (1e-4 Å), far below differences between molecules.
_ALIKE = 1e-3


@dataclass(frozen=True, eq=False)
class Reference:
    """What defines axis and frame of one kind of molecule.

    Attributes
    ----------
    shape
        ``atom``, ``endless``, ``linear``, ``bent`` (three atoms, like ends) or ``general``.
    body
        ``(atoms, 3)``: the reference shape in body coordinates about its centre of mass, Å.
    masses
        ``(atoms,)``.
    tree
        Bonds (known, new) that reach every atom from the first.
    corner
        Middle atom and ends of a bent molecule; ends of a linear one.
    """

    shape: Shape
    body: Array
    masses: Array
    tree: tuple[tuple[int, int], ...]
    corner: tuple[int, ...] = ()

    def axes(self, positions: Array) -> Array:
        """Return unit vectors ``(..., 3)`` of whole molecules ``(..., atoms, 3)``."""
        if self.shape == "linear":
            return _unit(positions[..., self.corner[1], :] - positions[..., self.corner[0], :])
        if self.shape == "bent":
            first, second = self._arms(positions)
            return _unit(_unit(first) + _unit(second))
        return self.frames(positions)[..., 2, :]

    def frames(self, positions: Array, masses: Array | None = None) -> Array:
        """Return frames ``(..., 3, 3)`` of whole molecules; rows are the body axes in space."""
        if self.shape == "bent":
            first, second = self._arms(positions)
            z = _unit(_unit(first) + _unit(second))
            x = _unit(np.cross(first, second))
            return np.stack([x, np.cross(z, x), z], axis=-2)
        return np.swapaxes(self._best_fit(positions, masses), -1, -2)

    def forces(self, positions: Array, gradient: Array) -> Array:
        """Return the forces ``(..., atoms, 3)`` of an energy of the axis, given its gradient ``(..., 3)``.

        Only the part of the gradient at right angles to the axis counts. Forces sum to zero for each molecule.
        """
        forces = np.zeros(positions.shape)
        if self.shape == "linear":
            start, end = self.corner
            pull = _through_unit(positions[..., end, :] - positions[..., start, :], gradient)
            forces[..., end, :], forces[..., start, :] = -pull, pull
        elif self.shape == "bent":
            middle, *ends = self.corner
            arms = self._arms(positions)
            turned = _through_unit(_unit(arms[0]) + _unit(arms[1]), gradient)
            for end, arm in zip(ends, arms, strict=True):
                pull = _through_unit(arm, turned)
                forces[..., end, :] -= pull
                forces[..., middle, :] += pull
        else:
            # R fits best where the torque sum m (R c) x r is zero; by its derivative a displacement dr turns R by
            # A^-1 sum m (R c) x dr with A = tr(M) - M, M = sum m (R c) r^T.
            rotation = self._best_fit(positions, None)
            turned = np.einsum("...ij,aj->...ai", rotation, self.body)
            moment = np.einsum("a,...ai,...aj->...ij", self.masses, turned, positions)
            trace = np.trace(moment, axis1=-2, axis2=-1)[..., None, None] * np.eye(3)
            torque = np.cross(rotation[..., :, 2], gradient)
            turn = np.linalg.solve(trace - 0.5 * (moment + np.swapaxes(moment, -1, -2)), torque[..., None])
            forces = -self.masses[:, None] * np.cross(turn[..., None, :, 0], turned)
        return forces

    def _arms(self, positions: Array) -> tuple[Array, Array]:
        middle, first, second = self.corner
        centre = positions[..., middle, :]
        return positions[..., first, :] - centre, positions[..., second, :] - centre

    def _best_fit(self, positions: Array, masses: Array | None) -> Array:
        """Return the rotation that carries the reference shape nearest to the positions."""
        weights = self.masses if masses is None else masses
        body = (
            self.body - (weights @ self.body) / weights.sum()
        )  # then the centre of the positions does not count
        moment = np.einsum("a,...ai,aj->...ij", weights, positions, body)
        left, _, right = np.linalg.svd(moment)
        sign = np.linalg.det(left @ right)
        left = np.concatenate([left[..., :2], left[..., 2:] * sign[..., None, None]], axis=-1)
        rotation: Array = left @ right
        return rotation


def reference_of(
    graph: Graph, positions: Array, masses: Array, tree: tuple[tuple[int, int], ...], endless: bool
) -> Reference:
    """Return the reference of a whole molecule with these bonds, positions (Å) and masses."""
    centred = positions - masses @ positions / masses.sum()
    if endless or len(positions) == 1:
        return Reference("endless" if endless else "atom", centred, masses, tree)
    size = np.abs(centred).max()
    moments, axes = np.linalg.eigh(np.einsum("a,ai,aj->ij", masses, centred, centred))
    # eigenvalues rise: the last is the direction of the largest extent, about which the inertia is smallest
    if moments[1] < (_ALIKE * size) ** 2 * masses.sum():
        return Reference("linear", centred, masses, tree, _ends(centred, axes[:, 2]))
    bonded = graph.neighbours()
    middle = [k for k in range(len(bonded)) if len(bonded[k]) == 2]
    if len(positions) == 3 and len(middle) == 1:
        ends = sorted(bonded[middle[0]])
        if graph.numbers[ends[0]] == graph.numbers[ends[1]]:
            bent = Reference("bent", centred, masses, tree, (middle[0], *ends))
            return Reference("bent", centred @ bent.frames(centred).T, masses, tree, bent.corner)
    return Reference("general", centred @ _body_axes(centred, moments, axes).T, masses, tree)


def _ends(centred: Array, axis: Array) -> tuple[int, int]:
    """Return the two ends of a linear molecule, that with the smaller index first."""
    along = centred @ axis
    ends = sorted((int(np.argmin(along)), int(np.argmax(along))))
    return ends[0], ends[1]


def _body_axes(centred: Array, moments: Array, axes: Array) -> Array:
    """Return the body axes as rows: principal axes, in degenerate spaces and in sign fixed by the first atoms that can.

    The columns of `axes` belong to rising second moments; z is the last, x the first.
    """
    largest, size = moments[2], np.abs(centred).max()
    alike = [moments[1] - moments[0] < _ALIKE * largest, moments[2] - moments[1] < _ALIKE * largest]
    if all(alike):
        z = _first_direction(centred, np.eye(3), size)
        return _completed(z, _first_direction(centred, np.eye(3) - np.outer(z, z), size))
    if alike[1]:  # z lies in the plane of equal moments, x is the single axis
        x = axes[:, 0]
        z = _first_direction(centred, np.eye(3) - np.outer(x, x), size)
        return _completed(z, _signed(x, centred, size))
    z = _signed(axes[:, 2], centred, size)
    if alike[0]:
        return _completed(z, _first_direction(centred, np.eye(3) - np.outer(z, z), size))
    return _completed(z, _signed(axes[:, 0], centred, size))


def _completed(z: Array, x: Array) -> Array:
    return np.stack([x, np.cross(z, x), z])


def _first_direction(centred: Array, projector: Array, size: float) -> Array:
    """Return the direction of the first atom whose projection is not zero."""
    projected = centred @ projector
    lengths = np.linalg.norm(projected, axis=1)
    first = int(np.argmax(lengths > 10 * _ALIKE * size))
    direction: Array = projected[first] / lengths[first]
    return direction


def _signed(axis: Array, centred: Array, size: float) -> Array:
    """Return the axis with the sign that gives the first atom off the plane through the centre a positive coordinate."""
    along = centred @ axis
    off = np.abs(along) > 10 * _ALIKE * size
    if not off.any():  # a planar molecule's normal: the turn from one atom to the next decides
        turns = np.array([np.cross(a, b) @ axis for a, b in pairwise(centred)])
        off, along = np.abs(turns) > _ALIKE * size**2, turns
    sign = np.sign(along[int(np.argmax(off))]) or 1.0
    signed: Array = sign * axis
    return signed


def _unit(vectors: Array) -> Array:
    lengths = np.linalg.norm(vectors, axis=-1, keepdims=True)
    if not np.all(lengths > 0.0):
        raise InputError(
            "a molecule has collapsed or is stretched straight: it has no axis; stop the trajectory before"
        )
    unit: Array = vectors / lengths
    return unit


def _through_unit(vectors: Array, gradient: Array) -> Array:
    """Return the gradient with respect to vectors of a function of their directions, from that with respect to the directions."""
    lengths = np.linalg.norm(vectors, axis=-1, keepdims=True)
    unit = vectors / lengths
    pulled: Array = (gradient - unit * np.sum(unit * gradient, axis=-1, keepdims=True)) / lengths
    return pulled
