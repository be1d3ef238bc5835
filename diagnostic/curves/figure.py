"""The learning-curve figure: R2 at one l against features, coefficients, and training data, for a few atoms."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import NullFormatter

from ..pages.axes import Layout
from ..pages.figure_style import Palette
from .result_types import CurveAtom, CurvePoint, LearningCurvesResult
from .wording import label_of, pooled, words_of

_SHORT = {
    "all": "all",
    "both parities": "both parities",
    "all layers": "all layers",
    "and the neighbour's": "+ neighbour",
}
_MARKERS = ("o", "s", "^", "D")


def draw_learning_curves(result: LearningCurvesResult, palette: Palette, layout: Layout) -> Figure:
    """Draw the three panels; one colour for each atom."""
    wide = layout == "wide"
    width, height = (9.6, 4.2) if wide else (3.7, 10.8)
    figure = Figure(figsize=(width, height))
    FigureCanvasAgg(figure)
    grid = figure.add_gridspec(
        *((1, 3) if wide else (3, 1)), left=0.62 / width, right=1 - 0.12 / width, top=1 - 0.62 / height,
        bottom=(1.25 if wide else 1.75) / height, wspace=0.12, hspace=0.62,
    )  # fmt: skip
    words = words_of(pooled(result))
    for index, (title, subtitle, _) in enumerate(PANELS.values()):
        axes = figure.add_subplot(grid[index])
        _draw_curves(axes, result, list(PANELS)[index], palette)
        place: dict[str, Any] = {"xycoords": "axes fraction", "textcoords": "offset points", "va": "baseline"}
        axes.annotate(title, (0, 1), xytext=(0, 19), fontsize=10.5, fontweight="bold", **place)
        axes.annotate(
            subtitle.format(**words), (0, 1), xytext=(0, 7), fontsize=8, color=palette.muted, **place
        )
        if index and wide:
            axes.tick_params(labelleft=False)
        else:
            axes.set_ylabel(f"R² at ℓ = {result['l']}, held-out {words['rows']}", labelpad=4)
    _key(figure, result, palette, columns=3 if wide else 1)
    return figure


def curves_panel(axes: Axes, result: LearningCurvesResult, palette: Palette, panel: str) -> None:
    """Draw one panel, ``features``, ``coefficients`` or ``training``, on given axes."""
    _draw_curves(axes, result, panel, palette)
    words = words_of(pooled(result))
    axes.set_title(": ".join(PANELS[panel][:2]).format(**words), loc="left")
    axes.set_ylabel(f"R² at ℓ = {result['l']}, held-out {words['rows']}")
    axes.legend(handles=_atom_entries(result, palette), frameon=False, fontsize="small")


def _drawn(result: LearningCurvesResult) -> list[CurveAtom]:
    return [atom for atom in result["atoms"] if atom["role"] is not None]


def _draw_curves(axes: Axes, result: LearningCurvesResult, panel: str, palette: Palette) -> None:
    points = result["points"]
    lowest = min((p["r2"] for p in points), default=0.0)
    for number, atom in enumerate(_drawn(result)):
        of_atom = [p for p in points if p["atom"] == atom["index"]]
        colour = palette.of_degree(number + 1)
        PANELS[panel][2](axes, of_atom, colour, palette, _MARKERS[number % 4])
    if panel == "training":
        axes.set_xlabel(f"training uses: {words_of(pooled(result))['rows']} × rotations", labelpad=3)
    axes.set_ylim(max(-0.05, min(0.75, lowest - 0.05)), 1.02)
    axes.grid(axis="y", color=palette.rule, linewidth=0.5)
    axes.set_axisbelow(True)


def _line(
    axes: Axes, points: Sequence[CurvePoint], x: Sequence[float], colour: str, palette: Palette, marker: str,
    *, hollow: bool = False, dashed: bool = False,
) -> None:  # fmt: skip
    values = [p["r2"] for p in points]
    axes.plot(
        x, values, color=colour, linewidth=1.4, marker=marker, markersize=4.6, linestyle="--" if dashed else "-",
        markerfacecolor=palette.paper if hollow else colour, markeredgecolor=colour, zorder=3,
    )  # fmt: skip
    for at, p in zip(x, points, strict=True):
        axes.vlines(at, p["r2_low"], p["r2_high"], color=colour, linewidth=0.9, zorder=2.5)


def _series(points: Sequence[CurvePoint], series: str, panel: str) -> list[CurvePoint]:
    chosen = [p for p in points if p["panel"] == panel and p["series"] == series]
    return sorted(chosen, key=lambda p: float(p["step"]))


def _features(axes: Axes, points: Sequence[CurvePoint], colour: str, palette: Palette, marker: str) -> None:
    equivariant = _series(points, "equivariant", "features")
    _line(axes, equivariant, [p["step"] for p in equivariant], colour, palette, marker)
    axes.set_xticks(
        [p["step"] for p in equivariant], [_SHORT.get(p["label"], p["label"]) for p in equivariant], rotation=32, ha="right",
        rotation_mode="anchor", fontsize=7.6,
    )  # fmt: skip
    axes.set_xlabel("channels of each irrep, then more features", labelpad=3)


def _coefficients(
    axes: Axes, points: Sequence[CurvePoint], colour: str, palette: Palette, marker: str
) -> None:
    free = _series(points, "free", "coefficients")
    _line(axes, free, [p["coefficients"] for p in free], colour, palette, marker)
    chosen = _series(points, "free, channels by the equivariant fit", "coefficients")
    _line(
        axes, chosen, [p["coefficients"] for p in chosen], colour, palette, marker, hollow=True, dashed=True
    )
    limit = next((p["r2"] for p in points if p["label"] == "both parities"), None)
    if limit is not None:
        axes.axhline(limit, color=colour, linewidth=0.9, dashes=(1, 2), zorder=1.5)
    axes.set_xscale("log")
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.set_xlabel("coefficients (dotted: equivariant)", labelpad=3)


def _training(axes: Axes, points: Sequence[CurvePoint], colour: str, palette: Palette, marker: str) -> None:
    frames = _series(points, "free, frames", "frames")
    _line(axes, frames, [p["frames"] * p["rotations"] for p in frames], colour, palette, marker)
    turns = _series(points, "free, rotations", "frames")
    _line(
        axes,
        turns,
        [p["frames"] * p["rotations"] for p in turns],
        colour,
        palette,
        marker,
        hollow=True,
        dashed=True,
    )
    axes.set_xscale("log")
    axes.xaxis.set_minor_formatter(NullFormatter())


#: Title, subtitle and drawing of each panel.
PANELS = {
    "features": ("More features", "equivariant readout", _features),
    "coefficients": ("More coefficients", "free readout", _coefficients),
    "training": ("More training data", "{frames} and rotations of each", _training),
}


def _atom_entries(result: LearningCurvesResult, palette: Palette) -> list[Line2D]:
    words = words_of(pooled(result))
    return [
        Line2D([], [], color=palette.of_degree(k + 1), marker=_MARKERS[k % 4], markersize=4.6, linewidth=1.4,
               label=f"{label_of(atom)}, {atom['role']}: limited by {words[str(atom['limited_by'])]}")
        for k, atom in enumerate(_drawn(result))
    ]  # fmt: skip


def _key(figure: Figure, result: LearningCurvesResult, palette: Palette, columns: int) -> None:
    grows = words_of(pooled(result))["frames"]
    styles = [
        Line2D([], [], color=palette.ink, marker="o", markersize=4.6, linewidth=1.4, linestyle="-",
               label=f"channels by principal components; more {grows}"),
        Line2D([], [], color=palette.ink, marker="o", markersize=4.6, linewidth=1.4, linestyle="--",
               markerfacecolor=palette.paper, label="channels by the equivariant fit; more rotations"),
    ]  # fmt: skip
    figure.legend(
        handles=[*_atom_entries(result, palette), *styles], loc="lower left", bbox_to_anchor=(0.0, 0.0), ncols=columns,
        frameon=False, fontsize=8, handlelength=2.2, columnspacing=1.6, labelcolor=palette.ink,
    )  # fmt: skip
