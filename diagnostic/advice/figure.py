"""The figure of an advice: the knobs with their intervals beside the curve of what is left against l."""

from __future__ import annotations

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from ..pages.axes import Layout
from ..pages.figure_style import Palette
from .result_types import AdviceContent
from .settings import KNOB_NAMES, KNOBS


def draw_advice(result: AdviceContent, palette: Palette, layout: Layout) -> Figure:
    """Draw both panels, side by side or one over the other."""
    wide = layout == "wide"
    width, height = (9.4, 3.9) if wide else (3.7, 7.4)
    figure = Figure(figsize=(width, height))
    FigureCanvasAgg(figure)
    grid = figure.add_gridspec(
        *((1, 2) if wide else (2, 1)), left=1.25 / width, right=1 - 0.15 / width, top=1 - 0.45 / height,
        bottom=(1.05 if wide else 1.25) / height, wspace=0.28, hspace=0.5,
    )  # fmt: skip
    left, right = figure.add_subplot(grid[0]), figure.add_subplot(grid[1])
    knobs_panel(left, result, palette, legend=False)
    need_panel(right, result, palette)
    figure.legend(
        handles=_entries(palette), loc="lower left", bbox_to_anchor=(0.01, 0.0), ncols=3 if wide else 1,
        frameon=False, fontsize=8, columnspacing=1.6, labelcolor=palette.ink,
    )  # fmt: skip
    return figure


def knobs_panel(axes: Axes, result: AdviceContent, palette: Palette, *, legend: bool = True) -> None:
    """Draw gain and unique part of each knob with 95 % intervals, and the null band."""
    place = {name: len(KNOBS) - 1 - k for k, name in enumerate(KNOBS)}
    for row in result["knobs"]:
        at = place[row["knob"]]
        for offset, low, value, high, colour, marker in (
            (0.14, row["low"], row["gain"], row["high"], palette.degree_2, "o"),
            (-0.14, row["unique_low"], row["unique"], row["unique_high"], palette.degree_1, "D"),
        ):
            axes.hlines(at + offset, low, high, color=colour, linewidth=1.6, zorder=2.5)
            axes.plot(
                [value], [at + offset], marker=marker, color=colour, markersize=6, linestyle="none", zorder=3
            )
        band = max(0.0, row["null_gain"], row["null_unique"])
        axes.fill_betweenx([at - 0.32, at + 0.32], 0.0, band, color=palette.band, zorder=1)
    axes.set_yticks(list(place.values()), [KNOB_NAMES[name] for name in place])
    axes.set_ylim(-0.5, len(KNOBS) - 0.5)
    axes.axvline(0.0, color=palette.rule, linewidth=0.8, zorder=1.5)
    axes.set_xlabel("share of what the base leaves", labelpad=3)
    axes.set_title("What each knob holds", loc="left", fontsize=10.5, fontweight="bold")
    if legend:
        axes.legend(handles=_entries(palette), frameon=False, fontsize="small")


def need_panel(axes: Axes, result: AdviceContent, palette: Palette) -> None:
    """Draw what order 2 with degrees up to l leaves of the target, and what all knobs leave."""
    points, target = result["need"], result["target"]
    at = [point["l"] for point in points]
    axes.plot(
        at, [p["left"] for p in points], marker="s", markersize=5, linewidth=1.6, color=palette.degree_3
    )
    for point in points:
        axes.vlines(point["l"], point["low"], point["high"], color=palette.degree_3, linewidth=1.0)
    wide = [
        (p["l"], p["ample_left"], p["ample_low"], p["ample_high"])
        for p in points
        if p["ample_left"] is not None
    ]
    if wide:
        axes.plot([p[0] for p in wide], [p[1] for p in wide], marker="^", markersize=5, linewidth=1.2, linestyle="-.",
                  color=palette.ink)  # fmt: skip
        for l, _, low, high in wide:
            axes.vlines(l, low or 0.0, high or 0.0, color=palette.ink, linewidth=1.0)
    axes.axhline(max(target["all_left"], 1e-9), color=palette.degree_4, linewidth=1.1, linestyle="--")
    axes.axvline(result["basis"]["l_max"], color=palette.muted, linewidth=0.9, linestyle=":")
    axes.annotate(
        f"L = {result['basis']['l_max']}", (result["basis"]["l_max"], 1), xycoords=("data", "axes fraction"),
        xytext=(3, -10), textcoords="offset points", fontsize=8, color=palette.muted,
    )  # fmt: skip
    axes.set_yscale("log")
    axes.set_xticks(at)
    axes.set_xlabel("degrees up to ℓ", labelpad=3)
    words = "model's squared error" if result["question"] == "limit" else "squared forces"
    axes.set_title(f"Left of the {words}", loc="left", fontsize=10.5, fontweight="bold")
    axes.grid(axis="y", color=palette.rule, linewidth=0.5)
    axes.set_axisbelow(True)


def _entries(palette: Palette) -> list[Line2D | Patch]:
    return [
        Line2D([], [], color=palette.degree_2, marker="o", linewidth=1.6, markersize=6, label="gain: added alone"),
        Line2D([], [], color=palette.degree_1, marker="D", linewidth=1.6, markersize=6, label="unique: what nothing else can"),
        Line2D([], [], color=palette.degree_3, marker="s", linewidth=1.6, markersize=5, label="order 2 of the base"),
        Line2D([], [], color=palette.ink, marker="^", linewidth=1.2, linestyle="-.", markersize=5,
               label="and radial channels, order 3"),
        Line2D([], [], color=palette.degree_4, linewidth=1.1, linestyle="--", label="left by all knobs together"),
        Patch(color=palette.band, label="band of null targets"),
    ]  # fmt: skip
