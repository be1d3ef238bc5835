"""What every figure shares: the two layouts, numbers as labels, ticks for every l, and a measured line."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Literal

from matplotlib.axes import Axes
from matplotlib.colors import to_hex, to_rgba

from .figure_style import DARK, LIGHT, Palette

#: "wide" stands side by side, for a desktop page or a README; "narrow" stacks, for a phone or a column of
#: text.
Layout = Literal["wide", "narrow"]


def number(value: float, digits: int = 3) -> str:
    """Return a number for a label: fixed digits, a true minus sign, and no negative zero."""
    text = f"{value:.{digits}f}"
    if float(text) == 0:
        text = text.lstrip("-")
    return text.replace("-", "\N{MINUS SIGN}")


def palette_of(axes: Axes) -> Palette:
    """Return the palette for axes that somebody else made: light or dark by what lies behind them, which is its paper."""
    figure = axes.get_figure(root=True)
    for colour in (axes.get_facecolor(), figure.get_facecolor() if figure else "none"):
        red, green, blue, opacity = to_rgba(colour)
        if opacity > 0.5:
            bright = 0.299 * red + 0.587 * green + 0.114 * blue > 0.5
            return replace(LIGHT if bright else DARK, paper=to_hex(colour))
    return LIGHT


def on_axes(panel: Callable[..., None], result: Mapping[str, Any]) -> Callable[..., None]:
    """Return the drawing of a panel ``(axes, result, palette, **options)`` of this result on axes that somebody else made."""
    return lambda axes, **options: panel(axes, result, palette_of(axes), **options)


def size_of(axes: Axes) -> tuple[float, float]:
    """Return width and height of axes in inches."""
    box = axes.get_window_extent()
    return box.width / axes.figure.dpi, box.height / axes.figure.dpi


def degree_ticks(top: int, inches: float) -> range:
    """Return every l from 0 to ``top`` that has room for their number on an axis of this length."""
    step = 1
    while step * inches / (top + 1) < 0.2:
        step += 1
    return range(0, top + 1, step)


def draw_line(
    axes: Axes, rows: Sequence[Mapping[str, Any]], colour: str, palette: Palette, *,
    offset: float = 0.0, marker: str = "o", strong: bool = True, hollow: bool = False, zorder: float = 3,
) -> None:  # fmt: skip
    """Draw the measured values of a series, with intervals; rows without a number are left out."""
    rows = [row for row in rows if row["r2"] is not None]
    at = [row["l"] + offset for row in rows]
    values = [row["r2"] for row in rows]
    axes.plot(
        at, values, color=colour, linewidth=2.0 if strong else 1.2, zorder=zorder, solid_capstyle="round"
    )
    for x, row in zip(at, rows, strict=True):
        if row["r2_low"] is not None and row["r2_high"] is not None:
            axes.vlines(x, row["r2_low"], row["r2_high"], color=colour, linewidth=1.0, zorder=zorder)
    axes.plot(
        at, values, linestyle="none", marker=marker, markersize=5.5 if strong else 4.6, zorder=zorder + 0.1,
        color=palette.paper if hollow else colour,
        markeredgecolor=colour if hollow else palette.paper, markeredgewidth=1.2 if hollow else 0.7,
    )  # fmt: skip
