"""The figures of a diagnosis: the cliff, the controls, the atoms; as PNG, SVG and SVG for a page."""

from __future__ import annotations

import itertools
import textwrap
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from ...theory.errors import InputError
from ..measurement.result import (
    LOW,
    Result,
    Row,
    atom_label,
    atom_rows,
    boundary,
    l_top,
    no_ceiling,
    series,
)
from ..measurement.result_types import ControlEntry
from ..pages.axes import Layout, degree_ticks, draw_line, number, size_of
from ..pages.figure_files import Drawing, write_drawings
from ..pages.figure_style import Palette, shade
from .cliff_figure import draw_cliff
from .element_figure import draw_elements, pool_rows
from .environment_figure import (
    can_draw_environments,
    can_draw_structures,
    draw_environments,
    draw_structures,
)
from .isotropy_figure import can_draw_isotropy, draw_isotropy
from .molecule_figure import can_draw_molecule, draw_molecule
from .plateau_figure import draw_plateaus, plateau_series


@dataclass(frozen=True)
class FigureKind:
    """One figure: its file name, how it is drawn, and whether a result has what it shows."""

    name: str
    draw: Callable[[Result, Palette, Layout], Figure]
    available: Callable[[Result], bool]


def control_rows(result: Result, control: ControlEntry) -> tuple[list[Row], list[Row], str]:
    """Return (rows of a control, the same of the run itself, readout) that one panel compares.

    The readout of the main degree is preferred, and the free one, which has nothing built in. Both lists are
    empty when the control holds no measured value, as with nothing injected.
    """
    degree = int(result["ceiling"]["degree"])
    for readout in ("free", "equivariant"):
        rows = series(control["rows"], result, readout)
        for at in [degree, *(other for other in rows if other != degree)]:
            rows_with_number = [row for row in rows.get(at, []) if row["r2"] is not None]
            run_rows = series(result["recovery"], result, readout).get(at, [])
            if rows_with_number and any(row["r2"] is not None for row in run_rows):
                return rows_with_number, run_rows, readout
    return [], [], ""


