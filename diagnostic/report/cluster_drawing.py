"""Atoms in space on paper: the view in which they hide each other least, discs with labels, bonds, and the cell."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from ase import Atoms
from ase.data import chemical_symbols, covalent_radii
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.patches import Circle
from numpy.typing import NDArray

from ..frames.marks import BONDED
from ..frames.neighbours import neighbours
from ..measurement.result import LOW
from ..pages.figure_style import Palette, shade

#: Directions of view that are tried, spread evenly over half a sphere.
_VIEWS = 400
#: Discs nearer than this (Å) on paper count as hiding each other, and what each pair that does costs against Å of extent.
_APART, _HIDDEN = 0.9, 12.0
#: Elements that bond in pairs; between others lines would only say that they are packed.
_NONMETALS = np.isin(
    np.arange(119), [1, *range(5, 11), *range(14, 19), *range(32, 37), *range(51, 55), 84, 85, 86]
)
#: Pairs of atoms beyond which the view is not searched for.
_MOST_PAIRS = 10_000
#: Radii of discs in Å: of the atom that is looked at, and of the others.
CENTRE_RADIUS, RADIUS = 0.46, 0.36


@dataclass(frozen=True)
class Cluster:
    """Some atoms around the origin.

    Attributes
    ----------
    numbers : (atoms,) int array
        Atomic numbers; the first is the atom that is looked at.
    places : (atoms, 3) float array
        Positions (Å) from the first.
    """

    numbers: NDArray[np.int64]
    places: NDArray[np.float64]


def local_cluster(atoms: Atoms, centre: int, cutoff: float) -> Cluster:
    """Return an atom with all atoms, and images of them, that are nearer than the cutoff (Å)."""
    pairs = neighbours(atoms.positions, cutoff, atoms.cell.array, tuple(bool(x) for x in atoms.pbc))  # type: ignore[arg-type]
    mine = pairs.first == centre
    others = pairs.second[mine]
    order = np.argsort(pairs.distances[mine], kind="stable")
    numbers = np.concatenate([atoms.numbers[[centre]], atoms.numbers[others[order]]])
    return Cluster(numbers.astype(np.int64), np.concatenate([np.zeros((1, 3)), pairs.vectors[mine][order]]))


def view(places: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return a rotation ``(3, 3)`` whose rows are right, up and towards the reader.

    Of many directions, that in which fewest atoms hide each other, and among those the one in which they extend farthest; the
    longest extent lies along the first row. Deterministic.
    """
    inside = places - places.mean(axis=0)
    if len(places) == 1:
        return np.eye(3)
    directions = _half_sphere() if len(places) ** 2 <= _MOST_PAIRS else _half_sphere()[7:8]
    gaps = inside[:, None] - inside[None]
    first, second = np.triu_indices(len(places), 1)
    gaps = gaps[first, second]
    along = gaps @ directions.T
    flat = np.sqrt(np.maximum((gaps**2).sum(axis=1)[:, None] - along**2, 0.0))
    hidden = np.maximum(0.0, 1.0 - flat / _APART).sum(axis=0)
    extent = ((inside**2).sum(axis=1)[:, None] - (inside @ directions.T) ** 2).mean(axis=0)
    towards = directions[int(np.argmin(_HIDDEN * hidden - np.sqrt(np.maximum(extent, 0.0))))]
    across = np.linalg.svd(inside - np.outer(inside @ towards, towards))[2][0]
    across = across - (across @ towards) * towards
    across = across / np.linalg.norm(across)
    across = across * (1.0 if across[np.argmax(np.abs(across))] > 0 else -1.0)
    return np.stack([across, np.cross(towards, across), towards])


def _half_sphere() -> NDArray[np.float64]:
    """Return directions spread evenly over half a sphere: a spiral of the golden angle."""
    k = np.arange(_VIEWS) + 0.5
    z, turn = 1.0 - k / _VIEWS, np.pi * (1.0 + np.sqrt(5.0)) * k
    flat = np.sqrt(1.0 - z**2)
    return np.stack([flat * np.cos(turn), flat * np.sin(turn), z], axis=1)


def bonds_of(numbers: NDArray[np.int64], places: NDArray[np.float64]) -> list[tuple[int, int]]:
    """Return the pairs to draw lines between, among these places alone, shape ``(atoms, 3)`` (Å).

    Pairs nearer than 1.2 times the sum of their covalent radii; those of two metals only where all are metals, and then the
    nearest ones.
    """
    distances = np.linalg.norm(places[:, None] - places[None], axis=2)
    np.fill_diagonal(distances, np.inf)
    radii, nonmetal = covalent_radii[numbers], _NONMETALS[numbers]
    near = distances < BONDED * (radii[:, None] + radii[None])
    if nonmetal.any():
        near &= nonmetal[:, None] | nonmetal[None]
    elif len(numbers) > 1:
        near &= distances < BONDED * distances.min()
    return [(int(i), int(j)) for i, j in zip(*np.nonzero(np.triu(near, 1)), strict=True)]


