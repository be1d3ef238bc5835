r"""The point group of an atom's site, found in the positions around it.

An operation of the site is an orthogonal matrix (a rotation, or inversion times one) that carries the atom's neighbours onto
neighbours of the same species. Two neighbours a and b that do not lie on a line with the centre fix it: whatever carries a to
a' and b to b' is one rotation, or that times the mirror of the plane of a' and b'. So the pairs (a', b') of equal species,
lengths and angle are all candidates, and each is held against every neighbour.

Features of the atom lie among the invariants of that group: `theory.site_symmetry` gives their number for every irrep, and 0
means that every model with the symmetry of space has nothing there.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ...theory._checks import require_int, require_parity
from ...theory.errors import InputError
from ...theory.point_groups import PointGroup, point_group
from ...theory.site_symmetry import group_of_operations

Array = NDArray[np.float64]

#: How far an operation may carry a neighbour past its image, Å. Geometries of tables and relaxed ones are symmetric to
#: 1e-5 Å or better; in thermal frames atoms are off by 1e-2 Å and more.
TOLERANCE = 1e-4

#: Two vectors make a frame when the sine of their angle is above this; flatter pairs are taken when there are no others.
_CLEAR_SINE = 0.3


@dataclass(frozen=True, eq=False)
class SiteSymmetry:
    """The point group of a site.

    Attributes
    ----------
    group
        The group; its `name` is the Schoenflies symbol (C∞v and D∞h for linear environments, Kh without neighbours).
    operations
        (n, 3, 3), the orthogonal matrices of a finite group, in the frame of the positions, the identity first; (0, 3, 3)
        for a continuous group.
    axis
        (3,), the axis of a linear environment, else None.
    deviation
        The largest distance (Å) between the image of a neighbour under an operation and the neighbour that it is carried onto.
    """

    group: PointGroup
    operations: Array
    axis: Array | None
    deviation: float

    @property
    def symbol(self) -> str:
        """Schoenflies symbol."""
        return self.group.name

    def invariants(self, l: int, parity: int | None = None) -> int:
        """Dimension of what features (l, parity) of the site can be, see `theory.PointGroup.invariants`; 0: they vanish."""
        return self.group.invariants(l, parity)


def atom_site_symmetry(
    numbers: ArrayLike,
    positions: ArrayLike,
    atom: int,
    *,
    cutoff: float | None = None,
    tolerance: float = TOLERANCE,
) -> SiteSymmetry:
    """The point group of one atom of a molecule.

    Parameters
    ----------
    numbers
        (A,), atomic numbers.
    positions
        (A, 3), Å.
    atom
        Index of the atom.
    cutoff
        Radius (Å) up to which neighbours count, None for all atoms. What a network of T layers can tell of an atom lies within T
        times its cutoff.
    tolerance
        As in `site_symmetry`.

    Raises
    ------
    InputError
        If shapes do not fit, the index is out of range, or the cutoff is not above zero; and as `site_symmetry`.
    """
    points, kinds = _points(positions), np.asarray(numbers)
    if kinds.shape != (len(points),):
        raise InputError(f"numbers have shape {kinds.shape}: give ({len(points)},), one for each position")
    index = require_int("atom", atom, 0)
    if index >= len(points):
        raise InputError(f"atom = {index} is out of range: give 0 to {len(points) - 1}")
    if cutoff is not None and not cutoff > 0:
        raise InputError(f"cutoff is {cutoff!r}: give a radius in Å above zero, or None")
    displacements = points - points[index]
    near = np.arange(len(points)) != index
    if cutoff is not None:
        near &= np.linalg.norm(displacements, axis=1) <= cutoff + tolerance
    return site_symmetry(displacements[near], kinds[near], tolerance=tolerance)


def site_symmetry(
    displacements: ArrayLike, species: ArrayLike, *, tolerance: float = TOLERANCE
) -> SiteSymmetry:
    """The point group of a centre with the neighbours around it.

    Parameters
    ----------
    displacements
        (N, 3), Å, from the centre to each neighbour; with those of periodic images a site of a crystal. The centre itself may be
        an atom or not (a ring's middle); what lies on it to within the tolerance does not count.
    species
        (N,), what tells neighbours apart: atomic numbers, or any labels that can be compared.
    tolerance
        How far (Å) an operation may carry a neighbour past its image. An irrep that the group forbids has amplitudes of
        the order of `deviation` over the neighbour's distance.

    Returns
    -------
    SiteSymmetry
        The largest group of operations within the tolerance. Where those within it are no group (near the tolerance products may
        fall outside), the ones that fit worst are left out until they are.

    Raises
    ------
    InputError
        If the shapes do not fit, a number is not finite, two neighbours coincide, or the tolerance is not above zero.

    Examples
    --------
    >>> corners = [[1, 1, 1], [1, -1, -1], [-1, 1, -1], [-1, -1, 1]]
    >>> site = site_symmetry(corners, ["H"] * 4)
    >>> site.symbol, [site.invariants(l) for l in range(5)]
    ('Td', [1, 0, 0, 1, 1])
    """
    points, labels = _points(displacements), np.asarray(species)
    if labels.shape != (len(points),):
        raise InputError(
            f"species have shape {labels.shape}: give ({len(points)},), one for each displacement"
        )
    if (
        isinstance(tolerance, bool)
        or not isinstance(tolerance, int | float | np.floating)
        or not 0 < tolerance < np.inf
    ):
        raise InputError(f"tolerance is {tolerance!r}: give a length in Å above zero")
    away = np.linalg.norm(points, axis=1) > tolerance
    points, kinds = points[away], np.unique(labels[away], return_inverse=True)[1]
    nothing = np.zeros((0, 3, 3))
    if len(points) == 0:
        return SiteSymmetry(point_group("Kh"), nothing, None, 0.0)
    shells = _shells(points, kinds, tolerance)
    if _matching(np.eye(3), points, shells) is None:
        raise InputError("two neighbours of one species are at the same position: give each neighbour once")
    axis = points[np.argmax(np.linalg.norm(points, axis=1))]
    axis = axis / np.linalg.norm(axis)
    off = np.linalg.norm(points - np.outer(points @ axis, axis), axis=1).max()
    if off <= tolerance:
        matching = _matching(-np.eye(3), points, shells)
        missed = np.inf if matching is None else _misfit(-np.eye(3), points, matching)
        if missed <= tolerance:
            return SiteSymmetry(point_group("D∞h"), nothing, axis, float(max(off, missed)))
        return SiteSymmetry(point_group("C∞v"), nothing, axis, float(off))
    operations, misfits = _operations(points, shells, tolerance)
    group, kept = _largest_group(operations, misfits)
    return SiteSymmetry(group, operations[kept], None, float(misfits[kept].max()))


def average_of_characters(operations: ArrayLike, l: int, parity: int | None = None) -> int:
    r"""Number of invariants in the irrep (l, parity) of a finite group of orthogonal matrices, shape (n, 3, 3).

    .. math:: \frac1n \sum_g p(g) \sum_{|m| \le l} \cos m\alpha_g

    with :math:`\alpha_g` the angle of the rotation det(g) g, and p(g) the parity where det(g) = -1, else 1. For a group it is an
    integer, whatever the orientation.

    Raises
    ------
    InputError
        If the matrices are not orthogonal, or the average is no integer, so that they are no group.

    Examples
    --------
    >>> mirror = np.diag([1.0, 1.0, -1.0])
    >>> average_of_characters([np.eye(3), mirror], 1), average_of_characters([np.eye(3), mirror], 1, 1)
    (2, 1)
    """
    degree = require_int("l", l, 0)
    sign = require_parity(parity, degree)
    matrices = np.asarray(operations, dtype=np.float64)
    if matrices.ndim != 3 or matrices.shape[1:] != (3, 3) or len(matrices) == 0:
        raise InputError(f"operations have shape {matrices.shape}: give (n, 3, 3), n at least 1")
    # Features of a site tell what is off by far more than this, and no two elements of a group are as close.
    if not np.abs(np.swapaxes(matrices, 1, 2) @ matrices - np.eye(3)).max() < 1e-3:
        raise InputError("an operation is not orthogonal: give matrices with R^T R = 1")
    determinants = np.sign(np.linalg.det(matrices))
    cosines = (determinants * np.trace(matrices, axis1=1, axis2=2) - 1) / 2
    angles = np.arccos(np.clip(cosines, -1, 1))
    characters = np.cos(np.arange(-degree, degree + 1)[:, None] * angles).sum(axis=0)
    average = float(np.mean(np.where(determinants < 0, sign, 1) * characters))
    if abs(average - round(average)) > 0.1:
        raise InputError(
            f"the characters of the operations average to {average:.3f}: give all elements of a group"
        )
    return round(average)


def _points(values: ArrayLike) -> Array:
    try:
        points = np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError):
        raise InputError("positions are not numbers: give an array of shape (N, 3) in Å") from None
    if points.size == 0:
        points = points.reshape(0, 3)
    if points.ndim != 2 or points.shape[1] != 3:
        raise InputError(f"positions have shape {points.shape}: give (N, 3), in Å")
    if not np.isfinite(points).all():
        row = int(np.argwhere(~np.isfinite(points))[0, 0])
        raise InputError(f"position {row} is {points[row].tolist()}: give finite numbers only")
    return points


def _shells(points: Array, kinds: NDArray[np.int64], tolerance: float) -> list[NDArray[np.int64]]:
    """Indices of the neighbours of one kind at one distance: distances that differ by more than 2 tolerances are two."""
    radii = np.linalg.norm(points, axis=1)
    order = np.lexsort((radii, kinds))
    apart = (np.diff(kinds[order]) != 0) | (np.diff(radii[order]) > 2 * tolerance)
    return sorted(np.split(order, np.flatnonzero(apart) + 1), key=len)


def _matching(
    operation: Array, points: Array, shells: Sequence[NDArray[np.int64]]
) -> NDArray[np.int64] | None:
    """Index of the neighbour nearest to the image of each, within its shell; None where two share one."""
    images = points @ operation.T
    matching = np.empty(len(points), dtype=np.int64)
    for shell in shells:
        distances = np.linalg.norm(images[shell][:, None] - points[shell][None], axis=2)
        nearest = distances.argmin(axis=1)
        if len(shell) > 1 and (np.bincount(nearest, minlength=len(shell)) != 1).any():
            return None
        matching[shell] = shell[nearest]
    return matching


def _misfit(operation: Array, points: Array, matching: NDArray[np.int64]) -> float:
    return float(np.linalg.norm(points @ operation.T - points[matching], axis=1).max())


def _reference(
    points: Array, shells: Sequence[NDArray[np.int64]]
) -> tuple[NDArray[np.int64], NDArray[np.int64], int, int]:
    """Two shells and one neighbour of each, not in line with the centre: the pair that has the fewest images."""
    units = points / np.linalg.norm(points, axis=1)[:, None]
    best: tuple[float, int, int, int] | None = None
    best_pair = (shells[0], shells[0], 0, 0)
    for i, first in enumerate(shells):
        for second in shells[i:]:
            images = len(first) * len(second)
            if best is not None and best[0] >= _CLEAR_SINE and images >= best[1]:
                break  # shells come with growing numbers
            sines = np.linalg.norm(np.cross(units[first[0]], units[second]), axis=1)
            k = int(sines.argmax())
            clear = min(float(sines[k]), _CLEAR_SINE)
            if best is None or (clear, -images) > (best[0], -best[1]):
                best, best_pair = (
                    (clear, images, int(first[0]), int(second[k])),
                    (first, second, int(first[0]), int(second[k])),
                )
    return best_pair


def _frames(first: Array, second: Array) -> Array:
    """Orthonormal frames (n, 3, 3), columns: along the first vectors, in the plane of both, and across."""
    along = first / np.linalg.norm(first, axis=1)[:, None]
    beside = second - np.sum(second * along, axis=1)[:, None] * along
    beside /= np.linalg.norm(beside, axis=1)[:, None]
    return np.stack([along, beside, np.cross(along, beside)], axis=2)


def _operations(points: Array, shells: Sequence[NDArray[np.int64]], tolerance: float) -> tuple[Array, Array]:
    """All operations within the tolerance, each fitted to all neighbours, and how far each misses."""
    first, second, a, b = _reference(points, shells)
    lengths = np.linalg.norm(points[[a, b]], axis=1)
    inner = points[first] @ points[second].T
    # Vectors that are off by the tolerance have inner products off by that times their lengths.
    rows, columns = np.nonzero(np.abs(inner - points[a] @ points[b]) <= 2.5 * tolerance * lengths.sum())
    sines = np.linalg.norm(np.cross(points[first[rows]], points[second[columns]]), axis=1)
    usable = sines > 0.5 * np.linalg.norm(np.cross(points[a], points[b]))
    rows, columns = rows[usable], columns[usable]
    frame = _frames(points[[a]], points[[b]])[0]
    targets = _frames(points[first[rows]], points[second[columns]])
    fits: dict[
        tuple[float, bytes], tuple[Array, float]
    ] = {}  # rough ones that meet in one matching are one operation
    for sign in (1.0, -1.0):
        for target in targets:
            rough = target @ np.diag([1.0, 1.0, sign]) @ frame.T
            matching = _matching(rough, points, shells)
            if matching is None or (key := (sign, matching.tobytes())) in fits:
                continue
            fitted = _fitted(points, points[matching], sign)
            misfit = _misfit(fitted, points, matching)
            if misfit <= tolerance:
                fits[key] = fitted, misfit
    return np.array([fit[0] for fit in fits.values()]), np.array([fit[1] for fit in fits.values()])


def _fitted(points: Array, images: Array, sign: float) -> Array:
    """The orthogonal matrix of determinant `sign` that carries points closest to images (least squares)."""
    left, _, right = np.linalg.svd(images.T @ points)
    flip = np.diag([1.0, 1.0, sign * np.linalg.det(left) * np.linalg.det(right)])
    return np.asarray(left @ flip @ right)


def _largest_group(operations: Array, misfits: Array) -> tuple[PointGroup, NDArray[np.int64]]:
    """The largest set of operations, best fitting ones first, that is a group, and the group."""
    order = np.argsort(misfits, kind="stable")
    identity = int(np.abs(operations - np.eye(3)).max(axis=(1, 2)).argmin())
    order = np.concatenate([[identity], order[order != identity]])
    matrices = operations[order]
    table = _products(matrices)
    for size in range(len(matrices), 1, -1):
        part = table[:size, :size]
        if ((part >= 0) & (part < size)).all():
            try:
                return group_of_operations(*_counts(matrices[:size], part)), order[:size]
            except InputError:  # closed by chance, and no group of space
                continue
    return point_group("C1"), order[:1]


def _products(matrices: Array) -> NDArray[np.int64]:
    """Which of the operations the product of each two is; -1 where it is none."""
    flat = matrices.reshape(len(matrices), 9)
    square = np.sum((flat[:, None] - flat[None]) ** 2, axis=2)
    separation = np.sqrt(square[~np.eye(len(flat), dtype=bool)].min()) if len(flat) > 1 else 1.0
    products = np.einsum("aij,bjk->abik", matrices, matrices).reshape(-1, 9)
    # Orthogonal matrices all have the square 3, so that the nearest one has the largest inner product.
    overlaps = products @ flat.T
    nearest = overlaps.argmax(axis=1)
    distance = np.linalg.norm(products - flat[nearest], axis=1)
    return np.asarray(np.where(distance < separation / 2, nearest, -1).reshape(len(flat), len(flat)))


def _counts(matrices: Array, table: NDArray[np.int64]) -> tuple[dict[int, int], dict[int, int]]:
    """How many proper and improper operations there are by the order of det(g) g, from their products alone."""
    inverted = np.abs(matrices + np.eye(3)).max(axis=(1, 2))
    inversion = int(inverted.argmin()) if inverted.min() < 0.1 else -1
    counts: tuple[dict[int, int], dict[int, int]] = ({}, {})
    for element, matrix in enumerate(matrices):
        improper = bool(np.linalg.det(matrix) < 0)
        power, order = element, 1
        # (det(g) g)^n = 1 when g^n is the identity, or for odd n and improper g inversion; a group has no higher order than 2n.
        while power != (inversion if improper and order % 2 else 0):
            power, order = int(table[power, element]), order + 1
            if order > 2 * len(matrices):
                raise InputError("the operations do not form a group: lower the tolerance")
        counts[improper][order] = counts[improper].get(order, 0) + 1
    return counts
