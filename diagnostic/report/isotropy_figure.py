"""How much the orientations of the frames agree, by angular frequency, against what chance leaves."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from scipy.stats import chi2

from ..measurement.result import Result
from ..pages.axes import Layout
from ..pages.figure_style import Palette
from ..recovery.bootstrap import LEVEL


def can_draw_isotropy(result: Result) -> bool:
    """Whether the result holds the spectrum of the orientations."""
    return bool(result["checks"].get("orientations", {}).get("spectrum"))


def draw_isotropy(result: Result, palette: Palette, layout: Layout) -> Figure:
    """Draw the alignment A_l on a logarithmic scale, its expectation 1/N for random orientations, and their band."""
    wide = layout == "wide"
    width, height = (5.2, 2.3) if wide else (3.6, 2.5)
    figure = Figure(figsize=(width, height))
    FigureCanvasAgg(figure)
    axes = figure.add_axes((0.62 / width, 0.44 / height, 1 - 0.74 / width, 1 - 0.74 / height))
    isotropy_panel(axes, result, palette, random="random orientations" if wide else "random")
    return figure


def isotropy_panel(
    axes: Axes, result: Result, palette: Palette, *, random: str = "random orientations"
) -> None:
    """Draw the alignment on given axes; ``random`` names its expectation."""
    orientations = result["checks"]["orientations"]
    degrees = np.array([int(entry["l"]) for entry in orientations["spectrum"]])
    values = np.array([float(entry["alignment"]) for entry in orientations["spectrum"]])
    count = int(orientations["frames"])
    freedom = 2 * degrees + 1 if orientations["kind"] == "directions" else (2 * degrees + 1) ** 2
    edges = [chi2.ppf(part, freedom) / (count * freedom) for part in ((1 - LEVEL) / 2, (1 + LEVEL) / 2)]
    axes.set_yscale("log")
    bottom = min(float(edges[0].min()), float(values[values > 0].min(initial=1.0)))
    axes.set_ylim(10 ** np.floor(np.log10(bottom)), 1.6)
    axes.set_xlim(0.5, degrees[-1] + 0.5)
    axes.set_xticks(degrees)
    axes.minorticks_off()
    for l, low, high in zip(degrees, *edges, strict=True):
        axes.fill_between([l - 0.5, l + 0.5], low, high, color=palette.band, linewidth=0, zorder=0.6)
    axes.axhline(1.0 / count, color=palette.muted, linewidth=1.0, dashes=(3, 2), zorder=1)
    axes.plot(degrees, np.maximum(values, axes.get_ylim()[0]), color=palette.degree_2, linewidth=1.6, marker="o",
              markersize=5.0, markeredgecolor=palette.paper, markeredgewidth=0.7, zorder=3)  # fmt: skip
    axes.set_xlabel("ℓ", labelpad=2)
    axes.set_ylabel("alignment", labelpad=3)
    for place, side, words in ((0, "left", "1: all stand alike"), (1, "right", f"{random}: 1/{count:,}")):
        axes.annotate(
            words, (place, 1), xycoords="axes fraction", xytext=(0, 5), textcoords="offset points", ha=side,
            fontsize=7.8, color=palette.muted,
        )  # fmt: skip
