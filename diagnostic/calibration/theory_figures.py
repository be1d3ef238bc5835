"""Figures of the theory: the multiplicity triangle and the map of what each (degree, l_max) reaches."""

from __future__ import annotations

import math
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import LinearSegmentedColormap, to_rgb
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from ...theory import InputError, formal_multiplicities, minimal_pairs
from ..pages.axes import palette_of
from ..pages.figure_style import LIGHT, Palette, figure_style, png_bytes, svg_text
from ..records.files import write_whole

#: Cyclic symmetries whose thresholds are drawn into the reach map.
_FOLDS = (3, 5, 8, 12)


def draw_multiplicity_triangle(l_max: int, max_degree: int, palette: Palette = LIGHT) -> Figure:
    """Draw the formal multiplicities mu(l) of all degrees up to `max_degree`, one row for each.

    Every row ends at its boundary dL with multiplicity one; nothing is to the right of it.
    """
    width = max_degree * l_max + 1
    figure = Figure(figsize=(0.44 * width + 1.3, 0.42 * max_degree + 1.5), layout="constrained")
    FigureCanvasAgg(figure)
    _draw_triangle(figure.add_subplot(), l_max, max_degree, palette)
    figure.suptitle(
        f"How often each l occurs among polynomials of degree d, L = {l_max}\nevery row ends at l = dL, with multiplicity one",
        fontsize=9,
        x=0.02,
        ha="left",
    )
    return figure


def plot_multiplicities(l_max: int, max_degree: int, ax: Axes | None = None) -> Axes:
    """Draw the formal multiplicities of degrees 1..`max_degree` on given Matplotlib axes, and return them.

    Every row ends at its ceiling l = dL, with multiplicity one (framed). None: the axes of a new figure.
    """
    ax = ax or _new_axes()
    _draw_triangle(ax, l_max, max_degree, palette_of(ax))
    return ax


def plot_reach(max_degree: int, max_l: int, ax: Axes | None = None) -> Axes:
    """Draw the ceiling dL of every pair (d, L) and the lines beyond which C_n fields are reached on given axes; return them."""
    ax = ax or _new_axes()
    _draw_reach(ax, max_degree, max_l, palette_of(ax))
    return ax


def _new_axes() -> Axes:
    from matplotlib import pyplot

    axes: Axes = pyplot.subplots(layout="constrained")[1]
    return axes


def _draw_triangle(axes: Axes, l_max: int, max_degree: int, palette: Palette) -> None:
    rows = [formal_multiplicities(degree, l_max) for degree in range(1, max_degree + 1)]
    width, top = max_degree * l_max + 1, math.log(max(max(row) for row in rows) + 1)
    shades = _shades(palette)
    for degree, row in enumerate(rows, start=1):
        for l, count in enumerate(row):
            level = math.log(count + 1) / top
            _cell(axes, l, degree, shades(level), str(count), palette, light_text=level > 0.55)
        edge = Rectangle(
            (len(row) - 1.5, degree - 0.5), 1, 1, fill=False, ec=palette.degree_1, lw=1.6, zorder=3
        )
        axes.add_patch(edge)
    axes.set_xlim(-0.6, width - 0.4)
    axes.set_ylim(max_degree + 0.6, 0.4)
    axes.set_xticks(range(width))
    axes.set_yticks(range(1, max_degree + 1))
    axes.set_xlabel("angular frequency l")
    axes.set_ylabel("polynomial degree d")
    _bare(axes)


def draw_reach_map(max_degree: int, max_l: int, palette: Palette = LIGHT) -> Figure:
    """Draw the boundary dL of every pair, and for C_n fields the line beyond which they are reached."""
    figure = Figure(figsize=(0.52 * max_degree + 1.5, 0.46 * max_l + 1.5), layout="constrained")
    FigureCanvasAgg(figure)
    _draw_reach(figure.add_subplot(), max_degree, max_l, palette)
    figure.suptitle(
        "Ceiling dL of every pair; a field of symmetry $C_n$ is reached\nabove its line (rings: its minimal pairs)",
        fontsize=9,
        x=0.02,
        ha="left",
    )
    return figure


