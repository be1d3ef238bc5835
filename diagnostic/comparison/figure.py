"""The figure of a comparison: what every run recovers of every l, and where theory puts its ceiling."""

from __future__ import annotations

import itertools

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from ...theory.errors import InputError
from ..pages.axes import Layout
from ..pages.figure_style import Palette
from ..records.plain import field
from .result_types import ComparisonResult

#: Signs and strokes of the runs, in turn: lines of one colour still differ.
_MARKERS = ("o", "s", "^", "D", "v", "P", "X", "<", ">")
_STROKES = ("-", "--", "-.", ":")
#: Runs on each side of an l, so that equal values do not hide each other.
_DODGE = 0.3


def median_of(result: ComparisonResult) -> str:
    """Return over what the runs' medians are: atoms of a molecule, or elements whose environments were pooled."""
    names = {row.get("by", "atom") for row in result["runs"]}
    return f"median {' or '.join(sorted(names))}"


def draw_comparison(result: ComparisonResult, palette: Palette, layout: Layout = "wide") -> Figure:
    """Draw R2 of the median atom or element against l, one panel for each readout degree, one line for each run.

    Narrow: panels stacked. The colour is that of the features' highest l, L; bars are intervals at the ceiling and just
    above, dashed marks are the ceilings. Call inside :func:`~spectral_ceilings.diagnostic.pages.figure_style.figure_style`.
    """
    rows = result["runs"]
    degrees = sorted({row["degree"] for row in rows})
    names = list(dict.fromkeys(row["run"] for row in rows))
    wide = layout == "wide"
    size = (min(3.4 * len(degrees) + 0.5, 10.2), 3.3) if wide else (3.6, 2.6 * len(degrees) + 0.4)
    columns = 3 if wide else 1
    figure = Figure(figsize=(size[0], size[1] + 0.17 * -(-len(names) // columns)))
    FigureCanvasAgg(figure)
    shape = (1, len(degrees)) if wide else (len(degrees), 1)
    panels = figure.subplots(*shape, sharey=True, squeeze=False).flat
    for axes, degree in zip(panels, degrees, strict=True):
        _draw_degree(axes, result, degree, palette)
        if wide and axes is not figure.axes[0]:
            continue
        axes.set_ylabel(f"R² of the injection, {median_of(result)}")
    lines = {
        label: line
        for axes in figure.axes
        for line, label in zip(*axes.get_legend_handles_labels(), strict=True)
    }
    figure.legend(
        lines.values(),
        lines.keys(),
        loc="outside lower center",
        ncols=min(columns, len(lines)),
        frameon=False,
        fontsize=7.5,
    )
    figure.set_layout_engine("constrained")
    return figure


def comparison_panel(
    axes: Axes, result: ComparisonResult, palette: Palette, *, degree: int | None = None
) -> None:
    """Draw the panel of one readout degree on given axes; None: degree 2, or the highest that was fitted."""
    degrees = sorted({int(row["degree"]) for row in result["runs"]})
    wanted = (2 if 2 in degrees else degrees[-1]) if degree is None else degree
    if wanted not in degrees:
        raise InputError(
            f"no readout of degree {wanted} was compared, expected one of {', '.join(map(str, degrees))}"
        )
    _draw_degree(axes, result, wanted, palette)
    axes.set_ylabel(f"R² of the injection, {median_of(result)}")
    axes.legend(frameon=False, fontsize="small")


def _draw_degree(axes: Axes, result: ComparisonResult, degree: int, palette: Palette) -> None:
    names = list(dict.fromkeys(row["run"] for row in result["runs"]))
    style = dict(zip(names, zip(itertools.cycle(_MARKERS), itertools.cycle(_STROKES)), strict=False))
    chosen = [row for row in result["runs"] if row["degree"] == degree]
    for k, row in enumerate(chosen):
        shift = _DODGE * ((k + 0.5) / len(chosen) - 0.5)
        points = [(l + shift, value) for l, value in enumerate(row["r2"]) if value is not None]
        colour = palette.of_degree(row["l_max"])
        marker, stroke = style[row["run"]]
        axes.plot(
            *zip(*points, strict=True), color=colour, marker=marker, linestyle=stroke, markersize=3.6, linewidth=1.0,
            label=f"{row['run']} (L = {row['l_max']})",
        )  # fmt: skip
        for l, end in ((row["predicted_last"], "ceiling"), (row["predicted_first_lost"], "above")):
            if field(row, f"r2_{end}") is not None:
                axes.vlines(
                    l + shift,
                    field(row, f"r2_{end}_low"),
                    field(row, f"r2_{end}_high"),
                    color=colour,
                    linewidth=1.6,
                )
    for edge in sorted({row["predicted_last"] for row in chosen}):
        axes.axvline(edge + 0.5, color=palette.muted, linestyle=(0, (4, 3)), linewidth=0.9)
        axes.text(edge + 0.44, 1.06, f"{edge}", color=palette.muted, fontsize=7.5, ha="right")
    axes.axhline(0.0, color=palette.rule, linewidth=0.8, zorder=0)
    axes.set_xlim(-0.5, len(chosen[0]["r2"]) - 0.5)
    axes.set_xticks(range(len(chosen[0]["r2"])))
    axes.set_ylim(-0.12, 1.14)
    axes.set_xlabel("ℓ, angular frequency of the injected force")
    axes.set_title(f"{chosen[0]['readout']} readout of degree {degree}", fontsize=8.5, loc="left")