def draw_controls(result: Result, palette: Palette, layout: Layout) -> Figure:
    """Draw each control against the run itself, one small panel each."""
    panels = [(control, *control_rows(result, control)) for control in result["controls"]]
    panels = [panel for panel in panels if panel[1]]
    columns = min(3, len(panels)) if layout == "wide" else 1
    rows = -(-len(panels) // columns)
    titles = [textwrap.wrap(str(panel[0]["title"]), 34 if columns < 3 else 26) for panel in panels]
    title_lines = max(len(title) for title in titles)
    width = 7.4 if layout == "wide" else 3.6
    top_margin, bottom_margin, panel_height = 0.22 + 0.17 * title_lines, 0.5, 1.95
    height = rows * (panel_height + top_margin) + bottom_margin
    figure = Figure(figsize=(width, height))
    FigureCanvasAgg(figure)
    left, right, gap = 0.58 / width, 1 - 0.1 / width, 0.32 / width
    panel_width = (right - left - gap * (columns - 1)) / columns
    for index, (_, rows_of_control, run_rows, _) in enumerate(panels):
        row, column = divmod(index, columns)
        bottom = (bottom_margin + (rows - 1 - row) * (panel_height + top_margin)) / height
        axes = figure.add_axes(
            (left + column * (panel_width + gap), bottom, panel_width, panel_height / height)
        )
        _draw_control(axes, rows_of_control, run_rows, result, palette, panel_width * width)
        title = "\n".join(titles[index])
        axes.set_title(title, loc="left", fontsize=9.5, fontweight="bold", pad=6, linespacing=1.15)
        _control_key(axes, int(rows_of_control[0]["degree"]), palette)
        if column == 0:
            axes.set_ylabel("R² of the injected force", labelpad=4)
        else:
            axes.tick_params(labelleft=False)
        if row == rows - 1 or index + columns >= len(panels):
            axes.set_xlabel("ℓ of the injected force", labelpad=3)
        else:
            axes.tick_params(labelbottom=False)
    return figure


def controls_panel(axes: Axes, result: Result, palette: Palette, *, control: str | None = None) -> None:
    """Draw one control against the run itself on given axes; None: the first that has rows to compare."""
    panels = {str(entry["name"]): (entry, *control_rows(result, entry)) for entry in result["controls"]}
    panels = {name: panel for name, panel in panels.items() if panel[1]}
    name = next(iter(panels)) if control is None else control
    if name not in panels:
        raise InputError(f"there is no control {name!r} to draw, expected one of {', '.join(panels)}")
    chosen, rows_of_control, run_rows, _ = panels[name]
    _draw_control(axes, rows_of_control, run_rows, result, palette, size_of(axes)[0])
    axes.set_title(str(chosen["title"]), loc="left")
    _control_key(axes, int(rows_of_control[0]["degree"]), palette)
    axes.set_xlabel("ℓ of the injected force")
    axes.set_ylabel("R² of the injected force")


def _draw_control(
    axes: Axes,
    rows_of_control: Sequence[Row],
    run_rows: Sequence[Row],
    result: Result,
    palette: Palette,
    inches: float,
) -> None:
    degree = int(rows_of_control[0]["degree"])
    lowest = min(float(r["r2"]) for r in [*rows_of_control, *run_rows] if r["r2"] is not None)
    axes.set_ylim(max(-0.6, min(-0.04, lowest - 0.04)), 1.05)
    axes.set_yticks([0, 0.5, 1], ["0", "0.5", "1"])
    axes.set_xlim(-0.5, l_top(result) + 0.5)
    axes.set_xticks(degree_ticks(l_top(result), inches))
    axes.grid(axis="y", color=palette.rule, linewidth=0.5)
    axes.set_axisbelow(True)
    colour = palette.of_degree(degree)
    edge = boundary(result, degree)
    if edge < l_top(result):
        axes.axvline(edge + 0.5, color=colour, linewidth=1, dashes=(3, 2), zorder=1.5)
    draw_line(axes, run_rows, colour, palette, offset=-0.07, marker="o")
    draw_line(axes, rows_of_control, palette.ink, palette, offset=0.07, marker="D", strong=False, hollow=True)


def _control_key(axes: Axes, degree: int, palette: Palette) -> None:
    """Say inside the axes what the two lines are."""
    for level, (name, paint, marker) in enumerate(
        ((f"this run, degree {degree}", palette.of_degree(degree), "o"), ("the control", palette.ink, "D"))
    ):
        height_of_key = 0.2 - 0.105 * level
        axes.plot(
            [0.05], [height_of_key], transform=axes.transAxes, marker=marker, markersize=4.6,
            color=palette.paper if level else paint, markeredgecolor=paint, markeredgewidth=1.2 if level
            else 0.7,
        )  # fmt: skip
        axes.text(0.09, height_of_key, name, transform=axes.transAxes, color=paint, fontsize=8, va="center")


def draw_atoms(result: Result, palette: Palette, layout: Layout) -> Figure:
    """Draw R2 of every measured atom against l as a table of shaded cells, ordered by element."""
    order = _by_element(result)
    wide = layout == "wide"
    width, cell = (7.4, 0.235) if wide else (3.6, 0.205)
    label_width = 0.98 if wide else 0.8
    gaps = _gaps(result, order)
    height = cell * (len(order) + gaps) + 0.92
    figure = Figure(figsize=(width, height))
    FigureCanvasAgg(figure)
    axes = figure.add_axes(
        (label_width / width, 0.48 / height, 1 - (label_width + 0.08) / width, 1 - 0.9 / height)
    )
    _draw_atom_table(axes, result, palette, width - label_width - 0.08, wide=wide)
    return figure


def atoms_panel(axes: Axes, result: Result, palette: Palette) -> None:
    """Draw R2 of every measured atom against l as a table of shaded cells on given axes."""
    width = size_of(axes)[0]
    _draw_atom_table(axes, result, palette, width, wide=width > 5)


def _by_element(result: Result) -> list[int]:
    """Return the measured atoms, those of one element side by side."""
    element = {int(atom["index"]): str(atom["element"]) for atom in result["atoms"]}
    return sorted(atom_rows(result), key=lambda index: (element.get(index, ""), index))


def _gaps(result: Result, order: Sequence[int]) -> float:
    """Return the height of the gaps between elements, in rows."""
    element = {int(atom["index"]): str(atom["element"]) for atom in result["atoms"]}
    return sum(element.get(a) != element.get(b) for a, b in itertools.pairwise(order)) * 0.35


def _draw_atom_table(axes: Axes, result: Result, palette: Palette, inches: float, *, wide: bool) -> None:
    rows = atom_rows(result)
    element = {int(atom["index"]): str(atom["element"]) for atom in result["atoms"]}
    marked = {int(atom["index"]): atom["marked_neighbour"] for atom in result["atoms"]}
    order, top = _by_element(result), l_top(result)
    gaps = _gaps(result, order)
    axes.set_xlim(-0.5, top + 0.5)
    axes.set_ylim(len(order) + gaps - 0.5, -0.5)
    for side in ("left", "bottom"):
        axes.spines[side].set_visible(False)
    axes.tick_params(length=0)
    room = inches / (top + 1)  # inches for a number
    axes.set_xticks(degree_ticks(top, inches))
    axes.set_xlabel("ℓ of the injected force", labelpad=3)
    axes.set_yticks([])
    level, previous = 0.0, element.get(order[0]) if order else None
    for index in order:
        if element.get(index) != previous:
            level, previous = level + 0.35, element.get(index)
        name = atom_label(result["atoms"], index)
        neighbour = marked.get(index)
        towards = f" to {atom_label(result['atoms'], int(neighbour))}" if neighbour is not None else ""
        axes.annotate(
            f"{name}{towards}", (-0.5, level), xytext=(-6, 0), textcoords="offset points", ha="right",
            va="center_baseline", fontsize=8 if wide else 7.2, annotation_clip=False,
        )  # fmt: skip
        for row in rows[index]:
            if row["r2"] is None:
                continue
            opacity, light_text = shade(row["r2"], LOW)
            axes.add_patch(
                Rectangle(
                    (row["l"] - 0.47, level - 0.44),
                    0.94,
                    0.88,
                    facecolor=palette.fill,
                    alpha=opacity,
                    linewidth=0,
                )
            )
            if room < 0.2:
                continue  # shades only; the numbers are in the tables
            text = number(row["r2"], 2)
            axes.text(
                row["l"], level, text if room >= 0.27 else text.replace("0.", ".", 1), ha="center", va="center_baseline",
                fontsize=7.4 if wide else 6.2, color=palette.on_fill if light_text else palette.ink,
            )  # fmt: skip
        level += 1
    degree = int(result["ceiling"]["degree"])
    edge = boundary(result, degree)
    if edge < top:
        axes.axvline(edge + 0.5, color=palette.ink, linewidth=1.2, dashes=(3, 2), zorder=5)
    named = "no ceiling" if no_ceiling(result) else f"ceiling {edge}"
    axes.annotate(
        named, (min(edge, top) + 0.5, 1), xycoords=("data", "axes fraction"), xytext=(0, 4),
        textcoords="offset points", ha="center" if edge < top else "right", fontsize=8.5, fontweight="bold",
    )  # fmt: skip
    axes.annotate(
        "atom, marked\nneighbour", (0, 1), xycoords="axes fraction", xytext=(-6, 4), textcoords="offset "
        "points",
        ha="right", va="bottom", fontsize=7.2, color=palette.muted, linespacing=1.1,
    )  # fmt: skip


FIGURES = (
    FigureKind("cliff", draw_cliff, lambda result: bool(result["recovery"])),
    FigureKind("plateaus", draw_plateaus, lambda result: bool(plateau_series(result))),
    FigureKind("controls", draw_controls, lambda r: any(control_rows(r, c)[0] for c in r["controls"])),
    FigureKind("molecule", draw_molecule, can_draw_molecule),
    FigureKind("atoms", draw_atoms, lambda result: bool(atom_rows(result))),
    FigureKind("elements", draw_elements, lambda result: bool(pool_rows(result))),
    FigureKind("environments", draw_environments, can_draw_environments),
    FigureKind("structures", draw_structures, can_draw_structures),
    FigureKind("isotropy", draw_isotropy, can_draw_isotropy),
)


def drawings(result: Result) -> list[Drawing]:
    """Return the figures that a result has; one without rows to show (the atoms, the controls) is left out."""
    return [Drawing(kind.name, partial(kind.draw, result)) for kind in FIGURES if kind.available(result)]


def write_figures(result: Result, directory: str | Path) -> list[Path]:
    """Write the figures of a result into ``<directory>/figures``; return their paths.

    Of each figure: ``NAME.png`` and ``NAME.svg`` on white, ``NAME-dark.png`` for dark pages, and ``NAME-narrow.png`` for a
    column of text. The same result gives the same bytes.
    """
    return write_drawings(drawings(result), directory)
