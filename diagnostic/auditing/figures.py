"""The figures of an audit: what layers carry, where readouts stop, how fine a direction is taken in."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from ..pages.axes import Layout
from ..pages.figure_files import Drawing, write_drawings
from ..pages.figure_style import Palette
from .bandwidth import ROUND_OFF
from .result import irrep

Result = Mapping[str, Any]
_FLOOR = 1e-34


def _figure(width: float, height: float) -> Figure:
    figure = Figure(figsize=(width, height))
    FigureCanvasAgg(figure)
    return figure


def of_degree(palette: Palette, l: int) -> str:
    """Return the colour of a feature degree l."""
    return (palette.muted, palette.degree_2, palette.degree_1, palette.degree_3, palette.degree_4)[min(l, 4)]


def draw_features(result: Result, palette: Palette, layout: Layout) -> Figure:
    """Draw the share of each degree l in the power of every layer's features, given and untrained."""
    layers = [layer["name"] for layer in result["model"]["layers"]]
    models = list(dict.fromkeys(row["model"] for row in result["features"]))
    bars = [(layer, model) for layer in layers for model in models]
    wide = layout == "wide"
    width, height = (7.4 if wide else 3.6), 0.32 * len(bars) + 0.16 * len(layers) + 0.8
    figure = _figure(width, height)
    left = (1.55 if wide else 1.22) / width
    axes = figure.add_axes((left, 0.42 / height, (0.965 if wide else 0.94) - left, 1 - 0.78 / height))
    degrees = sorted({row["l_out"] for row in result["features"]})
    level, labels, places = 0.0, [], []
    for layer in layers:
        for model in models:
            start = 0.0
            for l in degrees:
                share = sum(row["share"] for row in result["features"]
                            if (row["layer"], row["model"], row["l_out"]) == (layer, model, l))  # fmt: skip
                if share == 0:
                    continue
                axes.barh(level, share, left=start, height=0.8, color=of_degree(palette, l), linewidth=0.8,
                          edgecolor=palette.paper, alpha=1 if model == "given" else 0.6)  # fmt: skip
                if share > (0.09 if wide else 0.16):
                    axes.text(start + share / 2, level, f"ℓ={l}  {share:.0%}".replace("%", " %"), ha="center",
                              va="center_baseline", color=palette.paper if model == "given" else palette.ink,
                              fontsize=7.6 if wide else 6.6)  # fmt: skip
                start += share
            labels.append(f"{layer}, {_name(result, model)}")
            places.append(level)
            level += 1
        level += 0.5
    axes.set_ylim(level - 0.9, -0.6)
    axes.set_xlim(0, 1)
    axes.set_yticks(places, labels, fontsize=8 if wide else 7)
    axes.tick_params(axis="y", length=0)
    axes.set_xticks([0, 0.25, 0.5, 0.75, 1], ["0", "25 %", "50 %", "75 %", "100 %"])
    axes.spines["left"].set_visible(False)
    axes.set_xlabel("share of the power of the features" if wide else "share of the power", labelpad=3)
    for k, l in enumerate(degrees):
        axes.text(k * (0.1 if wide else 0.17), 1.03, f"■ ℓ={l}", color=of_degree(palette, l), transform=axes.transAxes,
                  fontsize=8, va="bottom")  # fmt: skip
    return figure


def _name(result: Result, model: str) -> str:
    if model == "untrained":
        return "untrained"
    return "trained" if result["model"]["trained"] else "this model"


_LINES = (("polynomial", 1), ("polynomial", 2), ("polynomial", 3), ("polynomial", 4), ("silu", None), ("tanh", None))  # fmt: skip


def _line(palette: Palette, kind: str, degree: int | None) -> tuple[str, str, str]:
    """Return (colour, marker, name) of a readout."""
    if degree is not None:
        return palette.of_degree(degree), {1: "s", 2: "o", 3: "^"}.get(degree, "D"), f"degree {degree}"
    return (palette.ink, "x", "SiLU network") if kind == "silu" else (palette.muted, "+", "tanh network")


