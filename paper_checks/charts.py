"""Draw charts, which claims give as data, in the common style: one column wide, light and dark, as vectors."""

from __future__ import annotations

from itertools import cycle

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ..diagnostic.measurement.result import LOW
from ..diagnostic.pages.figure_style import LIGHT, Palette, figure_style, shade, svg_text
from .outcome import Chart, Line

#: Width of a column, inches; text of 8.5 points stays readable there.
WIDTH = 4.4
_MARKERS = "os^Dvp"


def draw(chart: Chart, palette: Palette = LIGHT) -> Figure:
    """Return a chart as a Matplotlib figure.

    Lines differ by marker as well as by colour, so that they stay apart without colour.
    """
    with figure_style(palette):
        if chart.kind == "grid":
            return _grid(chart, palette)
        if chart.kind == "bars":
            return _bars(chart, palette)
        return _lines(chart, palette)


def draw_on(axes: Axes, chart: Chart, palette: Palette) -> None:
    """Draw a chart on given axes, its title above it."""
    {"grid": _draw_grid, "bars": _draw_bars, "lines": _draw_lines}[chart.kind](axes, chart, palette)
    axes.set_title(chart.title, loc="left", pad=16 if chart.marks else None)
    if len(chart.lines) > 1:
        axes.legend(frameon=False, fontsize="small")


def svg(chart: Chart, palette: Palette = LIGHT) -> str:
    """Return a chart as an SVG document: the same bytes for the same chart."""
    with figure_style(palette):
        return svg_text(draw(chart, palette))


def _colours(palette: Palette) -> tuple[str, ...]:
    return (
        palette.degree_2,
        palette.degree_1,
        palette.degree_3,
        palette.degree_4,
        palette.ink,
        palette.muted,
    )


def _errors(line: Line) -> np.ndarray[tuple[int, int], np.dtype[np.float64]] | None:
    if line.low is None or line.high is None:
        return None
    y = np.array([np.nan if v is None else v for v in line.y], dtype=float)
    low = np.array([np.nan if v is None else v for v in line.low], dtype=float)
    high = np.array([np.nan if v is None else v for v in line.high], dtype=float)
    return np.array([np.maximum(y - low, 0.0), np.maximum(high - y, 0.0)])


