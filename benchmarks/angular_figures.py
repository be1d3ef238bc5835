"""Figures of the angular terms on real frames: what was learned against the closed form, and the curves over steps."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

if TYPE_CHECKING:
    from .angular_terms import Row, Setting

#: Colours of the models' L, and of the terms' l.
COLOURS = {1: "#0072b2", 2: "#d55e00", 3: "#009e73"}
TERM_COLOURS = {3: "#56b4e9", 5: "#cc79a7", 6: "#e69f00"}
NAMES = {"mace": "MACE", "nequip": "NequIP"}
STEPS = (50, 100, 200, 400, 1000, 2000)
MARKERS = {3: "o", 5: "s", 6: "^"}


def draw(rows: Sequence[Row], out: Path) -> None:
    """Write ``learned.png`` and ``curves.png``."""
    several = [row for row in rows if len(row.setting.terms) > 1]
    figure = against_closed_form(several)
    FigureCanvasAgg(figure)
    figure.savefig(out / "learned.png", dpi=150)
    figure = curves(rows)
    FigureCanvasAgg(figure)
    figure.savefig(out / "curves.png", dpi=150)


def against_closed_form(rows: Sequence[Row]) -> Figure:
    """Draw trained against closed form, one panel for each data set and side of the third side."""
    kinds = list(dict.fromkeys((row.setting.data, row.setting.architecture) for row in rows))
    figure = Figure(figsize=(2.9 * max(1, len(kinds)), 3.5), layout="constrained")
    panels = figure.subplots(1, max(1, len(kinds)), squeeze=False, sharex=True, sharey=True)[0]
    for panel, (data, architecture) in zip(panels, kinds, strict=False):
        for row in rows:
            setting = row.setting
            if (setting.data, setting.architecture) != (data, architecture) or row.closed is None:
                continue
            below = setting.cutoff <= setting.term_cutoff
            panel.errorbar(
                row.closed[0], row.learned, yerr=row.spread,
                xerr=[[max(0.0, row.closed[0] - row.closed[1])], [max(0.0, row.closed[2] - row.closed[0])]],
                marker=MARKERS.get(row.l, "D"), color=COLOURS[setting.l_max],
                markerfacecolor=COLOURS[setting.l_max] if below else "white", markersize=5, linewidth=1,
            )  # fmt: skip
        panel.plot([0.5, 1.02], [0.5, 1.02], color="0.6", linewidth=0.8)
        panel.set_title(f"{short(data)}, {NAMES[architecture]}", fontsize=9)
        panel.set_xlabel("R² of the closed form", fontsize=8)
        panel.tick_params(labelsize=8)
    panels[0].set_ylabel("learned by training", fontsize=8)
    handles = [
        *(panels[0].plot([], [], "o", color=COLOURS[l], label=f"L = {l}")[0] for l in (1, 2, 3)),
        *(panels[0].plot([], [], MARKERS[l], color="0.4", label=f"term l = {l}")[0] for l in MARKERS),
        panels[0].plot([], [], "o", color="0.4", label="sees bonds only")[0],
        panels[0].plot([], [], "o", color="0.4", markerfacecolor="white", label="sees the third side")[0],
    ]
    figure.legend(handles=handles, loc="outside lower center", ncols=8, fontsize=7, frameon=False)
    return figure


def curves(rows: Sequence[Row]) -> Figure:
    """Draw what is learned over steps for the settings that see bonds only, with the closed forms as dashes."""
    chosen: list[Setting] = list(
        dict.fromkeys(row.setting for row in rows if row.setting.cutoff <= row.setting.term_cutoff)
    )
    kinds = list(dict.fromkeys((s.data, s.architecture, s.l_max) for s in chosen))
    columns = 3
    lines = max(1, -(-len(kinds) // columns))
    figure = Figure(figsize=(9.4, 2.2 * lines), layout="constrained")
    panels = figure.subplots(lines, columns, squeeze=False, sharey=True)
    for panel, kind in zip(panels.flat, kinds, strict=False):
        for row in rows:
            setting = row.setting
            if setting not in chosen or (setting.data, setting.architecture, setting.l_max) != kind:
                continue
            alone = len(setting.terms) == 1
            panel.plot(
                *zip(*row.curve, strict=True), color=TERM_COLOURS.get(row.l, "0.4"), linewidth=1,
                linestyle=":" if alone else "-", marker="." if alone else "",
                label=f"l = {row.l}{' alone' if alone else ''}",
            )  # fmt: skip
            if row.closed is not None:
                panel.axhline(
                    row.closed[0], color=TERM_COLOURS.get(row.l, "0.4"), linewidth=0.8, linestyle="--"
                )
        panel.set_title(f"{short(kind[0])}, {NAMES[kind[1]]}, L = {kind[2]}", fontsize=8)
        panel.set_xscale("log")
        panel.set_xticks(STEPS, [str(step) for step in STEPS])
        panel.set_xlim(45, 2200)
        panel.minorticks_off()
        panel.set_ylim(0, 1.08)
        panel.tick_params(labelsize=7)
    for panel in panels[-1]:
        panel.set_xlabel("steps", fontsize=8)
    for panel in panels[:, 0]:
        panel.set_ylabel("learned", fontsize=8)
    panels.flat[0].legend(fontsize=6, frameon=False)
    return figure


def short(source: str) -> str:
    """Return the name of a data set as a reader says it."""
    return {"rmd17:ethanol:train:01": "ethanol", "lif-xtb": "LiF"}.get(source, source)
