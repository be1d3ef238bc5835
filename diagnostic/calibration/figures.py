"""Figures of the synthetic calibration: the grid of (d, L), the ring of five neighbours; and the list of all figures."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure
from matplotlib.transforms import blended_transform_factory

from ...theory.errors import InputError
from ..pages.axes import Layout
from ..pages.figure_style import Palette
from .control_figure import draw_controls, pair_of
from .heading import NARROW, heading, new_figure
from .plan import FOUND_PAIR, LOST_PAIR, CalibrationCells
from .ring_cell import RingCell
from .trained import CalibrationCell

#: Height of a table of (d, L) in a narrow figure, and the room above it for its title, inches.
_TABLE, _ABOVE = 1.62, 0.3


def draw_grid(calibration: CalibrationCells, palette: Palette, layout: Layout = "wide") -> Figure:
    """Draw theory, closed form and trained network as three tables of (d, L) coloured by R2."""
    cells = calibration.panel("grid")
    first = cells[0]
    short = sum(cell.status == "not learned" for cell in cells)
    wrong = sum(not cell.agrees for cell in cells)
    note = f"1 where dL ≥ {first.field_l}, 0 elsewhere, exactly; R² on {first.settings.held_out:,} held-out directions"
    note += f"; {short} not learned (framed)" if short else "; every field was learned" if not wrong else ""
    title = f"The {first.settings.field} field, l = {first.field_l}: represented, and learned"
    figure, tables, _ = _frame(title, note, palette, layout, len(_VALUES), (2.95, 0.31, 0.285))
    for axes, value in zip(tables, _VALUES, strict=True):
        _grid(axes, cells, value, palette)
        axes.set_title(value, fontsize=9, color=palette.ink, pad=5)
    return figure


def _frame(
    title: str,
    note: str,
    palette: Palette,
    layout: Layout,
    tables: int,
    wide: tuple[float, float, float],
    below: float = 0.0,
) -> tuple[Figure, list[Axes], float]:
    """Return a figure with its heading, axes for tables of (d, L), and how high the last of them begins, inches.

    Parameters
    ----------
    wide
        Of the wide figure: its height in inches, the step from table to table and a table's width, of the figure's width.
    below
        Room under the last table of the narrow figure, inches.
    """
    width = 6.6 if layout == "wide" else NARROW
    head = heading(title, note, width)
    if layout == "wide":
        height, step, share = wide
        figure = new_figure(width, height)
        axes = [figure.add_axes((0.075 + step * k, 0.155, share, 0.585)) for k in range(tables)]
    else:
        height = head.inches + tables * (_TABLE + _ABOVE) + 0.42 + below
        figure = new_figure(width, height)
        lows = [height - head.inches - (k + 1) * (_TABLE + _ABOVE) for k in range(tables)]
        axes = [
            figure.add_axes((0.5 / width, low / height, 1 - 0.58 / width, _TABLE / height)) for low in lows
        ]
    head.write(figure, palette)
    for k, table in enumerate(axes):
        first, last = k == 0, k == tables - 1
        if layout == "narrow" or first:
            table.set_ylabel("degree d of the readout" if layout == "wide" else "degree d")
        else:
            table.tick_params(labelleft=False)
        if layout == "wide" or last:
            table.set_xlabel("L of the features")
        else:
            table.tick_params(labelbottom=False)
    return figure, axes, below


#: What a cell of the grid has by each way: theory, least squares, gradient descent.
_VALUES: dict[str, Callable[[CalibrationCell], float]] = {
    "theory": lambda cell: float(cell.theory or 0),
    "closed form": lambda cell: cell.closed_form,
    "trained": lambda cell: cell.r2,
}


def _grid(axes: Axes, cells: Sequence[CalibrationCell], value: str, palette: Palette) -> None:
    texts = {
        pair_of(cell): (
            _VALUES[value](cell),
            str(cell.theory) if value == "theory" else _number(_VALUES[value](cell)),
            value == "trained" and cell.status == "not learned",
        )
        for cell in cells
    }
    _heat_map(axes, texts, palette)


def grid_panel(
    axes: Axes, calibration: CalibrationCells, palette: Palette, *, value: str = "trained"
) -> None:
    """Draw one table of (d, L) on given axes: ``theory``, ``closed form`` or ``trained``."""
    if value not in _VALUES:
        raise InputError(f"value is {value!r}, expected one of {', '.join(_VALUES)}")
    _grid(axes, calibration.panel("grid"), value, palette)
    axes.set_title(f"R² of the {calibration.plan.field} field: {value}", loc="left")
    axes.set_xlabel("L of the features")
    axes.set_ylabel("degree d of the readout")


def ring_panel(axes: Axes, calibration: CalibrationCells, palette: Palette, *, breaking: bool = True) -> None:
    """Draw R2 of the ring of five by (d, L) on given axes, its symmetry broken by further atoms or not."""
    _ring_table(axes, _shown_ring(calibration)[1], breaking, palette)
    axes.set_title("symmetry broken" if breaking else "ring alone", loc="left")
    axes.set_xlabel("L of the features")
    axes.set_ylabel("degree d of the readout")


def _ring_table(axes: Axes, shown: Sequence[RingCell], breaking: bool, palette: Palette) -> None:
    texts = {
        pair_of(cell): (cell.r2, _number(cell.r2), cell.status == "not learned")
        for cell in shown
        if cell.settings.breaking == breaking
    }
    _heat_map(axes, texts, palette)


def _shown_ring(calibration: CalibrationCells) -> tuple[str, list[RingCell]]:
    """Return the kind of features whose tables are drawn, NequIP's where there are any, and their cells."""
    untrained = [c for c in calibration.ring if not c.settings.trained and c.settings.activation == "power"]
    kind = "nequip" if any(c.settings.features == "nequip" for c in untrained) else "e3nn"
    return kind, [c for c in untrained if c.settings.features == kind]


