"""The figures of observables under cures: orientation maps, <P_l>, fronts of error against cost, curves, drift."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from numpy.typing import NDArray

from ..pages.axes import Layout
from ..pages.figure_files import Drawing, write_drawings
from ..pages.figure_style import Palette
from .deviations import half_widths
from .drawn import LINES, MARKERS, as_array, colours, colours_of_rows, cures_of, in_figures, table_of
from .orientation_figures import draw_maps, has_map, moments, moments_panel, profile_panel, shown_maps
from .sentences import drift_half_width

Result = Mapping[str, Any]
Array = NDArray[np.float64]
#: Curves of one observable that are drawn, and points of a curve.
_MOST, _POINTS = 4, 400
#: Errors below this share of the largest are drawn at it.
_FLOOR = 1e-3


def pareto_panel(axes: Axes, result: Result, palette: Palette, *, observable: str = "orientation") -> None:
    """Draw the error of an observable against the evaluations of a step: filled on the front, 95 % intervals.

    What is below a thousandth of the largest is drawn at the lower edge with an arrow. Where models are compared, all are drawn.
    """
    rows = [row for row in table_of(result)["rows"] if observable in row["errors"]]
    chosen = colours_of_rows(rows, result, palette)
    entries = [row["errors"][observable] for row in rows]
    top = max((entry["high"] for entry in entries), default=1.0) or 1.0
    floor = top * _FLOOR
    places = _dodged([row["evaluations"] for row in rows])
    for k, (row, entry, x) in enumerate(zip(rows, entries, places, strict=True)):
        colour = chosen[row["cure"]]
        y, low, high = (max(entry[key], floor) for key in ("value", "low", "high"))
        axes.vlines(x, low, high, color=colour, lw=1.1, zorder=2)
        if entry["low"] < floor:
            axes.plot(x, 0.8 * floor, marker="v", ms=3.5, color=colour, ls="none", zorder=2)
        filled = row["front"][observable]
        axes.plot(x, y, marker=MARKERS[k % 6], ms=6, color=colour if filled else palette.paper, markeredgecolor=colour,
                  ls="none", label=row["cure"], zorder=3)  # fmt: skip
    axes.set_xscale("log")
    axes.set_yscale("log")
    costs = sorted({row["evaluations"] for row in rows})
    if costs:
        axes.set_xlim(0.7 * min(places), max(1.5 * max(places), 2.0 * min(places)))
        lows = [max(entry["low"], floor) for entry in entries]
        axes.set_ylim(0.6 * min(lows), 1.7 * top)
        axes.set_xticks(_apart(costs), [f"{cost:g}" for cost in _apart(costs)])
        axes.set_xticks([], minor=True)
    axes.set_xlabel("evaluations a step")
    unit = entries[0]["unit"] or in_figures(entries[0]["label"]) if entries else ""
    axes.set_ylabel(f"error, {unit}")
    axes.set_title(_title(result, observable), loc="left", fontsize=9, fontweight="bold")


def curve_panel(axes: Axes, result: Result, palette: Palette, *, observable: str, curve: int = 0) -> None:
    """Draw a curve of an observable under every cure, with the 95 % interval of each point as a band, and the exact answer.

    A single run's record and a run too short for an error have no band.
    """
    chosen = colours(result, palette)
    exact = None
    first: Mapping[str, Any] | None = None
    for k, cure in enumerate(cures_of(result)):
        curves = result["observables"][observable].get(cure, {}).get("curves") or []
        if curve >= len(curves):
            continue
        first = first or curves[curve]
        x, y = (_thin(as_array(curves[curve][key])) for key in ("x", "y"))
        half = half_widths(curves[curve])
        if half is not None and curves[curve].get("enough", True):
            half = _thin(half)
            axes.fill_between(x, y - half, y + half, color=chosen[cure], alpha=0.18, lw=0)
        axes.plot(x, y, color=chosen[cure], lw=1.3, ls=LINES[k % 6], label=cure)
        if curves[curve]["expected"] is not None and exact is None:
            exact = (x, _thin(as_array(curves[curve]["expected"])))
    if exact is not None:
        axes.plot(*exact, color=palette.muted, lw=1, dashes=(2, 2), label="isotropic")
    if first is not None:
        axes.set_xlabel(in_figures(first["x_label"]))
        axes.set_ylabel(in_figures(first["y_label"]))
        axes.set_title(
            in_figures(_heading(_title(result, observable), str(first["label"]))),
            loc="left",
            fontsize=8.5,
            fontweight="bold",
        )


def drift_panel(axes: Axes, result: Result, palette: Palette) -> None:
    """Draw the drift of the conserved energy under every cure with its 95 % interval, on a symmetric logarithmic axis."""
    rows = [row for row in table_of(result)["rows"] if row["drift"] is not None]
    chosen = colours_of_rows(rows, result, palette)
    for k, row in enumerate(rows):
        axes.errorbar(row["drift"], k, xerr=drift_half_width(row) or 0.0, marker=MARKERS[k % 6], ms=5,
                      color=chosen[row["cure"]], lw=1.2)  # fmt: skip
    smallest = min((row["drift_error"] for row in rows if row["drift_error"]), default=1.0)
    axes.set_xscale("symlog", linthresh=max(float(smallest), 1e-9))
    axes.axvline(0, color=palette.muted, lw=0.7)
    axes.locator_params(axis="x", numticks=6)
    axes.set_yticks(range(len(rows)), [row["cure"] for row in rows])
    axes.set_ylim(len(rows) - 0.5, -0.5)
    axes.set_xlabel("drift, meV/atom/ns")


def observing_drawings(result: Result) -> list[Drawing]:
    """Return the figures that a result has numbers for; ``result["cures"]`` may be None."""
    drawings = []
    if shown_maps(result):
        maps = Drawing("orientation-maps", partial(draw_maps, result))
        profile = Drawing("orientation-profile", partial(_draw_panels, result, [profile_panel]))
        drawings.append(maps if has_map(result) else profile)
    if any(moments(result, cure) for cure in cures_of(result)):
        drawings.append(Drawing("moments", partial(_draw_panels, result, [moments_panel])))
    table = table_of(result)
    names = list(dict.fromkeys(name for row in table["rows"] for name in row["errors"]))
    if names and len(table["rows"]) > 1:
        panels = [partial(pareto_panel, observable=name) for name in names]
        drawings.append(Drawing("pareto", partial(_draw_panels, result, panels)))
    for name, by_cure in result["observables"].items():
        count = max((len(measured.get("curves") or []) for measured in by_cure.values()), default=0)
        if name != "orientation" and count:
            lines = [partial(curve_panel, observable=name, curve=k) for k in range(min(count, _MOST))]
            drawings.append(Drawing(f"curves-{name}", partial(_draw_panels, result, lines)))
    if any(row["drift"] is not None for row in table["rows"]):
        drawings.append(Drawing("drift", partial(_draw_panels, result, [drift_panel])))
    return drawings


def write_observing_figures(result: Result, directory: Path) -> list[Path]:
    """Write the figures into ``<directory>/figures``: PNG in light, dark and narrow form, and SVG."""
    return write_drawings(observing_drawings(result), directory)


def _draw_panels(
    result: Result, panels: Sequence[Callable[..., None]], palette: Palette, layout: Layout
) -> Figure:
    columns = min(len(panels), 2) if layout == "wide" else 1
    lines = -(-len(panels) // columns)
    width = {("wide", 1): 5.6, ("wide", 2): 7.4}.get((layout, columns), 3.6)
    figure = Figure(figsize=(width, 2.75 * lines + 0.5), layout="constrained")
    FigureCanvasAgg(figure)
    axes = [figure.add_subplot(lines, columns, k + 1) for k in range(len(panels))]
    for each, panel in zip(axes, panels, strict=True):
        panel(each, result, palette)
    if axes[0].get_legend() is None:
        handles: dict[str, Any] = {}
        for each in axes:
            for handle, label in zip(*each.get_legend_handles_labels(), strict=True):
                handles.setdefault(label, handle)
        if handles:
            figure.legend(handles.values(), handles.keys(), loc="outside upper left", frameon=False, fontsize=7.5,
                          ncols=4 if layout == "wide" else 2)  # fmt: skip
    return figure


def _title(result: Result, observable: str) -> str:
    by_cure = result["observables"].get(observable) or {}
    first = next(iter(by_cure.values()), None)
    return str(first["title"]) if first else observable


def _heading(title: str, label: str) -> str:
    """Return the heading of a curve: of its observable and its label, or of the label alone where that names the observable."""
    if title.split()[-1].lower() in label.lower():
        return label[:1].upper() + label[1:]
    return f"{title}: {label}"


def _dodged(costs: Sequence[float]) -> list[float]:
    """Return places on a logarithmic axis at which equal costs stand side by side."""
    return [
        cost * 1.09 ** (costs[:k].count(cost) - (costs.count(cost) - 1) / 2) for k, cost in enumerate(costs)
    ]


def _thin(values: Array) -> Array:
    return values[:: max(1, -(-len(values) // _POINTS))]


def _apart(costs: Sequence[float]) -> list[float]:
    """Return the costs that have room for their numbers on a logarithmic axis."""
    kept: list[float] = []
    for cost in costs:
        if not kept or cost > 1.35 * kept[-1]:
            kept.append(cost)
    return kept
