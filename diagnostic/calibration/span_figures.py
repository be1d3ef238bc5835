"""Figures of the calibration table: ranks against theory, the staircase of singular values, C_n fields."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import ListedColormap
from matplotlib.figure import Figure

from ...numerics.calibration import CYCLIC_ORDERS, CalibrationRow
from ..pages.figure_style import Palette

#: Staircases drawn in one figure.
_MOST_STAIRCASES = 5

#: Width of a staircase's label as a fraction of the axis, which runs from 1 to the largest dimension.
_LABEL_WIDTH = 0.16


def draw_ranks(rows: Sequence[CalibrationRow], palette: Palette) -> Figure:
    """Draw every measured rank over the boundary dL, on the line (dL+1)^2 of theory."""
    figure = _figure(5.2, 3.9)
    ranks_panel(figure.add_subplot(), rows, palette)
    _title(figure, "Rank of the span: measured and exact", palette, _agreement(rows))
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
        ("mod p, by orders m", "x", 3.4, palette.ink, lambda row: row.rank_structured),
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
    axes.set_xlabel("boundary dL, polynomial degree times feature degree")
    axes.set_ylabel("rank of the span on directions")
    axes.legend(frameon=False, loc="upper left", fontsize=8)


def draw_staircase(rows: Sequence[CalibrationRow], palette: Palette) -> Figure:
    """Draw singular values relative to the first: they fall off a cliff at (dL+1)^2 and nowhere before."""
    figure = _figure(6.2, 3.9)
    staircase_panel(figure.add_subplot(), rows, palette)
    note = "dashed: (dL+1)², the exact dimension; short lines: what rounding may leave"
    _title(figure, "Singular values fall off a cliff at the exact dimension", palette, note, room=0.78)
    return figure


def staircase_panel(axes: Axes, rows: Sequence[CalibrationRow], palette: Palette) -> None:
    """Draw singular values relative to the first on given axes."""
    chosen = _spread([row for row in rows if row.singular_values])
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


def draw_cyclic(rows: Sequence[CalibrationRow], palette: Palette) -> Figure:
    """Draw which pure C_n fields lie in the span, by pair (d, L)."""
    figure = _figure(4.6, 1.5 + 0.185 * len(rows))
    cyclic_panel(figure.add_subplot(), rows, palette)
    height = figure.get_figheight()
    figure.subplots_adjust(left=0.29, right=0.985, bottom=0.12 / height, top=1 - 0.86 / height)
    figure.text(
        0.02, 1 - 0.26 / height, "C_n fields in the span".replace("_n", "ₙ"), fontsize=10.5, fontweight="bold"
    )
    note = "1: the field Re Yₙₙ is represented exactly; 0: no part of it is"
    figure.text(0.02, 1 - 0.47 / height, note, fontsize=8, color=palette.muted)
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
    axes.set_xticks(np.arange(len(CYCLIC_ORDERS)) + 0.5, [f"C{n}" for n in CYCLIC_ORDERS])
    axes.xaxis.tick_top()
    axes.tick_params(length=0)
    axes.invert_yaxis()
    for spine in axes.spines.values():
        spine.set_visible(False)


def _modular_rank(row: CalibrationRow) -> int | None:
    """Return the smallest of the ranks over the primes."""
    return min(row.rank_mod_p.values()) if row.rank_mod_p else None


def _spread(rows: Sequence[CalibrationRow]) -> list[CalibrationRow]:
    """Return rows far enough apart in the logarithm of the dimension for their labels, from the largest down."""
    # of one dimension, the pair with the most singular values after the cliff
    by_dimension = {
        row.dimension: row for row in sorted(rows, key=lambda row: len(row.singular_values or ()))
    }
    dimensions = sorted(by_dimension, reverse=True)
    step = max(
        dimensions[0] ** _LABEL_WIDTH,
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


def _figure(width: float, height: float) -> Figure:
    figure = Figure(figsize=(width, height))
    FigureCanvasAgg(figure)
    return figure


def _title(figure: Figure, title: str, palette: Palette, note: str, room: float = 0.84) -> None:
    figure.subplots_adjust(left=0.115, right=0.98, bottom=0.125, top=room)
    figure.text(0.02, 0.945, title, fontsize=10.5, fontweight="bold")
    figure.text(0.02, 0.895, note, fontsize=8, color=palette.muted)
