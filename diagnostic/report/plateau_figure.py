"""The plateau figure: what theory predicts of each directional field, perfect and weighted by measured R2, and points."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from ...theory.errors import InputError
from ..measurement.result import MOLECULE, Result
from ..measurement.result_types import PlateauRow
from ..pages.axes import Layout, number
from ..pages.figure_style import Palette

_TITLES = {
    "radial": ("Radial", "along the bond: (a·Y) r̂"),
    "gradient": ("Gradient", "tangential: r∇(a·Y)"),
    "solid": ("Solid", "∇ of a solid harmonic"),
}


def plateau_series(result: Result) -> dict[str, list[PlateauRow]]:
    """Return the plateau rows of the molecule by direction, in order of l; empty where none was measured."""
    by_direction: dict[str, list[PlateauRow]] = {}
    for row in result.get("plateaus", []):
        if row["scope"] == MOLECULE:
            by_direction.setdefault(str(row["direction"]), []).append(row)
    return {name: sorted(rows, key=lambda row: int(row["l"])) for name, rows in by_direction.items()}


def draw_plateaus(result: Result, palette: Palette, layout: Layout) -> Figure:
    """Draw, for each direction, the ideal prediction, the one weighted by measured R2, and the measured points."""
    panels = plateau_series(result)
    wide = layout == "wide"
    columns, rows = (len(panels), 1) if wide else (1, len(panels))
    width, height = (7.4, 3.6) if wide else (3.6, 0.75 + 2.65 * len(panels))
    figure = Figure(figsize=(width, height))
    FigureCanvasAgg(figure)
    grid = figure.add_gridspec(
        rows, columns, left=0.58 / width, right=1 - 0.1 / width, top=1 - 0.75 / height, bottom=(0.7 if wide else 1.05) / height,
        wspace=0.1, hspace=0.5,
    )  # fmt: skip
    colour = palette.of_degree(int(result["ceiling"]["degree"]))
    top = max(int(row["l"]) for part in panels.values() for row in part)
    for index, (name, part) in enumerate(panels.items()):
        axes = figure.add_subplot(grid[index])
        _panel(axes, part, palette, colour)
        _frame(axes, top, palette)
        title, subtitle = _TITLES[name]
        place: dict[str, Any] = {"xycoords": "axes fraction", "textcoords": "offset points", "va": "baseline"}
        axes.annotate(title, (0, 1), xytext=(0, 22), fontsize=10.5, fontweight="bold", **place)
        axes.annotate(subtitle, (0, 1), xytext=(0, 10), fontsize=8, color=palette.muted, **place)
        if wide and index:
            axes.tick_params(labelleft=False)
        else:
            axes.set_ylabel("R² of the injected force", labelpad=4)
        if wide or index == len(panels) - 1:
            axes.set_xlabel("ℓ of the injected force", labelpad=3)
    _key(figure, palette, colour, columns=3 if wide else 1)
    return figure


def plateau_panel(axes: Axes, result: Result, palette: Palette, *, direction: str | None = None) -> None:
    """Draw the plateaus of one direction on given axes; None: the first that was measured."""
    panels = plateau_series(result)
    name = next(iter(panels)) if direction is None else direction
    if name not in panels:
        raise InputError(f"no direction {name!r} was measured, expected one of {', '.join(panels)}")
    colour = palette.of_degree(int(result["ceiling"]["degree"]))
    _panel(axes, panels[name], palette, colour)
    _frame(axes, max(int(row["l"]) for row in panels[name]), palette)
    axes.set_title(": ".join(_TITLES[name]), loc="left")
    axes.set_xlabel("ℓ of the injected force")
    axes.set_ylabel("R² of the injected force")
    axes.legend(handles=_entries(palette, colour), frameon=False, fontsize="small")


def _frame(axes: Axes, top: int, palette: Palette) -> None:
    axes.set_xlim(-0.5, top + 0.5)
    axes.set_xticks(range(top + 1))
    axes.set_ylim(-0.05, 1.1)
    axes.set_yticks([0, 0.25, 0.5, 0.75, 1], ["0", "0.25", "0.50", "0.75", "1"])
    axes.grid(axis="y", color=palette.rule, linewidth=0.5)
    axes.set_axisbelow(True)


def _panel(axes: Axes, rows: Sequence[PlateauRow], palette: Palette, colour: str) -> None:
    at = [int(row["l"]) for row in rows]
    corners = [(l + side, row["predicted"]) for l, row in zip(at, rows, strict=True) for side in (-0.5, 0.5)]
    axes.plot(*zip(*corners, strict=True), color=palette.ink, linewidth=1.1, zorder=2)
    values: list[float] = []
    for row in rows:
        l, r2, r2_low, r2_high = int(row["l"]), row["r2"], row["r2_low"], row["r2_high"]
        # A field with a direction is fitted by the free readout, which has a polynomial for every l.
        assert r2 is not None
        assert r2_low is not None
        assert r2_high is not None
        values.append(r2)
        axes.fill_between(
            [l - 0.36, l + 0.36], row["folded_low"], row["folded_high"], color=colour, alpha=0.22, linewidth=0,
            zorder=2.2,
        )  # fmt: skip
        axes.plot([l - 0.36, l + 0.36], [row["folded"]] * 2, color=colour, linewidth=1.8, zorder=2.5)
        axes.vlines(l, max(r2_low, -0.05), r2_high, color=palette.ink, linewidth=1.0, zorder=3)
        if 0.0 < row["predicted"] < 1.0:
            place: dict[str, Any] = {"textcoords": "offset points", "ha": "center", "zorder": 6}
            axes.annotate(str(row["ideal"]), (l, row["predicted"]), xytext=(4, 7), fontsize=8.2, **place)
            low = min(r2_low, row["folded_low"])
            aside = -3.5 if l % 2 == 0 else 2.5  # two plateaus stand side by side
            axes.annotate(number(r2), (l, low), xytext=(aside, -4), va="top", fontsize=7, **place)
    axes.plot(
        at, values, linestyle="none", marker="o", markersize=5, color=palette.paper,
        markeredgecolor=palette.ink, markeredgewidth=1.2, zorder=4,
    )  # fmt: skip


def _key(figure: Figure, palette: Palette, colour: str, columns: int) -> None:
    """Say under the panels what the lines and the points are."""
    figure.legend(
        handles=_entries(palette, colour), loc="lower left", bbox_to_anchor=(0.0, 0.0), ncols=columns, frameon=False,
        fontsize=8, handlelength=1.6, columnspacing=1.6, labelcolor=palette.ink,
    )  # fmt: skip


def _entries(palette: Palette, colour: str) -> list[Line2D]:
    return [
        Line2D([], [], color=palette.ink, linewidth=1.1, label="theory, perfect features"),
        Line2D([], [], color=colour, linewidth=1.8, label="theory with the measured R² at each ℓ"),
        Line2D([], [], color=palette.paper, marker="o", markersize=5, linestyle="none", markeredgewidth=1.2,
               markeredgecolor=palette.ink, label="measured"),
    ]  # fmt: skip