def _draw_reach(axes: Axes, max_degree: int, max_l: int, palette: Palette) -> None:
    shades = _shades(palette)
    for degree in range(1, max_degree + 1):
        for l_max in range(1, max_l + 1):
            level = 0.75 * math.log(degree * l_max) / math.log(max(max_degree * max_l, 2))
            _cell(axes, degree, l_max, shades(level), str(degree * l_max), palette, light_text=level > 0.55)
    for fold in _FOLDS:
        if fold <= max_degree * max_l:
            _threshold(axes, fold, max_degree, max_l, palette)
    axes.legend(frameon=False, loc="upper left", bbox_to_anchor=(1.0, 1.0), fontsize=8, handlelength=1.4)
    axes.set_xlim(0.4, max_degree + 0.65)
    axes.set_ylim(0.4, max_l + 0.6)
    axes.set_xticks(range(1, max_degree + 1))
    axes.set_yticks(range(1, max_l + 1))
    axes.set_xlabel("polynomial degree d")
    axes.set_ylabel("L of the features")
    _bare(axes)


def _shades(palette: Palette) -> LinearSegmentedColormap:
    return LinearSegmentedColormap.from_list("shades", [to_rgb(palette.band), to_rgb(palette.fill)])


def _cell(
    axes: Axes, x: int, y: int, colour: object, text: str, palette: Palette, *, light_text: bool
) -> None:
    axes.add_patch(Rectangle((x - 0.47, y - 0.47), 0.94, 0.94, fc=colour, ec="none", zorder=1))
    ink = palette.on_fill if light_text else palette.ink
    axes.text(
        x, y, text, ha="center", va="center", fontsize=7.5 if len(text) < 5 else 5.5, color=ink, zorder=4
    )


def _threshold(axes: Axes, fold: int, max_degree: int, max_l: int, palette: Palette) -> None:
    """Draw the staircase between pairs with dL < n and those with dL >= n, and ring the minimal pairs."""
    index = _FOLDS.index(fold)
    colour = palette.of_degree(1 + index)
    shift = 0.03 * (index - 1.5)  # keeps lines apart that share an edge
    x: list[float] = []
    y: list[float] = []
    for degree in range(1, max_degree + 1):
        l_max = -(-fold // degree)
        x += [degree - 0.5 + shift, degree + 0.5 + shift]
        y += [min(l_max - 0.5, max_l + 0.5) + shift] * 2
    axes.plot(x, y, color=colour, lw=1.6, zorder=2, label=f"$C_{{{fold}}}$", solid_joinstyle="miter")
    for degree, l_max in minimal_pairs(fold):
        if degree <= max_degree and l_max <= max_l:
            axes.plot(degree, l_max, "o", ms=15, mfc="none", mec=colour, mew=1.1, zorder=3)


def _bare(axes: Axes) -> None:
    for spine in axes.spines.values():
        spine.set_visible(False)
    axes.tick_params(length=0)
    axes.set_aspect("equal")


def write_figures(directory: Path, l_max: int = 2, max_degree: int = 6) -> list[Path]:
    """Write both figures as PNG and SVG into a folder, replacing earlier ones of the same name.

    Raises
    ------
    InputError
        If the folder cannot be made.
    """
    try:
        directory.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"--figures {directory} cannot be made ({error.strerror}): give a folder") from None
    paths = []
    with figure_style(LIGHT):
        figures = {
            "multiplicity_triangle": draw_multiplicity_triangle(l_max, max_degree),
            "reach_map": draw_reach_map(8, 8),
        }
        for name, figure in figures.items():
            for suffix, data in ((".png", png_bytes(figure)), (".svg", svg_text(figure).encode("utf-8"))):
                path = directory / f"{name}{suffix}"
                write_whole(path, data)
                paths.append(path)
    return paths
