"""The environments in which most and least is recovered, and the structures that hold them, drawn."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from numpy.typing import NDArray

from ...theory.errors import InputError
from ..injection.fields import DENSITY_CUTOFF
from ..measurement.result import Result, boundary, l_top
from ..measurement.structure_values import ShownStructure, shown_structures
from ..pages.axes import Layout, number, size_of
from ..pages.figure_style import Palette
from .cluster_drawing import (
    CENTRE_RADIUS,
    RADIUS,
    Disc,
    bonds_of,
    cell_edges,
    draw_atoms_in_space,
    local_cluster,
    symbol,
    view,
)
from .molecule_figure import shade_scale

#: Pools whose environments are drawn, at most.
MOST_POOLS = 6
#: Structures of at most this many atoms have the symbols of all of them.
_MOST_LABELS = 60
_WIDTH = {"wide": 7.4, "narrow": 3.6}
#: With more bonds for each atom the lines of a structure would hide it.
_MOST_BONDS = 3
_LEGEND = 0.5
#: Å from the middle to the edge of a picture of an environment, at least.
_LEAST_REACH = 1.7
#: Inches of one Å in a picture of a structure, at most.
_LARGEST = 0.42


@dataclass(frozen=True)
class Pictured:
    """An environment of a structure that the result keeps: its pool, its place, and its R2 at one l."""

    pool: str
    shown: ShownStructure
    atom: int
    r2: float


def judged_l(result: Result) -> int:
    """Return the l that environments are ranked at: the ceiling, or the highest that was injected."""
    return min(boundary(result, int(result["ceiling"]["degree"])), l_top(result))


def best_and_worst(result: Result) -> list[tuple[Pictured, Pictured]]:
    """Return for each pool, in the order of their first environments, the environments with the highest and the lowest R2.

    Ranked at the ceiling, among those of structures that the result keeps. A pool with a single one is left out.
    """
    columns, at = result.get("environments"), judged_l(result)
    if columns is None:
        return []
    shown = {of.structure: of for of in shown_structures(result)}
    pools: dict[str, list[Pictured]] = {}
    for structure, atom, pool, r2 in zip(
        columns["structure"], columns["atom"], columns["pool"], columns["r2"][at], strict=True
    ):
        if structure in shown and r2 is not None:
            pools.setdefault(pool, []).append(Pictured(pool, shown[structure], atom, r2))
    return [
        (max(some, key=lambda pictured: pictured.r2), min(some, key=lambda pictured: pictured.r2))
        for some in pools.values()
        if len(some) > 1
    ]


def can_draw_environments(result: Result) -> bool:
    """Whether the result keeps structures with environments to compare."""
    return bool(best_and_worst(result))


def can_draw_structures(result: Result) -> bool:
    """Whether the result keeps a periodic structure, or several, whose atoms were measured."""
    shown = shown_structures(result)
    periodic = any(of.atoms.pbc.any() for of in shown)
    return ("environments" in result or periodic) and any(of.values.measured.any() for of in shown)


def draw_environments(result: Result, palette: Palette, layout: Layout) -> Figure:
    """Draw the best and the worst environment of each pool: the atom, and what the injected density reaches."""
    pairs = best_and_worst(result)[:MOST_POOLS]
    pools_in_a_row = 2 if layout == "wide" and len(pairs) > 1 else 1
    rows = -(-len(pairs) // pools_in_a_row)
    gap, side = (
        0.12,
        min(1.72, (_WIDTH[layout] - 0.2 - 0.12 * (2 * pools_in_a_row - 1)) / (2 * pools_in_a_row)),
    )
    title = 0.5
    width, height = _WIDTH[layout], rows * (side + title) + _LEGEND
    figure = _figure(width, height, palette)
    for index, pair in enumerate(pairs):
        row, column = divmod(index, pools_in_a_row)
        for k, pictured in enumerate(pair):
            left = 0.1 + (2 * column + k) * (side + gap)
            bottom = _LEGEND + (rows - 1 - row) * (side + title)
            axes = figure.add_axes((left / width, bottom / height, side / width, side / height))
            _draw_cluster(axes, pictured, palette, side)
            _title(
                axes,
                f"{_pool(pictured.pool)}, {('best', 'worst')[k]}: {number(pictured.r2, 2)}",
                _place(pictured.shown, pictured.atom),
                palette,
            )
    return figure  # fmt: skip


def environment_panel(
    axes: Axes, result: Result, palette: Palette, *, pool: str | None = None, worst: bool = True
) -> None:
    """Draw the worst (or best) environment of a pool on given axes; None: the first pool."""
    pairs = {_pool(best.pool): (best, least) for best, least in best_and_worst(result)}
    name = next(iter(pairs)) if pool is None else pool
    if name not in pairs:
        raise InputError(f"there is no pool {name!r} to draw, expected one of {', '.join(pairs)}")
    pictured = pairs[name][1 if worst else 0]
    _draw_cluster(axes, pictured, palette, min(size_of(axes)))
    which = "worst" if worst else "best"
    axes.set_title(f"{name}, {which}: R² = {number(pictured.r2, 2)} at ℓ = {judged_l(result)}", loc="left")


def draw_structures(result: Result, palette: Palette, layout: Layout) -> Figure:
    """Draw structures with every atom shaded by its R2 at the ceiling, in their cells: those of best and worst mean."""
    chosen, at = _chosen(result), judged_l(result)
    side_by_side = len(chosen) if layout == "wide" else 1
    rows = -(-len(chosen) // side_by_side)
    width = _WIDTH[layout]
    panel = min(3.3, (width - 0.2 - 0.2 * (side_by_side - 1)) / side_by_side)
    title = 0.5
    drawn = [_turned(of) for of in chosen]
    spans = [np.ptp(_corners(places, edges), axis=0)[:2] + 2 * RADIUS + 0.2 for places, edges in drawn]
    scales = [min(_LARGEST, panel / max(span)) for span in spans]
    heights = [scale * span[1] for scale, span in zip(scales, spans, strict=True)]
    tall = [max(heights[r * side_by_side : (r + 1) * side_by_side]) for r in range(rows)]
    height = sum(tall) + rows * title + _LEGEND
    figure = _figure(width, height, palette)
    top = height
    for r in range(rows):
        top -= title
        for c, of in enumerate(chosen[r * side_by_side : (r + 1) * side_by_side]):
            left, bottom = 0.1 + c * (panel + 0.2), top - tall[r]
            axes = figure.add_axes((left / width, bottom / height, panel / width, tall[r] / height))
            _draw_structure(axes, of, *drawn[r * side_by_side + c], at, palette, (panel, tall[r]))
            words = f"R² at ℓ = {at}, mean {number(_mean(of, at), 2)}"
            formula = of.atoms.get_chemical_formula(mode="hill")  # type: ignore[no-untyped-call]
            _title(axes, formula, f"{_structure(of)}; {words}", palette)
        top -= tall[r]
    return figure


def structure_panel(
    axes: Axes, result: Result, palette: Palette, *, structure: int | None = None, l: int | None = None
) -> None:
    """Draw one structure at one l on given axes; None: the one with the lowest mean, at the ceiling."""
    shown = {of.structure: of for of in shown_structures(result)}
    at = judged_l(result) if l is None else l
    if not 0 <= at <= l_top(result):
        raise InputError(f"l is {at}, expected 0 to {l_top(result)}, the highest that was injected")
    of = _chosen(result)[-1] if structure is None else shown.get(structure)
    if of is None:
        raise InputError(
            f"structure {structure} is not kept in the result, expected one of {', '.join(map(str, shown))}"
        )
    _draw_structure(axes, of, *_turned(of), at, palette, size_of(axes))
    axes.set_title(f"R² of every atom at ℓ = {at}", loc="left")


def _chosen(result: Result) -> list[ShownStructure]:
    """Return the structures of highest and lowest mean R2 at the ceiling; one where there is one."""
    at = judged_l(result)
    measured = [of for of in shown_structures(result) if np.isfinite(of.values.r2[:, at]).any()]
    ranked = sorted(measured or shown_structures(result), key=lambda of: -_mean(of, at))
    return [ranked[0], ranked[-1]] if len(ranked) > 1 else ranked


def _mean(of: ShownStructure, at: int) -> float:
    values = of.values.r2[:, at]
    values = values[np.isfinite(values)]
    return float(values.mean()) if len(values) else 0.0


def _figure(width: float, height: float, palette: Palette) -> Figure:
    """Return a figure with the scale of shades at its foot."""
    figure = Figure(figsize=(width, height))
    FigureCanvasAgg(figure)
    axes = figure.add_axes((0, 0, 1, 0.46 / height))
    axes.set_xlim(0, width)
    axes.set_ylim(0, 0.46)
    axes.set_axis_off()
    shade_scale(axes, palette, 0.1, 1.8)
    return figure


def _title(axes: Axes, words: str, small: str, palette: Palette) -> None:
    style: dict[str, Any] = {"xycoords": "axes fraction", "textcoords": "offset points"}
    axes.annotate(words, (0, 1), xytext=(2, 16), fontsize=9.5, fontweight="bold", color=palette.ink, **style)
    axes.annotate(small, (0, 1), xytext=(2, 5), fontsize=7.6, color=palette.muted, **style)


def _pool(scope: str) -> str:
    return scope.partition(":")[2]


def _structure(of: ShownStructure) -> str:
    return "reference" if of.role == "reference" else f"structure {of.structure}"


def _place(of: ShownStructure, atom: int) -> str:
    return f"{_structure(of)}, {symbol(of.atoms.numbers[atom])}{atom}"


def _draw_cluster(axes: Axes, pictured: Pictured, palette: Palette, side: float) -> None:
    atoms = pictured.shown.atoms
    cluster = local_cluster(atoms, pictured.atom, DENSITY_CUTOFF)
    turn = view(cluster.places)
    places = cluster.places @ turn.T
    middle = (places.min(axis=0) + places.max(axis=0)) / 2
    places = places - middle
    reach = max(float(np.abs(places[:, :2]).max()), _LEAST_REACH) + CENTRE_RADIUS + 0.1
    inches = side / 2 / reach
    discs = [Disc(CENTRE_RADIUS, pictured.r2, f"{symbol(cluster.numbers[0])}\n{_short(pictured.r2)}", 2.0)]
    discs += [Disc(RADIUS, None, symbol(z)) for z in cluster.numbers[1:]]
    edges = [
        (edge - atoms.positions[pictured.atom]) @ turn.T - middle for edge in _home_cell(atoms, pictured.atom)
    ]
    axes.set_xlim(-reach, reach)
    axes.set_ylim(-reach, reach)
    axes.set_aspect("equal")
    axes.set_axis_off()
    bonds = bonds_of(cluster.numbers, cluster.places)
    if sum(0 not in bond for bond in bonds) > len(
        cluster.numbers
    ):  # a crystal: the lines of the others would hide it
        bonds = [bond for bond in bonds if 0 in bond]
    draw_atoms_in_space(
        axes,
        cluster.numbers,
        places,
        discs,
        palette,
        inches=inches,
        edges=edges,
        bonds=bonds,
    )


def _home_cell(atoms: Any, atom: int) -> list[NDArray[np.float64]]:
    """Return the edges of the cell that an atom lies in."""
    if not atoms.pbc.any():
        return []
    cell = atoms.cell.complete().array
    whole = np.floor(np.linalg.solve(cell.T, atoms.positions[atom])) * atoms.pbc
    return [edge + whole @ cell for edge in cell_edges(cell, atoms.pbc)]


def _turned(of: ShownStructure) -> tuple[NDArray[np.float64], list[NDArray[np.float64]]]:
    """Return positions ``(atoms, 3)`` and the edges of the cell in the view, the middle of all at the origin."""
    atoms = of.atoms.copy()  # type: ignore[no-untyped-call]
    atoms.wrap(eps=0.1)
    edges = list(cell_edges(atoms.cell.complete().array, atoms.pbc)) if atoms.pbc.any() else []
    turn = view(atoms.positions)
    places, lines = atoms.positions @ turn.T, [edge @ turn.T for edge in edges]
    every = _corners(places, lines)
    middle = (every.min(axis=0) + every.max(axis=0)) / 2
    return places - middle, [line - middle for line in lines]


def _corners(
    places: NDArray[np.float64], edges: Sequence[NDArray[np.float64]]
) -> NDArray[np.float64]:  # fmt: skip
    return np.concatenate([places, *edges])


def _draw_structure(
    axes: Axes, of: ShownStructure, places: NDArray[np.float64], edges: Sequence[NDArray[np.float64]], at: int,
    palette: Palette, size: tuple[float, float],
) -> None:  # fmt: skip
    span = np.ptp(_corners(places, edges), axis=0)[:2] + 2 * RADIUS + 0.2
    inches = min(size[0] / span[0], size[1] / span[1], _LARGEST)
    axes.set_xlim(-size[0] / inches / 2, size[0] / inches / 2)
    axes.set_ylim(-size[1] / inches / 2, size[1] / inches / 2)
    axes.set_axis_off()
    few = len(places) <= _MOST_LABELS and inches * RADIUS > 0.07
    discs = []
    for i, (z, value) in enumerate(zip(of.atoms.numbers, of.values.r2[:, at], strict=True)):
        known = bool(np.isfinite(value))
        low = known and of.values.reason[i] not in ("not_low", "not_measured", "no_mark")
        discs.append(
            Disc(RADIUS, float(value) if known else None, symbol(z) if few else "", 2.0 if low else 0.9)
        )
    bonds = bonds_of(of.atoms.numbers, places)
    if len(bonds) > _MOST_BONDS * len(places):
        bonds = []
    draw_atoms_in_space(
        axes, of.atoms.numbers, places, discs, palette, inches=inches, edges=edges, bonds=bonds
    )


def _short(value: float) -> str:
    """Return a number of a few characters: .96, 1.0, .00, with a minus sign, and without decimals below -1."""
    if value <= -0.995:
        return number(value, 0)
    return "1.0" if value >= 0.995 else number(value, 2).replace("0.", ".", 1)