def cell_edges(cell: NDArray[np.float64], pbc: Sequence[bool]) -> Iterator[NDArray[np.float64]]:
    """Yield the edges ``(2, 3)`` of a cell along its periodic vectors, at every corner that the others make."""
    corners = [
        np.array([a, b, c]) for a in (0, 1) for b in (0, 1) for c in (0, 1)
        if not any(on and not periodic for on, periodic in zip((a, b, c), pbc, strict=True))
    ]  # fmt: skip
    for corner in corners:
        for k in range(3):
            if pbc[k] and corner[k] == 0:
                yield np.stack([corner, corner + np.eye(3)[k]]) @ cell


@dataclass(frozen=True)
class Disc:
    """How an atom is drawn: its radius (Å), its R2 (None: not measured), what stands in it, and how strong its rim is."""

    radius: float
    value: float | None = None
    text: str = ""
    rim: float = 0.9


def draw_atoms_in_space(
    axes: Axes,
    numbers: NDArray[np.int64],
    places: NDArray[np.float64],
    discs: Sequence[Disc],
    palette: Palette,
    *,
    inches: float,
    edges: Sequence[NDArray[np.float64]] = (),
    bonds: Sequence[tuple[int, int]] | None = None,
) -> None:
    """Draw atoms that are turned to their view already, far ones first, with bonds, labels and the edges of a cell.

    Parameters
    ----------
    places
        ``(atoms, 3)``, Å: right, up, towards the reader.
    inches
        Of one Å on paper.
    edges
        ``(2, 3)`` each, in the same view.
    bonds
        Pairs to draw lines between; None: those of :func:`bonds_of`.
    """
    if len(edges):
        lines = [edge[:, :2] for edge in edges]
        axes.add_collection(
            LineCollection(lines, colors=palette.muted, linewidths=0.7, linestyles=[(0, (5, 2))], zorder=0.5)
        )
    depth = places[:, 2]
    order = np.argsort(depth, kind="stable")
    rank = {int(atom): k for k, atom in enumerate(order)}
    for i, j in bonds_of(numbers, places) if bonds is None else bonds:
        axes.plot(*places[[i, j], :2].T, color=palette.muted, linewidth=1.1, zorder=2 + min(rank[i], rank[j]))
    far = _far(depth)
    for i in order:
        _disc(axes, places[i], discs[i], palette, 2.5 + rank[int(i)], bool(far[i]), inches)


def _far(depth: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Return which atoms lie in the back third of what is drawn."""
    low, high = float(depth.min()), float(depth.max())
    return np.asarray(depth < low + (high - low) / 3) if high - low > 1.0 else np.zeros(len(depth), bool)


def _disc(
    axes: Axes, place: NDArray[np.float64], disc: Disc, palette: Palette, layer: float, far: bool, inches: float
) -> None:  # fmt: skip
    at = (float(place[0]), float(place[1]))
    opacity, light_text = shade(disc.value, LOW)
    axes.add_patch(Circle(at, disc.radius, facecolor=palette.paper, linewidth=0, zorder=layer))
    if disc.value is not None and opacity > 0.0:
        axes.add_patch(
            Circle(at, disc.radius, facecolor=palette.fill, alpha=opacity, linewidth=0, zorder=layer)
        )
    axes.add_patch(
        Circle(
            at, disc.radius, fill=False, zorder=layer, linewidth=disc.rim,
            edgecolor=palette.ink if disc.rim > 1 else palette.rule if far else palette.muted,
        )
    )  # fmt: skip
    if not disc.text:
        return
    ink = palette.muted if far or disc.value is None else palette.ink
    lines = disc.text.count("\n") + 1
    longest = max(map(len, disc.text.split("\n")))
    points = min(
        72 * inches * disc.radius * (1.15 if lines == 1 else 0.78), 72 * inches * disc.radius * 2.5 / longest
    )
    axes.text(
        *at, disc.text, ha="center", va="center_baseline" if lines == 1 else "center", fontsize=min(points, 9.0),
        color=palette.on_fill if light_text and disc.value is not None else ink, zorder=layer + 0.2, linespacing=1.0,
        fontweight="bold" if disc.rim > 1 else "normal",
    )  # fmt: skip


def symbol(number: int) -> str:
    """Return the symbol of an atomic number."""
    return str(chemical_symbols[int(number)])
