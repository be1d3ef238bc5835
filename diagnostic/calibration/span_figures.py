"""Figures of the calibration table: ranks against theory, the staircase of singular values, C_n fields."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import ListedColormap
from matplotlib.figure import Figure

from ...numerics.calibration import CYCLIC_ORDERS, CalibrationRow
from ..pages.axes import Layout, size_of
from ..pages.figure_style import Palette
from .heading import NARROW, heading, new_figure

#: Staircases drawn in one figure.
_MOST_STAIRCASES = 5

#: Width of a staircase's label, inches.
_LABEL_INCHES = 0.86


def draw_ranks(rows: Sequence[CalibrationRow], palette: Palette, layout: Layout = "wide") -> Figure:
    """Draw every measured rank over the boundary dL, on the line (dL+1)^2 of theory."""
    figure, axes = _framed(
        "Rank of the span: measured and exact", _agreement(rows), palette, layout, 5.2, above=0.12
    )
    ranks_panel(axes, rows, palette)
    return figure


def ranks_panel(axes: Axes, rows: Sequence[CalibrationRow], palette: Palette) -> None:
    """Draw every measured rank over the boundary dL on given axes."""
    top = max(row.boundary for row in rows)
    boundary = np.linspace(min(row.boundary for row in rows) * 0.9, top * 1.1, 200)
    axes.plot(
        boundary,
        (boundary + 1) ** 2,
        color=palette.rule,
        lw=5,
        solid_capstyle="round",
        label="theory, (dL+1)²",
    )
    kinds: tuple[tuple[str, str, float, str, Callable[[CalibrationRow], int | None]], ...] = (
        ("float64, singular values", "o", 7.5, palette.degree_2, lambda row: row.rank_float),
        (
            "mod p, two primes",
            "s",
            4.6,
            palette.degree_1,
            _modular_rank,
        ),
        ("mod p, in blocks of one m", "x", 3.4, palette.ink, lambda row: row.rank_structured),
    )
    for label, marker, size, colour, rank in kinds:
        points = [(row.boundary, rank(row)) for row in rows if rank(row) is not None]
        if points:
            x, y = zip(*points, strict=True)
            face = colour if marker == "x" else "none"
            axes.plot(x, y, marker, ms=size, mec=colour, mfc=face, mew=1.1, label=label, ls="none")
    axes.set_xscale("log")
    axes.set_yscale("log")
    ticks = [t for t in (1, 2, 3, 4, 6, 8, 12, 16, 24, 36, 64, 128, 256, 512) if t <= top * 1.1]
    axes.set_xticks(ticks, [str(t) for t in ticks])
    axes.minorticks_off()
    axes.set_xlabel("boundary dL")
    axes.set_ylabel("rank of the span on directions")
    axes.legend(frameon=False, loc="upper left", fontsize=8)


def draw_staircase(rows: Sequence[CalibrationRow], palette: Palette, layout: Layout = "wide") -> Figure:
    """Draw singular values relative to the first: they drop at (dL+1)^2 and nowhere before."""
    note = "dashed: (dL+1)², the exact dimension; short lines: what rounding may leave"
    title = "Singular values drop at the exact dimension"
    figure, axes = _framed(title, note, palette, layout, 6.2, above=0.36)
    staircase_panel(axes, rows, palette)
    return figure


def staircase_panel(axes: Axes, rows: Sequence[CalibrationRow], palette: Palette) -> None:
    """Draw singular values relative to the first on given axes."""
    chosen = _spread([row for row in rows if row.singular_values], _LABEL_INCHES / size_of(axes)[0])
    colours = (palette.degree_1, palette.degree_2, palette.degree_3, palette.degree_4, palette.muted)
    for row, colour in zip(chosen, colours, strict=False):
        assert row.singular_values is not None
        assert row.tolerance is not None
        sigma = np.array(row.singular_values)
        sigma = np.maximum(sigma / sigma[0], 1e-18)
        index = np.arange(1, len(sigma) + 1)
        axes.plot(index, sigma, ".", ms=3, color=colour)
        # the step itself, also where nothing measured follows it
        axes.axvline(row.dimension + 0.5, color=colour, lw=0.8, ls=(0, (4, 3)), zorder=0)
        axes.annotate(
            f"d = {row.degree}, L = {row.l_max}\n{row.dimension}",
            (row.dimension + 0.5, 1),
            xytext=(0, 6),
            textcoords="offset points",
            ha="center",
            fontsize=7.5,
            color=colour,
            annotation_clip=False,
        )
        axes.plot(
            [row.dimension + 0.5, max(len(sigma), row.dimension + 0.5) * 1.12],
            [row.tolerance / row.singular_values[0]] * 2,
            color=colour,
            lw=1.4,
        )
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.set_ylim(1e-18, 3)
    last = max(row.dimension for row in chosen)
    ticks = [t for t in (1, 3, 10, 30, 100, 300, 1000, 3000) if t <= last * 1.2]
    axes.set_xticks(ticks, [str(t) for t in ticks])
    axes.minorticks_off()
    axes.set_xlabel("index of the singular value")
    axes.set_ylabel("singular value, relative to the largest")


def draw_cyclic(rows: Sequence[CalibrationRow], palette: Palette, layout: Layout = "wide") -> Figure:
    """Draw which pure C_n fields lie in the span, by pair (d, L)."""
    width = 4.6 if layout == "wide" else NARROW
    head = heading(
        "Cₙ fields in the span", "1: the field Re Yₙₙ is represented exactly; 0: no part of it is", width
    )
    height = head.inches + 0.44 + 0.2 * len(rows)
    figure = new_figure(width, height)
    head.write(figure, palette)
    figure.subplots_adjust(
        left=1.32 / width, right=1 - 0.06 / width, bottom=0.12 / height, top=1 - (head.inches + 0.3) / height
    )
    cyclic_panel(figure.add_subplot(), rows, palette)
    return figure


def cyclic_panel(axes: Axes, rows: Sequence[CalibrationRow], palette: Palette) -> None:
    """Draw which pure C_n fields lie in the span on given axes."""
    ordered = sorted(rows, key=lambda row: (row.boundary, row.degree))
    values = np.array([[row.cyclic_exact[str(n)] for n in CYCLIC_ORDERS] for row in ordered])
    axes.pcolormesh(
        values,
        cmap=ListedColormap([palette.band, palette.fill]),
        vmin=0,
        vmax=1,
        edgecolors=palette.paper,
        linewidth=1.2,
    )
    for i, line in enumerate(values):
        for k, value in enumerate(line):
            colour = palette.on_fill if value else palette.muted
            axes.text(k + 0.5, i + 0.5, str(value), ha="center", va="center", fontsize=7, color=colour)
    axes.set_yticks(
        np.arange(len(ordered)) + 0.5,
        [f"d {row.degree}, L {row.l_max}   dL = {row.boundary}" for row in ordered],
        fontsize=7.5,
    )
    roomy = size_of(axes)[0] / len(CYCLIC_ORDERS) > 0.25  # inches of a column that "C12" fits
    labels = [f"C{n}" if roomy or n == CYCLIC_ORDERS[0] else str(n) for n in CYCLIC_ORDERS]
    axes.set_xticks(np.arange(len(CYCLIC_ORDERS)) + 0.5, labels)
    axes.xaxis.tick_top()
    axes.tick_params(length=0)
    axes.invert_yaxis()
    for spine in axes.spines.values():
        spine.set_visible(False)


def _modular_rank(row: CalibrationRow) -> int | None:
    """Return the smallest of the ranks over the primes."""
    return min(row.rank_mod_p.values()) if row.rank_mod_p else None


def _spread(rows: Sequence[CalibrationRow], label: float) -> list[CalibrationRow]:
    """Return rows far enough apart in the logarithm of the dimension for their labels, from the largest down.

    ``label`` is a label's width as a fraction of the axis, which runs from 1 to the largest dimension.
    """
    # of one dimension, the pair with the most singular values after the cliff
    by_dimension = {
        row.dimension: row for row in sorted(rows, key=lambda row: len(row.singular_values or ()))
    }
    dimensions = sorted(by_dimension, reverse=True)
    step = max(
        dimensions[0] ** label,
        (dimensions[0] / dimensions[-1]) ** (1 / (_MOST_STAIRCASES - 1)) * 0.999,
    )
    chosen: list[int] = []
    for dimension in dimensions:
        if not chosen or chosen[-1] / dimension >= step:
            chosen.append(dimension)
    return [by_dimension[dimension] for dimension in reversed(chosen[:_MOST_STAIRCASES])]


def _agreement(rows: Sequence[CalibrationRow]) -> str:
    wrong = sum(not row.agrees for row in rows)
    if wrong:
        return f"{wrong} of {len(rows)} pairs (d, L) disagree with theory"
    if len(rows) == 1:
        return "the pair (d, L) agrees with theory, in every way of measuring"
    return f"all {len(rows)} pairs (d, L) agree with theory, in every way of measuring"


def _framed(
    title: str, note: str, palette: Palette, layout: Layout, wide: float, above: float
) -> tuple[Figure, Axes]:
    """Return a figure with its heading and one pair of axes, whose plot begins ``above`` inches below the heading."""
    width = wide if layout == "wide" else NARROW
    head = heading(title, note, width)
    height = head.inches + above + (3.3 if layout == "wide" else 2.9)
    figure = new_figure(width, height)
    head.write(figure, palette)
    figure.subplots_adjust(
        left=0.6 / width, right=1 - 0.1 / width, bottom=0.48 / height, top=1 - (head.inches + above) / height
    )
    return figure, figure.add_subplot()
