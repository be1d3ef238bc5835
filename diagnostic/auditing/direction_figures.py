"""The figures of one neighbour's direction: how fine it is taken in, and how fast the power falls with l."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from ...theory.errors import InputError
from ..pages.axes import Layout
from ..pages.figure_style import Palette
from .result import irrep
from .result_types import AuditResult

Result = AuditResult
#: The smallest share that a logarithmic axis shows.
FLOOR = 1e-34
_GRAPHS = {"star": "Star graph: only directions change", "full": "Full graph: distances change too"}


def new_figure(width: float, height: float) -> Figure:
    """Return a figure of this size in inches that no window shows."""
    figure = Figure(figsize=(width, height))
    FigureCanvasAgg(figure)
    return figure


def spectrum_axes(axes: Axes, palette: Palette, l_top: int, floor: float) -> None:
    """Set axes for powers of l = 0..l_top on a logarithmic scale, what is below the floor of rounding shaded."""
    axes.set_yscale("log")
    axes.set_ylim(FLOOR, 10)
    axes.set_yticks([1, 1e-10, 1e-20, 1e-30], ["1", "10⁻¹⁰", "10⁻²⁰", "10⁻³⁰"])
    axes.minorticks_off()
    axes.set_xlim(-0.4, l_top + 0.4)
    axes.set_xticks(range(0, l_top + 1, 1 if l_top <= 10 else 2))
    axes.grid(axis="y", color=palette.rule, linewidth=0.5)
    axes.set_axisbelow(True)
    if floor <= FLOOR:
        return
    top = min(floor, 1.0)
    axes.axhspan(FLOOR, top, color=palette.band, linewidth=0, zorder=0)
    axes.annotate("rounding", (0.02, top), xycoords=("axes fraction", "data"), xytext=(0, -3),
                  textcoords="offset points", color=palette.muted, fontsize=7.2, ha="left", va="top")  # fmt: skip


def quantity_name(row: Mapping[str, Any]) -> str:
    """Return a quantity of the directional spectrum as a reader sees it: ``layer1, 2e``."""
    return f"{row['quantity']}, {irrep(row)}" if row["l_out"] is not None else str(row["quantity"])


def draw_bandwidths(result: Result, palette: Palette, layout: Layout) -> Figure:
    """Draw, for each quantity, the bandwidth predicted, the one measured, and where 99 % and 99.99 % of the power lie."""
    wide = layout == "wide"
    graphs = [g for g in ("star", "full") if any(row["graph"] == g for row in result["directions"])]
    names = list(dict.fromkeys(quantity_name(row) for row in result["directions"]))
    models = list(dict.fromkeys(row["model"] for row in result["directions"]))
    step = 0.3 if wide else 0.27
    panel = step * len(names) + 0.1
    panels = 1 if wide else len(graphs)
    width = 7.4 if wide else 3.6
    height = panels * (panel + 0.78) + (0.22 if wide else 0.4)
    figure = new_figure(width, height)
    left, gap = (0.95 if wide else 0.9) / width, 0.25 / width
    across = (1 - left - 0.12 / width - (gap if wide and len(graphs) > 1 else 0)) / (
        len(graphs) if wide else 1
    )
    for k, graph in enumerate(graphs):
        column, line = (k, 0) if wide else (0, k)
        bottom = (0.42 + (panels - 1 - line) * (panel + 0.78)) / height
        axes = figure.add_axes((left + column * (across + gap), bottom, across, panel / height))
        _draw_widths(axes, result, graph, palette, names=column == 0)
        axes.set_title(_GRAPHS[graph], loc="left", fontsize=9.5, fontweight="bold", pad=6)
    keys = [("▌ theory's bound", palette.degree_1), ("● measured", palette.degree_2), ("◆ 99.99 %", palette.degree_3),
            ("| 99 % of what varies", palette.ink)]  # fmt: skip
    if len(models) > 1:
        keys.append(("hollow: untrained", palette.muted))
    spots = (0.02, 0.2, 0.34, 0.47, 0.71) if wide else (0.02, 0.37, 0.66, 0.02, 0.5)
    for k, (text, colour) in enumerate(keys):
        y = 1 - (0.14 if wide or k < 3 else 0.32) / height
        figure.text(spots[k], y, text, color=colour, fontsize=8 if wide else 7.4, va="center")
    return figure


def bandwidths_panel(axes: Axes, result: Result, palette: Palette, *, graph: str | None = None) -> None:
    """Draw the bandwidth of every quantity on one graph, ``star`` or ``full``, on given axes; None: the first measured."""
    chosen = _graph(result, graph)
    _draw_widths(axes, result, chosen, palette, names=True)
    axes.set_title(f"{_GRAPHS[chosen]} (bar: theory's bound)", loc="left")


def _graph(result: Result, graph: str | None) -> str:
    graphs = [g for g in _GRAPHS if any(row["graph"] == g for row in result["directions"])]
    if graph is not None and graph not in graphs:
        raise InputError(f"graph is {graph!r}, expected one of {', '.join(graphs)}")
    return graphs[0] if graph is None else graph


def _draw_widths(axes: Axes, result: Result, graph: str, palette: Palette, *, names: bool) -> None:
    shown = list(dict.fromkeys(quantity_name(row) for row in result["directions"]))
    models = list(dict.fromkeys(row["model"] for row in result["directions"]))
    top = len(result["directions"][0]["power"]) - 1
    axes.set_xlim(-0.5, top + 1.3)
    axes.set_ylim(len(shown) - 0.5, -0.5)
    axes.set_yticks(range(len(shown)), shown if names else [""] * len(shown), fontsize=8)
    axes.tick_params(axis="y", length=0)
    axes.spines["left"].set_visible(False)
    axes.set_xticks(range(0, top + 1, 1 if top <= 8 else 2))
    axes.set_xlabel("ℓ of the neighbour's direction", labelpad=2)
    axes.grid(axis="x", color=palette.rule, linewidth=0.4)
    axes.set_axisbelow(True)
    for number, name in enumerate(shown):
        chosen = [row for row in result["directions"] if row["graph"] == graph and quantity_name(row) == name]
        bound = next((row["predicted"] for row in chosen if row["predicted"] is not None), None)
        axes.barh(number, (top + 1.3 if bound is None else bound + 0.35) + 0.5, left=-0.5, height=0.8, color=palette.band,
                  linewidth=0, zorder=0.5, alpha=0.55 if bound is None else 1)  # fmt: skip
        if bound is not None:
            axes.plot(
                [bound + 0.35] * 2,
                [number - 0.4, number + 0.4],
                color=palette.degree_1,
                linewidth=2,
                zorder=2,
            )
        for row in chosen:
            second = len(models) > 1 and row["model"] != models[0]
            aside = 0.18 * (1 if second else -1) if len(models) > 1 else 0.0
            _width(axes, row, number + aside, palette, hollow=second, top=top)


def _width(
    axes: Axes, row: Mapping[str, Any], level: float, palette: Palette, *, hollow: bool, top: int
) -> None:
    colour, face = palette.degree_2, palette.paper if hollow else palette.degree_2
    axes.plot([0, row["measured"]], [level, level], color=colour, linewidth=1.2 if hollow else 2, zorder=2.5)
    if row["open"]:
        axes.annotate("", (top + 1.1, level), (top, level), zorder=3,
                      arrowprops={"arrowstyle": "-|>", "color": colour, "linewidth": 1})  # fmt: skip
    else:
        axes.plot(row["measured"], level, "o", color=face, markeredgecolor=colour, markersize=5, zorder=3)
    if row["l9999"] is not None:
        axes.plot(row["l9999"], level, "D", color=palette.paper if hollow else palette.degree_3,
                  markeredgecolor=palette.degree_3, markersize=4.4, zorder=3.2)  # fmt: skip
        axes.plot(
            [row["l99"]] * 2, [level - 0.17, level + 0.17], color=palette.ink, linewidth=1.6, zorder=3.4
        )


def draw_tails(result: Result, palette: Palette, layout: Layout) -> Figure:
    """Draw how fast the power falls with l on each graph: layers, energy and forces."""
    wide = layout == "wide"
    graphs = [g for g in ("star", "full") if any(row["graph"] == g for row in result["directions"])]
    width, each = (7.4, 3.1) if wide else (3.6, 2.8)
    height = (each if wide else each * len(graphs)) + 0.25
    figure = new_figure(width, height)
    left, gap = 0.62 / width, 0.22 / width
    across = (1 - left - 0.1 / width - (gap if wide and len(graphs) > 1 else 0)) / (
        len(graphs) if wide else 1
    )
    colours = _colours(result, palette)
    for k, graph in enumerate(graphs):
        column, line = (k, 0) if wide else (0, len(graphs) - 1 - k)
        bottom = (0.42 + line * each) / height
        axes = figure.add_axes((left + column * (across + gap), bottom, across, (each - 0.75) / height))
        _draw_tails(axes, result, graph, palette)
        axes.set_title(f"{graph.capitalize()} graph", loc="left", fontsize=9.5, fontweight="bold", pad=5)
        axes.set_xlabel("ℓ of the neighbour's direction", labelpad=2)
        if column == 0:
            axes.set_ylabel("share of the power", labelpad=2)
        else:
            axes.tick_params(labelleft=False)
    spread = 0.94 / max(1, len(colours))
    for k, name in enumerate(colours):
        figure.text(
            0.04 + k * spread,
            1 - 0.14 / height,
            f"● {name}",
            color=colours[name],
            fontsize=8 if wide else 6.4,
            va="center",
        )
    return figure


def tails_panel(axes: Axes, result: Result, palette: Palette, *, graph: str | None = None) -> None:
    """Draw how fast the power falls with l on one graph on given axes; None: the first measured."""
    chosen = _graph(result, graph)
    _draw_tails(axes, result, chosen, palette, named=True)
    axes.set_title(_GRAPHS[chosen], loc="left")
    axes.set_xlabel("ℓ of the neighbour's direction")
    axes.set_ylabel("share of the power")
    axes.legend(frameon=False, fontsize="small")


def _colours(result: Result, palette: Palette) -> dict[str, str]:
    """Return the colour of every quantity of the directional spectrum."""
    paints = (
        palette.degree_1,
        palette.degree_2,
        palette.degree_3,
        palette.degree_4,
        palette.ink,
        palette.muted,
    )
    names = dict.fromkeys(str(row["quantity"]) for row in result["directions"])
    return {name: paints[k % len(paints)] for k, name in enumerate(names)}


def _draw_tails(axes: Axes, result: Result, graph: str, palette: Palette, *, named: bool = False) -> None:
    colours = _colours(result, palette)
    rows = [row for row in result["directions"] if row["graph"] == graph]
    spectrum_axes(axes, palette, len(rows[0]["power"]) - 1, max(row.get("floor") or 0.0 for row in rows))
    for name in colours:
        for model in dict.fromkeys(row["model"] for row in rows):
            chosen = [row for row in rows if (row["quantity"], row["model"]) == (name, model)]
            total = sum(row["total"] for row in chosen)
            if total == 0:
                continue
            power = np.sum([np.array(row["power"]) * row["total"] / total for row in chosen], axis=0)
            first = model == rows[0]["model"]
            shown = np.where(power > 0, power.clip(FLOOR), np.nan)  # the energy has no mean
            style: dict[str, Any] = {"linewidth": 1.5, "marker": "o", "markersize": 3}
            if not first:
                style = {"linewidth": 0.9, "dashes": (3, 2)}
            axes.plot(shown, color=colours[name], label=name if named and first else None, **style)