def draw_ring(calibration: CalibrationCells, palette: Palette, layout: Layout = "wide") -> Figure | None:
    """Draw the ring of five: R2 by (d, L) with and without breaking atoms, and by the kind of features."""
    ring = calibration.ring
    if not ring:
        return None
    kind, shown = _shown_ring(calibration)
    wrong = sum(not cell.agrees for cell in ring)
    note = f"R² of the trained readout, {_NAMES[kind]} features; " + (
        f"all {len(ring)} cells agree with theory"
        if not wrong
        else f"{wrong} of {len(ring)} cells disagree with theory"
    )
    title = "Five neighbours in a ring: ceiling and blindness are two limits"
    figure, tables, below = _frame(title, note, palette, layout, 2, (3.0, 0.3, 0.275), below=2.25)
    for axes, (words, breaking) in zip(
        tables, (("symmetry broken", True), ("ring alone", False)), strict=True
    ):
        _ring_table(axes, shown, breaking, palette)
        axes.set_title(words, fontsize=9, color=palette.ink, pad=5)
    if layout == "wide":
        _features_panel(figure.add_axes((0.775, 0.155, 0.21, 0.585)), ring, palette)
    else:
        width, height = figure.get_size_inches()
        axes = figure.add_axes((0.9 / width, 0.45 / height, 1 - 1.1 / width, (below - 0.85) / height))
        _features_panel(axes, ring, palette, columns=3)
    return figure


#: Name and drawing function of every figure.
FIGURES: dict[str, Callable[[CalibrationCells, Palette, Layout], Figure | None]] = {
    "grid": draw_grid,
    "controls": draw_controls,
    "ring": draw_ring,
}

_NAMES = {"nequip": "NequIP", "e3nn": "e3nn"}


def _number(value: float) -> str:
    """Two decimals; what rounds to one from below says so with a third."""
    text = f"{value:.2f}"
    if text == "1.00" and value < 0.9995:
        text = f"{value:.3f}"
    return text.replace("-0.00", "0.00").replace("-", "−")


