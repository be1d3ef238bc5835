"""The figures of a collected sweep: small multiples of the cliff, contrasts with intervals, cost against height."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import product
from typing import Any

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from ..diagnostic.pages.axes import Layout
from ..diagnostic.pages.figure_style import MARKERS, Palette
from .cliffs import Cliff, by_setting, factors_of
from .contrasts import QUANTITIES, Contrast, over_settings
from .table_files import text_of

#: Panels and rows of contrasts that a figure has room for; the table has all.
MOST_PANELS, MOST_CONTRASTS = 24, 24
_SIGNS = ("o", "s", "^", "D", "v", "P", "X", "<", ">")
#: Axis of each quantity of a contrast.
_AXES = {
    "height": "change of the height",
    "last recovered l": "change of the last recovered ℓ",
    "force MAE": "change of the force MAE (meV/Å)",
}
_SCALES = {"force MAE": 1e3}


def panels_of(cliffs: Sequence[Cliff]) -> tuple[list[list[Cliff]], int]:
    """Return the cliffs of each panel, and how many panels stand in a row.

    One panel for each setting. Where the sweep is a whole grid, the label with most values, six at most, runs along a row.
    """
    groups = by_setting(cliffs)
    factors = factors_of(cliffs)
    along = max(
        (name for name in factors if len(factors[name]) <= 6),
        key=lambda name: len(factors[name]),
        default=None,
    )
    if along is None:
        return list(groups.values()), 4
    order = [name for name in factors if name != along] + [along]

    def place(group: Sequence[Cliff]) -> tuple[int, ...]:
        labels = group[0].labels
        return tuple(
            [text_of(value) for value in factors[name]].index(text_of(labels[name])) if name in labels else -1
            for name in order
        )

    panels = sorted(groups.values(), key=place)
    whole = {place(group) for group in panels} == set(product(*(range(len(factors[name])) for name in order)))
    return panels, len(factors[along]) if whole else 4


def title_of(cliff: Cliff, factors: Mapping[str, Any]) -> str:
    """Return the labels of a setting that vary in the sweep; without any, what was diagnosed."""
    parts = [_label(name, cliff.labels[name]) for name in factors if name in cliff.labels]
    return ", ".join(parts) or cliff.formula


def _label(name: str, value: object) -> str:
    return text_of(value) if isinstance(value, str) else f"{name} {text_of(value)}"


def draw_cliffs(cliffs: Sequence[Cliff], palette: Palette, layout: Layout = "wide") -> Figure:
    """Draw R2 against l, one panel a setting: each seed a thin line, their mean a thick one, ceilings dashed."""
    panels, across = panels_of(cliffs)
    panels = panels[:MOST_PANELS]
    factors = factors_of(cliffs)
    columns = min(across if layout == "wide" else 2, len(panels))
    rows = -(-len(panels) // columns)
    figure = Figure(figsize=((2.5 if layout == "wide" else 1.85) * columns + 0.5, 1.75 * rows + 0.75))
    FigureCanvasAgg(figure)
    grid = figure.subplots(rows, columns, sharex=True, sharey=True, squeeze=False)
    lowest = min((value for cliff in cliffs for value in cliff.r2 if value is not None), default=0.0)
    for k, axes in enumerate(grid.flat):
        if k >= len(panels):
            axes.set_visible(False)
            continue
        _draw_panel(axes, panels[k], palette)
        axes.set_title(title_of(panels[k][0], factors), fontsize=7.5 if layout == "wide" else 6.2, loc="left")
        axes.set_ylim(max(-0.6, min(-0.08, lowest - 0.04)), 1.12)
        if k % columns == 0:
            axes.set_ylabel("R²")
        if k + columns >= len(panels):
            axes.set_xlabel("ℓ")
            axes.tick_params(labelbottom=True)
    degrees = sorted({cliff.degree for cliff in cliffs})
    handles = [
        figure.axes[0].plot(
            [], [], color=palette.of_degree(d), marker=MARKERS.get(d, "D"), markersize=4, linewidth=1.8
        )[0]
        for d in degrees
    ]
    names = [f"mean over seeds, degree {d}" for d in degrees]
    handles.append(figure.axes[0].plot([], [], color=palette.muted, linewidth=0.7)[0])
    handles.append(figure.axes[0].plot([], [], color=palette.muted, linestyle=(0, (4, 3)), linewidth=0.9)[0])
    figure.legend(
        handles, [*names, "one seed", "ceiling"], loc="outside lower center", frameon=False, fontsize=7.5,
        ncols=4 if layout == "wide" else 2,
    )  # fmt: skip
    figure.set_layout_engine("constrained")
    return figure


def _draw_panel(axes: Axes, panel: Sequence[Cliff], palette: Palette) -> None:
    for degree in sorted({cliff.degree for cliff in panel}):
        seeds = [cliff for cliff in panel if cliff.degree == degree]
        colour = palette.of_degree(degree)
        for cliff in seeds:
            points = [(l, value) for l, value in enumerate(cliff.r2) if value is not None and l]
            axes.plot(*zip(*points, strict=True), color=colour, linewidth=0.7, alpha=0.75)
        means = mean_curve(seeds)
        axes.plot(
            list(means), list(means.values()), color=colour, linewidth=1.8, marker=MARKERS.get(degree, "D"), markersize=3.8,
            markeredgecolor=palette.paper, markeredgewidth=0.5,
        )  # fmt: skip
        for edge in {cliff.boundary for cliff in seeds if cliff.boundary is not None}:
            axes.axvline(edge + 0.5, color=palette.muted, linestyle=(0, (4, 3)), linewidth=0.9)
    axes.axhline(0.0, color=palette.rule, linewidth=0.8, zorder=0)
    top = max(len(cliff.r2) for cliff in panel) - 1
    axes.set_xlim(0.5, max(top, 1) + 0.5)
    axes.set_xticks(range(1, max(top, 1) + 1))


def mean_curve(cliffs: Sequence[Cliff]) -> dict[int, float]:
    """Return the mean of R2 over backbones, for every l from 1 on that all of them have."""
    top = min((len(cliff.r2) for cliff in cliffs), default=0)
    curve = {}
    for l in range(1, top):
        values = [cliff.r2[l] for cliff in cliffs]
        if all(value is not None for value in values):
            curve[l] = sum(value or 0.0 for value in values) / len(values)
    return curve


def name_of(contrast: Contrast, *, degrees: bool) -> str:
    """Return what is compared: ``l-max 2 against 1``."""
    text = f"{contrast.factor} {text_of(contrast.value)} against {text_of(contrast.against)}"
    return f"{text}, degree {contrast.degree}" if degrees else text


def draw_contrasts(contrasts: Sequence[Contrast], palette: Palette, layout: Layout = "wide") -> Figure:
    """Draw every contrast as its mean over settings with the interval over backbones, one panel for each quantity.

    A bar without ends is the range of the differences, where backbones are too few for an interval.
    """
    chosen = over_settings(contrasts)
    degrees = len({c.degree for c in chosen}) > 1
    names = list(dict.fromkeys(name_of(c, degrees=degrees) for c in chosen))[:MOST_CONTRASTS]
    quantities = [q for q in QUANTITIES if any(c.quantity == q for c in chosen)]
    wide = layout == "wide"
    shape = (1, len(quantities)) if wide else (len(quantities), 1)
    height = 0.27 * len(names) + 0.75
    figure = Figure(
        figsize=(2.6 * len(quantities) + 1.8, height) if wide else (3.6, height * len(quantities))
    )
    FigureCanvasAgg(figure)
    grid = figure.subplots(*shape, sharey=True, squeeze=False)
    for axes, quantity in zip(grid.flat, quantities, strict=True):
        scale = _SCALES.get(quantity, 1.0)
        for contrast in (c for c in chosen if c.quantity == quantity):
            name = name_of(contrast, degrees=degrees)
            if name not in names:
                continue
            y, colour = names.index(name), palette.of_degree(contrast.degree)
            low, high = contrast.low, contrast.high
            ends = (contrast.least, contrast.most) if low is None or high is None else (low, high)
            axes.hlines(y, scale * ends[0], scale * ends[1], color=colour, linewidth=1.4)
            if low is not None:
                axes.plot(
                    [scale * end for end in ends],
                    [y, y],
                    linestyle="none",
                    marker="|",
                    color=colour,
                    markersize=7,
                )
            axes.plot(
                scale * contrast.mean,
                y,
                marker="o",
                color=colour,
                markersize=5,
                markeredgecolor=palette.paper,
            )
        axes.axvline(0.0, color=palette.muted, linewidth=0.8, zorder=0)
        axes.set_yticks(range(len(names)), names)
        axes.set_ylim(len(names) - 0.5, -0.5)
        axes.xaxis.set_major_locator(MaxNLocator(4))
        axes.set_xlabel(_AXES[quantity])
    figure.set_layout_engine("constrained")
    return figure


def priced(cliffs: Sequence[Cliff]) -> list[Cliff]:
    """Return the cliffs of the highest degree whose training has a known cost and whose height was measured."""
    known = [
        cliff
        for cliff in cliffs
        if cliff.cost is not None and cliff.cost > 0.0 and cliff.height() is not None
    ]
    top = max((cliff.degree for cliff in known), default=0)
    return [cliff for cliff in known if cliff.degree == top]


def draw_costs(cliffs: Sequence[Cliff], palette: Palette, layout: Layout = "wide") -> Figure:
    """Draw height against what the training took, a point for each backbone; colour and sign are those of two labels."""
    shown = priced(cliffs)
    factors = factors_of(shown)
    ordered = sorted(factors, key=lambda name: (name != "l-max", name != "features", name))
    first = next((name for name in ordered if len(factors[name]) <= 4), None)
    second = next((name for name in ordered if name != first and len(factors[name]) <= len(_SIGNS)), None)
    figure = Figure(figsize=(5.6, 3.3) if layout == "wide" else (3.6, 3.6))
    FigureCanvasAgg(figure)
    axes = figure.subplots()
    for k, value in enumerate(factors.get(first or "", [None])):
        for n, other in enumerate(factors.get(second or "", [None])):
            points = [c for c in shown if _has(c, first, value) and _has(c, second, other)]
            if not points:
                continue
            names = [_label(name, v) for name, v in ((first, value), (second, other)) if name is not None]
            axes.plot(
                [c.cost or 0.0 for c in points], [c.height() or 0.0 for c in points], linestyle="none", marker=_SIGNS[n],
                color=palette.of_degree(k + 1), markersize=5, markeredgecolor=palette.paper, markeredgewidth=0.5,
                label=", ".join(names) or "one backbone",
            )  # fmt: skip
    costs = [c.cost or 0.0 for c in shown]
    if max(costs) > 5.0 * min(costs):
        axes.set_xscale("log")
    axes.set_xlabel("training, processor seconds")
    axes.set_ylabel("height: mean R² from ℓ = 1 to the ceiling")
    figure.legend(loc="outside lower center", frameon=False, fontsize=7.5, ncols=3 if layout == "wide" else 2)
    figure.set_layout_engine("constrained")
    return figure


def _has(cliff: Cliff, name: str | None, value: object) -> bool:
    return name is None or (name in cliff.labels and text_of(cliff.labels[name]) == text_of(value))
