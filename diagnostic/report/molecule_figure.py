"""The molecule with every atom coloured by what is recovered there, at the ceiling and just above it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from ase.data import chemical_symbols
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure
from matplotlib.patches import Circle, Rectangle
from numpy.typing import NDArray

from ...theory.errors import InputError
from ..measurement.result import LOW, NO_PATH, Result, atom_rows, boundary, l_top, no_ceiling, series
from ..pages.axes import Layout, number, size_of
from ..pages.figure_style import Palette, shade

#: Inches from atom to bonded atom: room for a name and a number in each disc.
_BOND_INCHES = 0.44
_SMALLEST = 0.36
#: Radius of an atom's disc, in bonds.
_RADIUS = 0.4
_WIDTH = {"wide": 7.4, "narrow": 3.6}


def can_draw_molecule(result: Result) -> bool:
    """Whether the result has a drawing and the rows of its atoms."""
    return bool(result["data"].get("depiction")) and bool(atom_rows(result))


def shown_degree(result: Result) -> int:
    """Return the l that the molecule is drawn at first: the ceiling, or the finest l recovered where there is none."""
    degree = int(result["ceiling"]["degree"])
    if not no_ceiling(result):
        return boundary(result, degree)
    rows = series(result["recovery"], result, "free").get(degree, [])
    return max([1, *(row["l"] for row in rows if row["verdict"] == "recovered")])


def draw_molecule(result: Result, palette: Palette, layout: Layout) -> Figure:
    """Draw the molecule once at the ceiling and once one degree above it, atoms shaded by R2.

    One hue from paper (0) to full colour (1), with the number in each disc, so that nothing rests on telling colours
    apart. A thick rim marks an atom that is called low; a dashed one an atom that was not measured.
    """
    edge = shown_degree(result)
    panels = [at for at in (edge, edge + 1) if at <= l_top(result)] or [l_top(result)]
    drawing = result["data"]["depiction"]
    places = np.asarray(drawing["positions"], dtype=np.float64)
    size = np.ptp(places, axis=0) + 2 * _RADIUS + 0.3
    width = _WIDTH[layout]
    beside = layout == "wide" and len(panels) > 1 and (width - 0.5) / 2 / size[0] >= _SMALLEST
    columns = len(panels) if beside else 1
    rows = len(panels) // columns
    inches = min(_BOND_INCHES, (width - 0.1 - 0.3 * (columns - 1)) / columns / size[0])
    panel_width = (width - 0.1 - 0.3 * (columns - 1)) / columns
    title, legend, gap = 0.42, 0.5, 0.12
    panel_height = size[1] * inches
    height = rows * (panel_height + title + gap) + legend
    figure = Figure(figsize=(width, height))
    FigureCanvasAgg(figure)
    for index, at in enumerate(panels):
        row, column = divmod(index, columns)
        bottom = legend + (rows - 1 - row) * (panel_height + title + gap) + gap / 2
        axes = figure.add_axes(
            (
                (0.05 + column * (panel_width + 0.3)) / width,
                bottom / height,
                panel_width / width,
                panel_height / height,
            )
        )
        half = panel_width / inches / 2
        axes.set_xlim(-half, half)
        axes.set_ylim(-size[1] / 2, size[1] / 2)
        axes.set_axis_off()
        _bonds(axes, places, drawing["bonds"], palette, inches)
        _atoms(axes, result, places, at, palette, inches)
        where = "at the ceiling" if at == edge else "just above the ceiling" if at == edge + 1 else "below"
        named = f"ℓ = {at}" if no_ceiling(result) else f"ℓ = {at}, {where}"
        axes.annotate(
            named, (0, 1), xycoords="axes fraction", xytext=(2, 8), textcoords="offset points",
            fontsize=10, fontweight="bold", color=palette.ink,
        )  # fmt: skip
    _legend(figure, result, palette, layout)
    return figure


def molecule_panel(axes: Axes, result: Result, palette: Palette, *, l: int | None = None) -> None:
    """Draw the molecule at one l on given axes; None: at the ceiling, or at the highest l that was injected."""
    at = min(shown_degree(result), l_top(result)) if l is None else l
    if not 0 <= at <= l_top(result):
        raise InputError(f"l is {at}, expected 0 to {l_top(result)}, the highest that was injected")
    drawing = result["data"]["depiction"]
    places = np.asarray(drawing["positions"], dtype=np.float64)
    size = np.ptp(places, axis=0) + 2 * _RADIUS + 0.3
    width, height = size_of(axes)
    inches = min(width / size[0], height / size[1])
    axes.set_xlim(-width / inches / 2, width / inches / 2)
    axes.set_ylim(-height / inches / 2, height / inches / 2)
    axes.set_aspect("equal")
    axes.set_axis_off()
    _bonds(axes, places, drawing["bonds"], palette, inches)
    _atoms(axes, result, places, at, palette, inches)
    axes.set_title(f"R² of every atom at ℓ = {at}", loc="left")


def _bonds(
    axes: Axes, places: NDArray[np.float64], bonds: Sequence[Sequence[float]], palette: Palette, inches: float
) -> None:
    solid: list[NDArray[np.float64]] = []
    dashed: list[NDArray[np.float64]] = []
    for first, second, order in bonds:
        a, b = places[int(first)], places[int(second)]
        along = (b - a) / max(float(np.linalg.norm(b - a)), 1e-9)
        across = 0.055 * np.array([-along[1], along[0]])
        if order == 2 or order == 1.5:
            solid.append(np.array([a + across, b + across]))
            (dashed if order == 1.5 else solid).append(np.array([a - across, b - across]))
        else:
            solid.append(np.array([a, b]))
        if order == 3:
            solid += [np.array([a + 2 * across, b + 2 * across]), np.array([a - 2 * across, b - 2 * across])]
    for lines, style in ((solid, "solid"), (dashed, (0, (2.2, 1.6)))):
        if lines:
            axes.add_collection(
                LineCollection(lines, colors=palette.muted, linewidths=1.1, linestyles=[style], zorder=1)
            )


def _atoms(
    axes: Axes, result: Result, places: NDArray[np.float64], at: int, palette: Palette, inches: float
) -> None:
    rows = atom_rows(result)
    known = {int(atom["index"]): atom for atom in result["atoms"]}
    symbols = [chemical_symbols[number] for number in result["data"]["numbers"]]
    points = 72 * inches  # of one bond
    for index, (x, y) in enumerate(places):
        row = next((row for row in rows.get(index, []) if int(row["l"]) == at), None)
        value = None if row is None else row["r2"]
        measured = row is not None
        atom = known.get(index)
        low = atom is not None and bool(atom.get("low"))
        rim = {"linewidth": 2.2 if low else 0.9, "edgecolor": palette.ink if low else palette.muted}
        axes.add_patch(Circle((x, y), _RADIUS, facecolor=palette.paper, linewidth=0, zorder=2))
        opacity, light_text = shade(value, LOW)
        if opacity > 0.0:
            axes.add_patch(
                Circle((x, y), _RADIUS, facecolor=palette.fill, alpha=opacity, linewidth=0, zorder=3)
            )
        axes.add_patch(
            Circle(
                (x, y), _RADIUS, fill=False, zorder=4, linestyle="solid" if measured else (0, (2, 1.6)), **rim
            )
        )
        colour = palette.on_fill if light_text else palette.ink
        name = f"{symbols[index]}{index}"
        text: dict[str, Any] = {"ha": "center", "color": colour, "zorder": 5}
        if not measured:
            axes.text(
                x, y, name, va="center_baseline", fontsize=0.22 * points, **{**text, "color": palette.muted}
            )
            continue
        shown = "none" if row is not None and row["verdict"] == NO_PATH else _short(value)
        axes.text(x, y + 0.05, name, va="baseline", fontsize=0.22 * points, fontweight="bold", **text)
        axes.text(x, y - 0.04, shown, va="top", fontsize=0.22 * points, **text)


def _short(value: float | None) -> str:
    """Return a number of three characters: .96, 1.0, .00, or –.12."""
    if value is None:
        return "\N{EN DASH}"
    if value >= 0.995:
        return "1.0"
    text = number(value, 2)
    return text.replace("0.", ".", 1)


def _legend(figure: Figure, result: Result, palette: Palette, layout: Layout) -> None:
    """Draw the scale, and say what the rims mean where they occur."""
    width, height = figure.get_size_inches()
    axes = figure.add_axes((0, 0, 1, 0.46 / height))
    axes.set_xlim(0, width)
    axes.set_ylim(0, 0.46)
    axes.set_axis_off()
    left, wide = 0.1, 1.8
    shade_scale(axes, palette, left, wide)
    small: dict[str, Any] = {"fontsize": 7.6, "color": palette.ink, "va": "center"}
    notes = []
    if any(atom.get("low") for atom in result["atoms"]):
        notes.append(("low at the ceiling", {"linewidth": 2.2, "edgecolor": palette.ink}))
    if len(atom_rows(result)) < len(result["data"]["numbers"]):
        notes.append(
            ("not measured", {"linewidth": 0.9, "edgecolor": palette.muted, "linestyle": (0, (2, 1.6))})
        )
    at = left + wide + 0.3
    for place, (words, rim) in enumerate(notes):
        x, y = (at + 1.65 * place, 0.2) if layout == "wide" else (at, 0.33 - 0.22 * place)
        axes.add_patch(Circle((x, y), 0.075, fill=False, **rim))
        axes.text(x + 0.14, y, words, ha="left", **small)


def shade_scale(axes: Axes, palette: Palette, left: float, wide: float) -> None:
    """Draw the scale of shades of R2 on axes in inches, 0.46 high."""
    cells = 40
    for k in range(cells):
        opacity, _ = shade((k + 0.5) / cells, LOW)
        axes.add_patch(
            Rectangle(
                (left + k * wide / cells, 0.2),
                wide / cells,
                0.13,
                facecolor=palette.fill,
                alpha=opacity,
                linewidth=0,
            )
        )
    axes.add_patch(Rectangle((left, 0.2), wide, 0.13, fill=False, edgecolor=palette.muted, linewidth=0.7))
    small: dict[str, Any] = {"fontsize": 7.6, "color": palette.ink, "va": "center"}
    axes.text(left, 0.09, "0", ha="left", **small)
    axes.text(left + LOW * wide, 0.09, f"{LOW:g}", ha="center", **small)
    axes.text(left + wide + 0.03, 0.265, "1", ha="left", **small)
    axes.text(left + 0.45 * wide, 0.09, "R² of the atom", ha="center", **small)