def _heat_map(axes: Axes, texts: dict[tuple[int, int], tuple[float, str, bool]], palette: Palette) -> None:
    colours = LinearSegmentedColormap.from_list("recovered", [palette.band, palette.fill])
    top_d = max(d for d, _ in texts)
    top_l = max(l for _, l in texts)
    for (d, l), (value, text, framed) in texts.items():
        part = float(np.clip(value, 0.0, 1.0))
        axes.add_patch(_square(l, d, facecolor=colours(part), edgecolor=palette.paper, linewidth=1.2))
        if framed:
            axes.add_patch(
                _square(l, d, facecolor="none", edgecolor=palette.degree_1, linewidth=1.6, inset=0.06)
            )
        axes.text(
            l,
            d,
            text,
            ha="center",
            va="center",
            fontsize=7,
            color=palette.on_fill if part > 0.5 else palette.ink,
        )
    axes.set_xlim(0.5, top_l + 0.5)
    axes.set_ylim(top_d + 0.5, 0.5)
    for d in range(1, top_d + 1):
        for l in range(1, top_l + 1):
            if (d, l) not in texts:  # not run
                axes.text(l, d, "·", ha="center", va="center", fontsize=7, color=palette.muted)
    axes.set_xticks(range(1, top_l + 1))
    axes.set_yticks(range(1, top_d + 1))
    axes.tick_params(length=0)
    for spine in axes.spines.values():
        spine.set_visible(False)


def _square(x: float, y: float, *, inset: float = 0.0, **style: Any) -> Any:
    from matplotlib.patches import Rectangle

    return Rectangle((x - 0.5 + inset, y - 0.5 + inset), 1 - 2 * inset, 1 - 2 * inset, **style)


def ring_features_panel(axes: Axes, calibration: CalibrationCells, palette: Palette) -> None:
    """Draw R2 at three settings for each kind of features of the ring on given axes."""
    _features_panel(axes, calibration.ring, palette)


def _features_panel(axes: Axes, ring: Sequence[RingCell], palette: Palette, *, columns: int = 1) -> None:
    """R2 at three settings for each kind of features, one row each."""
    rows = [("nequip", False), ("nequip", True), ("e3nn", False), ("e3nn", True)]
    rows = [row for row in rows if any((c.settings.features, c.settings.trained) == row for c in ring)]
    kinds = (
        (LOST_PAIR, True, "s", palette.degree_1, "(2, 2)"),
        (FOUND_PAIR, True, "o", palette.degree_2, "(2, 3)"),
        (FOUND_PAIR, False, "D", palette.muted, "(2, 3), ring alone"),
    )
    for pair, breaking, marker, colour, label in kinds:
        chosen = [
            c
            for c in ring
            if pair_of(c) == pair and c.settings.breaking == breaking and c.settings.activation == "power"
        ]
        shift = {"s": -0.14, "o": 0.0, "D": 0.14}[marker]
        places = [rows.index((c.settings.features, c.settings.trained)) + shift for c in chosen]
        axes.plot(
            [c.r2 for c in chosen],
            places,
            ls="none",
            marker=marker,
            ms=3.6,
            color=colour,
            label=label,
            clip_on=False,
        )
    axes.set_xlim(-0.12, 1.08)
    axes.set_ylim(len(rows) - 0.5, -0.5)
    axes.set_xticks([0, 1])
    axes.set_yticks(
        range(len(rows)),
        [f"{_NAMES[kind]}\n{'trained' if trained else 'untrained'}" for kind, trained in rows],
        fontsize=7,
    )
    for x in (0, 1):
        axes.axvline(x, color=palette.rule, lw=0.8, zorder=0)
    axes.set_xlabel("R², held out")
    axes.legend(
        loc="lower left", bbox_to_anchor=(-0.35, 1.0), fontsize=7, frameon=False, handletextpad=0.1, borderpad=0,
        labelspacing=0.25, ncols=columns, columnspacing=1.0,
        bbox_transform=blended_transform_factory(axes.transAxes, axes.transAxes),
    )  # fmt: skip