def _lines(chart: Chart, palette: Palette) -> Figure:
    rows = -(-len(chart.lines) // 2)
    figure = Figure(figsize=(WIDTH, 2.5 + 0.17 * rows), layout="constrained")
    _draw_lines(figure.add_subplot(), chart, palette)
    if len(chart.lines) > 1:
        figure.legend(loc="outside upper left", ncols=2, frameon=False, fontsize=8, handlelength=2.2)
    return figure


def _draw_lines(axes: Axes, chart: Chart, palette: Palette) -> None:
    styles = cycle(zip(_colours(palette), _MARKERS, strict=True))
    for line, (colour, marker) in zip(chart.lines, styles, strict=False):
        y = [np.nan if v is None else v for v in line.y]
        theory = line.style == "theory"
        axes.errorbar(
            line.x,
            y,
            yerr=_errors(line),
            label=line.label,
            color=palette.ink if theory else colour,
            linestyle={"points": "-", "line": "-", "theory": "--"}[line.style],
            linewidth=1.0 if theory else 1.3,
            marker="" if theory else marker,
            markevery=max(
                1, len(line.x) // 8
            ),  # of a long line some, so that it is told apart without colour
            markersize=4.2,
            capsize=2.2,
            elinewidth=0.9,
        )
    if chart.log_x:
        axes.set_xscale("log")
        ticks = _apart(sorted({float(x) for line in chart.lines for x in line.x}))
        axes.set_xticks(ticks, [f"{tick:g}" for tick in ticks])
        axes.minorticks_off()
    if chart.log_y:
        axes.set_yscale("log")
    if chart.x_range:
        axes.set_xlim(*chart.x_range)
    if chart.y_range and chart.kind == "lines":
        axes.set_ylim(*chart.y_range)
    if _named(chart):
        axes.set_xticks([x for x, _ in chart.marks], [label for _, label in chart.marks])
    else:
        _marks(axes, chart, palette)
    axes.set_xlabel(chart.x_label)
    axes.set_ylabel(chart.y_label)


def _named(chart: Chart) -> bool:
    """Return whether the marks name every point of every line, which makes them the ticks of the axis."""
    names = {x for x, _ in chart.marks}
    return bool(names) and all(names == {float(x) for x in line.x} for line in chart.lines)


def _apart(ticks: list[float]) -> list[float]:
    """Return those of some sorted ticks of a logarithmic axis whose labels do not touch, from the right."""
    if len(ticks) < 2:
        return ticks
    inches = 0.07 * max(len(f"{tick:g}") for tick in ticks) + 0.1  # a digit of 8 points, and a gap
    least = np.log(ticks[-1] / ticks[0]) * inches / (0.75 * WIDTH)
    kept = [ticks[-1]]
    for tick in reversed(ticks[:-1]):
        if np.log(kept[0] / tick) >= least:
            kept.insert(0, tick)
    return kept


def _marks(axes: Axes, chart: Chart, palette: Palette) -> None:
    """Draw the marks; their labels stand above, clear of the data, and turn inwards near the right edge."""
    left, right = axes.get_xlim()
    for x, label in chart.marks:
        axes.axvline(x, color=palette.muted, linewidth=0.9, linestyle=":")
        inwards = (x - left) / (right - left) > 0.8
        axes.annotate(
            label,
            (x, 1.0),
            xycoords=("data", "axes fraction"),
            xytext=(2 if inwards else 0, 2),
            textcoords="offset points",
            ha="right" if inwards else "center",
            va="bottom",
            fontsize=7.5,
            color=palette.muted,
        )


def _bars(chart: Chart, palette: Palette) -> Figure:
    """Draw a dot with its interval for each category, categories from top to bottom."""
    height = 0.9 + 0.24 * len(chart.categories) + 0.2 * (len(chart.lines) > 1)
    figure = Figure(figsize=(WIDTH, height), layout="constrained")
    _draw_bars(figure.add_subplot(), chart, palette)
    if len(chart.lines) > 1:
        figure.legend(loc="outside upper left", ncols=2, frameon=False, fontsize=8)
    return figure


def _draw_bars(axes: Axes, chart: Chart, palette: Palette) -> None:
    count = len(chart.categories)
    step = 0.64 / len(chart.lines)
    for k, (line, colour, marker) in enumerate(
        zip(chart.lines, cycle(_colours(palette)), cycle(_MARKERS), strict=False)
    ):
        position = np.asarray(line.x, dtype=float) + (k - (len(chart.lines) - 1) / 2) * step
        values = [np.nan if v is None else v for v in line.y]
        axes.errorbar(
            values,
            position,
            xerr=_errors(line),
            label=line.label,
            color=colour,
            linestyle="",
            marker=marker,
            markersize=4.6,
            capsize=2.2,
            elinewidth=0.9,
        )
    axes.set_yticks(range(count), chart.categories)
    axes.set_ylim(count - 0.5, -0.5)
    axes.grid(axis="y", color=palette.rule, linewidth=0.5)
    axes.set_axisbelow(True)
    if chart.log_x:
        axes.set_xscale("log")
    if chart.x_range:
        axes.set_xlim(*chart.x_range)
    if chart.y_range and chart.kind == "lines":
        axes.set_ylim(*chart.y_range)
    _marks(axes, chart, palette)
    axes.set_xlabel(chart.x_label)
    axes.set_ylabel(chart.y_label)


def _grid(chart: Chart, palette: Palette) -> Figure:
    """Draw numbers on shaded cells: one hue from 0 to 1."""
    rows, columns = len(chart.rows), len(chart.categories)
    figure = Figure(figsize=(min(WIDTH, 0.9 + 0.62 * columns), 0.75 + 0.36 * rows), layout="constrained")
    _draw_grid(figure.add_subplot(), chart, palette)
    return figure


def _draw_grid(axes: Axes, chart: Chart, palette: Palette) -> None:
    rows, columns = len(chart.rows), len(chart.categories)
    for i, cells in enumerate(chart.cells):
        for j, value in enumerate(cells):
            opacity, light = shade(value, LOW)
            sides = [j - 0.48, j + 0.48]
            axes.fill_between(sides, i - 0.46, i + 0.46, color=palette.fill, alpha=opacity, linewidth=0)
            text = "–" if value is None else f"{value:.3f}".replace("-0.000", "0.000")
            colour = palette.on_fill if light else palette.ink
            axes.text(j, i, text, ha="center", va="center", fontsize=8, color=colour)
    axes.set_xticks(range(columns), chart.categories)
    axes.set_yticks(range(rows), chart.rows)
    axes.set_xlim(-0.5, columns - 0.5)
    axes.set_ylim(rows - 0.5, -0.5)
    axes.tick_params(length=0)
    for side in axes.spines.values():
        side.set_visible(False)
    axes.set_xlabel(chart.x_label)
    axes.set_ylabel(chart.y_label)
