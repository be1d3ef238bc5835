"""The figures of an audit: what layers carry, where readouts stop; and the files and pages of all of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ...theory.errors import InputError
from ..pages.axes import Layout, size_of
from ..pages.figure_files import Drawing, write_drawings
from ..pages.figure_style import Palette
from ..records.plain import field
from .direction_figures import FLOOR, draw_bandwidths, draw_tails, new_figure, spectrum_axes
from .result_types import AuditResult

Result = AuditResult


def of_degree(palette: Palette, l: int) -> str:
    """Return the colour of features with l."""
    return (palette.muted, palette.degree_2, palette.degree_1, palette.degree_3, palette.degree_4)[min(l, 4)]


def draw_features(result: Result, palette: Palette, layout: Layout) -> Figure:
    """Draw the share of each l in the power of every layer's features, given and untrained."""
    layers, models = _bars(result)
    bars = [(layer, model) for layer in layers for model in models]
    wide = layout == "wide"
    width, height = (7.4 if wide else 3.6), 0.32 * len(bars) + 0.16 * len(layers) + 0.8
    figure = new_figure(width, height)
    left = (1.55 if wide else 1.22) / width
    axes = figure.add_axes((left, 0.42 / height, (0.965 if wide else 0.94) - left, 1 - 0.78 / height))
    _draw_shares(axes, result, palette, wide=wide)
    return figure


def features_panel(axes: Axes, result: Result, palette: Palette) -> None:
    """Draw the share of each l in the power of every layer's features on given axes."""
    _draw_shares(axes, result, palette, wide=size_of(axes)[0] > 4)


def _bars(result: Result) -> tuple[list[str], list[str]]:
    """Return the layers and the models that have bars."""
    layers = [str(layer["name"]) for layer in result["model"]["layers"]]
    return layers, list(dict.fromkeys(row["model"] for row in result["features"]))


def _draw_shares(axes: Axes, result: Result, palette: Palette, *, wide: bool) -> None:
    layers, models = _bars(result)
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


def _name(result: Result, model: str) -> str:
    if model == "untrained":
        return "untrained"
    return "trained" if result["model"]["trained"] else "this model"


_LINES: tuple[tuple[str, int | None], ...] = (
    ("polynomial", 1), ("polynomial", 2), ("polynomial", 3), ("polynomial", 4), ("silu", None), ("tanh", None),
)  # fmt: skip


def _line(palette: Palette, kind: str, degree: int | None) -> tuple[str, str, str]:
    """Return (colour, marker, name) of a readout."""
    if degree is not None:
        return palette.of_degree(degree), {1: "s", 2: "o", 3: "^"}.get(degree, "D"), f"degree {degree}"
    return (palette.ink, "x", "SiLU network") if kind == "silu" else (palette.muted, "+", "tanh network")