def draw_readouts(result: Result, palette: Palette, layout: Layout) -> Figure:
    """Draw the rotation spectrum of the readouts of every layer: power by l on a logarithmic scale."""
    layers = [layer["name"] for layer in result["model"]["layers"]]
    rows = [row for row in result["readouts"] if row["model"] == "given"]
    layers = [name for name in layers if any(row["layer"] == name for row in rows)]
    route = "network" if any(row["route"] == "network" for row in rows) else "wigner"
    wide = layout == "wide"
    columns = min(3, len(layers)) if wide else 1
    lines = -(-len(layers) // columns)
    width, each = (7.4, 2.9) if wide else (3.6, 2.5)
    height = lines * each + (0.32 if wide else 0.5)
    figure = _figure(width, height)
    left, gap = 0.62 / width, 0.2 / width
    across = (1 - left - 0.1 / width - gap * (columns - 1)) / columns
    tops = {layer["name"]: layer["l_max"] for layer in result["model"]["layers"]}
    for k, name in enumerate(layers):
        line, column = divmod(k, columns)
        bottom = 0.4 / height + (lines - 1 - line) * each / height
        axes = figure.add_axes((left + column * (across + gap), bottom, across, (each - 0.62) / height))
        _spectrum_axes(axes, palette, len(rows[0]["power"]) - 1)
        for kind, degree in _LINES:
            own = [row for row in rows if (row["layer"], row["readout"], row["degree"], row["route"])
                   == (name, kind, degree, route)]  # fmt: skip
            if not own:
                continue
            power = np.max([row["power"] for row in own], axis=0)
            colour, marker, _ = _line(palette, kind, degree)
            axes.plot(power.clip(_FLOOR), color=colour, marker=marker, markersize=4.5, linewidth=1.4,
                      markeredgecolor=colour, zorder=3)  # fmt: skip
            if degree is not None and tops[name] > 0 and degree * tops[name] < len(power) - 1:
                axes.axvline(degree * tops[name] + 0.5, color=colour, linewidth=0.9, dashes=(3, 2), zorder=1)
        title = f"{name}: features up to ℓ = {tops[name]}"
        axes.set_title(title, loc="left", fontsize=9 if wide else 9.5, fontweight="bold", pad=5)
        if column:
            axes.tick_params(labelleft=False)
        else:
            axes.set_ylabel("share of the power", labelpad=2)
        if line == lines - 1 or k + columns >= len(layers):
            axes.set_xlabel("ℓ under global rotation", labelpad=2)
    shown = [pair for pair in _LINES if any((row["readout"], row["degree"]) == pair for row in rows)]
    per_line = len(shown) if wide else 3
    for k, (kind, degree) in enumerate(shown):
        colour, _, text = _line(palette, kind, degree)
        x, y = 0.03 + (k % per_line) * (0.96 / per_line), 1 - (0.16 + 0.18 * (k // per_line)) / height
        sign = {"polynomial": {1: "■", 2: "●", 3: "▲"}.get(degree or 0, "◆"), "silu": "×", "tanh": "+"}[kind]
        figure.text(x, y, f"{sign} {text}", color=colour, fontsize=8 if wide else 7.6, va="center")
    return figure


def _spectrum_axes(axes: Axes, palette: Palette, l_top: int) -> None:
    axes.set_yscale("log")
    axes.set_ylim(_FLOOR, 10)
    axes.set_yticks([1, 1e-10, 1e-20, 1e-30], ["1", "10⁻¹⁰", "10⁻²⁰", "10⁻³⁰"])
    axes.minorticks_off()
    axes.set_xlim(-0.4, l_top + 0.4)
    axes.set_xticks(range(0, l_top + 1, 1 if l_top <= 10 else 2))
    axes.axhspan(_FLOOR, ROUND_OFF, color=palette.band, linewidth=0, zorder=0)
    axes.text(
        0.02,
        0.385,
        "rounding",
        transform=axes.transAxes,
        color=palette.muted,
        fontsize=7.2,
        ha="left",
        va="top",
    )
    axes.grid(axis="y", color=palette.rule, linewidth=0.5)
    axes.set_axisbelow(True)


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
    figure = _figure(width, height)
    left, gap = (0.95 if wide else 0.9) / width, 0.25 / width
    across = (1 - left - 0.12 / width - (gap if wide and len(graphs) > 1 else 0)) / (
        len(graphs) if wide else 1
    )
    top = len(result["directions"][0]["power"]) - 1
    for k, graph in enumerate(graphs):
        column, line = (k, 0) if wide else (0, k)
        bottom = (0.42 + (panels - 1 - line) * (panel + 0.78)) / height
        axes = figure.add_axes((left + column * (across + gap), bottom, across, panel / height))
        axes.set_xlim(-0.5, top + 1.3)
        axes.set_ylim(len(names) - 0.5, -0.5)
        axes.set_yticks(range(len(names)), names if column == 0 else [""] * len(names), fontsize=8)
        axes.tick_params(axis="y", length=0)
        axes.spines["left"].set_visible(False)
        axes.set_xticks(range(0, top + 1, 1 if top <= 8 else 2))
        axes.set_xlabel("ℓ of the neighbour's direction", labelpad=2)
        axes.grid(axis="x", color=palette.rule, linewidth=0.4)
        axes.set_axisbelow(True)
        title = {"star": "Star graph: only directions change", "full": "Full graph: distances change too"}
        axes.set_title(title[graph], loc="left", fontsize=9.5, fontweight="bold", pad=6)
        for number, name in enumerate(names):
            found = [
                row for row in result["directions"] if row["graph"] == graph and quantity_name(row) == name
            ]
            bound = next((row["predicted"] for row in found if row["predicted"] is not None), None)
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
            for row in found:
                second = len(models) > 1 and row["model"] != models[0]
                aside = 0.18 * (1 if second else -1) if len(models) > 1 else 0.0
                _width(axes, row, number + aside, palette, hollow=second, top=top)
    keys = [("▌ theory's bound", palette.degree_1), ("● measured", palette.degree_2), ("◆ 99.99 %", palette.degree_3),
            ("| 99 % of what varies", palette.ink)]  # fmt: skip
    if len(models) > 1:
        keys.append(("hollow: untrained", palette.muted))
    spots = (0.02, 0.2, 0.34, 0.47, 0.71) if wide else (0.02, 0.37, 0.66, 0.02, 0.5)
    for k, (text, colour) in enumerate(keys):
        y = 1 - (0.14 if wide or k < 3 else 0.32) / height
        figure.text(spots[k], y, text, color=colour, fontsize=8 if wide else 7.4, va="center")
    return figure


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
    names = list(dict.fromkeys(row["quantity"] for row in result["directions"]))
    width, each = (7.4, 3.1) if wide else (3.6, 2.8)
    height = (each if wide else each * len(graphs)) + 0.25
    figure = _figure(width, height)
    left, gap = 0.62 / width, 0.22 / width
    across = (1 - left - 0.1 / width - (gap if wide and len(graphs) > 1 else 0)) / (
        len(graphs) if wide else 1
    )
    paints = (
        palette.degree_1,
        palette.degree_2,
        palette.degree_3,
        palette.degree_4,
        palette.ink,
        palette.muted,
    )
    colours = {name: paints[k % len(paints)] for k, name in enumerate(names)}
    for k, graph in enumerate(graphs):
        column, line = (k, 0) if wide else (0, len(graphs) - 1 - k)
        bottom = (0.42 + line * each) / height
        axes = figure.add_axes((left + column * (across + gap), bottom, across, (each - 0.75) / height))
        rows = [row for row in result["directions"] if row["graph"] == graph]
        _spectrum_axes(axes, palette, len(rows[0]["power"]) - 1)
        for name in names:
            for model in dict.fromkeys(row["model"] for row in rows):
                own = [row for row in rows if (row["quantity"], row["model"]) == (name, model)]
                total = sum(row["total"] for row in own)
                if total == 0:
                    continue
                power = np.sum([np.array(row["power"]) * row["total"] / total for row in own], axis=0)
                first = model == rows[0]["model"]
                shown = np.where(power > 0, power.clip(_FLOOR), np.nan)  # the energy has no mean
                style: dict[str, Any] = {"linewidth": 1.5, "marker": "o", "markersize": 3}
                if not first:
                    style = {"linewidth": 0.9, "dashes": (3, 2)}
                axes.plot(shown, color=colours[name], **style)
        axes.set_title(f"{graph.capitalize()} graph", loc="left", fontsize=9.5, fontweight="bold", pad=5)
        axes.set_xlabel("ℓ of the neighbour's direction", labelpad=2)
        if column == 0:
            axes.set_ylabel("share of the power", labelpad=2)
        else:
            axes.tick_params(labelleft=False)
    spread = 0.94 / max(1, len(names))
    for k, name in enumerate(names):
        figure.text(
            0.04 + k * spread,
            1 - 0.14 / height,
            f"● {name}",
            color=colours[name],
            fontsize=8 if wide else 6.4,
            va="center",
        )
    return figure


AUDIT_FIGURES: tuple[tuple[str, Callable[[Result, Palette, Layout], Figure], str], ...] = (
    ("features", draw_features, "features"),
    ("readouts", draw_readouts, "readouts"),
    ("bandwidths", draw_bandwidths, "directions"),
    ("tails", draw_tails, "directions"),
)


def audit_drawings(result: Result) -> list[Drawing]:
    """Return the figures that a result has rows for."""

    def drawing(name: str, draw: Callable[[Result, Palette, Layout], Figure]) -> Drawing:
        return Drawing(name, lambda palette, layout: draw(result, palette, layout))

    return [drawing(name, draw) for name, draw, rows in AUDIT_FIGURES if result[rows]]


def write_audit_figures(result: Result, directory: Path) -> list[Path]:
    """Write the figures that a result has into ``<directory>/figures``: PNG in light, dark and narrow form, and SVG."""
    return write_drawings(audit_drawings(result), directory)