def draw_readouts(result: Result, palette: Palette, layout: Layout) -> Figure:
    """Draw the rotation spectrum of the readouts of every layer: power by l on a logarithmic scale."""
    layers = _read_layers(result)
    wide = layout == "wide"
    columns = min(3, len(layers)) if wide else 1
    lines = -(-len(layers) // columns)
    width, each = (7.4, 2.9) if wide else (3.6, 2.5)
    height = lines * each + (0.32 if wide else 0.5)
    figure = new_figure(width, height)
    left, gap = 0.62 / width, 0.2 / width
    across = (1 - left - 0.1 / width - gap * (columns - 1)) / columns
    tops = _tops(result)
    for k, name in enumerate(layers):
        line, column = divmod(k, columns)
        bottom = 0.4 / height + (lines - 1 - line) * each / height
        axes = figure.add_axes((left + column * (across + gap), bottom, across, (each - 0.62) / height))
        _draw_readout_lines(axes, result, name, palette)
        title = f"{name}: features up to ℓ = {tops[name]}"
        axes.set_title(title, loc="left", fontsize=9 if wide else 9.5, fontweight="bold", pad=5)
        if column:
            axes.tick_params(labelleft=False)
        else:
            axes.set_ylabel("share of the power", labelpad=2)
        if line == lines - 1 or k + columns >= len(layers):
            axes.set_xlabel("ℓ under global rotation", labelpad=2)
    rows = _given_rows(result)
    shown = [pair for pair in _LINES if any((row["readout"], row["degree"]) == pair for row in rows)]
    per_line = len(shown) if wide else 3
    for k, (kind, degree) in enumerate(shown):
        colour, _, text = _line(palette, kind, degree)
        x, y = 0.03 + (k % per_line) * (0.96 / per_line), 1 - (0.16 + 0.18 * (k // per_line)) / height
        sign = {"polynomial": {1: "■", 2: "●", 3: "▲"}.get(degree or 0, "◆"), "silu": "×", "tanh": "+"}[kind]
        figure.text(x, y, f"{sign} {text}", color=colour, fontsize=8 if wide else 7.6, va="center")
    return figure


def readouts_panel(axes: Axes, result: Result, palette: Palette, *, layer: str | None = None) -> None:
    """Draw the rotation spectrum of the readouts of one layer on given axes; None: the last layer."""
    layers = _read_layers(result)
    name = layers[-1] if layer is None else layer
    if name not in layers:
        raise InputError(
            f"no readouts of a layer {name!r} were measured, expected one of {', '.join(layers)}"
        )
    _draw_readout_lines(axes, result, name, palette, named=True)
    axes.set_title(f"{name}: features up to ℓ = {_tops(result)[name]}", loc="left")
    axes.set_ylabel("share of the power")
    axes.set_xlabel("ℓ under global rotation")
    axes.legend(frameon=False, fontsize="small")


def _given_rows(result: Result) -> list[Mapping[str, Any]]:
    return [row for row in result["readouts"] if row["model"] == "given"]


def _read_layers(result: Result) -> list[str]:
    """Return the layers whose readouts were measured, in the model's order."""
    read = {row["layer"] for row in _given_rows(result)}
    return [str(layer["name"]) for layer in result["model"]["layers"] if layer["name"] in read]


def _tops(result: Result) -> dict[str, int]:
    return {str(layer["name"]): int(layer["l_max"]) for layer in result["model"]["layers"]}


def _draw_readout_lines(
    axes: Axes, result: Result, name: str, palette: Palette, *, named: bool = False
) -> None:
    rows, tops = _given_rows(result), _tops(result)
    route = "network" if any(row["route"] == "network" for row in rows) else "wigner"
    floor = max(row.get("floor") or 0.0 for row in rows if (row["layer"], row["route"]) == (name, route))
    spectrum_axes(axes, palette, len(rows[0]["power"]) - 1, floor)
    for kind, degree in _LINES:
        chosen = [row for row in rows if (row["layer"], row["readout"], row["degree"], row["route"])
               == (name, kind, degree, route)]  # fmt: skip
        if not chosen:
            continue
        power = np.max([row["power"] for row in chosen], axis=0)
        colour, marker, text = _line(palette, kind, degree)
        axes.plot(power.clip(FLOOR), color=colour, marker=marker, markersize=4.5, linewidth=1.4,
                  markeredgecolor=colour, zorder=3, label=text if named else None)  # fmt: skip
        if degree is not None and tops[name] > 0 and degree * tops[name] < len(power) - 1:
            axes.axvline(degree * tops[name] + 0.5, color=colour, linewidth=0.9, dashes=(3, 2), zorder=1)


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

    return [drawing(name, draw) for name, draw, rows in AUDIT_FIGURES if field(result, rows)]


def write_audit_figures(result: Result, directory: Path) -> list[Path]:
    """Write the figures that a result has into ``<directory>/figures``: PNG in light, dark and narrow form, and SVG."""
    return write_drawings(audit_drawings(result), directory)
