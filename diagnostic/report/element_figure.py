"""R2 by l of every pool of environments: small panels with intervals, or a strip of shades for each where there are many."""

from __future__ import annotations

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from ...theory.errors import InputError
from ..measurement.result import LOW, Result, Row, boundary, l_top, leading_rows
from ..pages.axes import Layout, degree_ticks, draw_line, number, size_of
from ..pages.figure_style import MARKERS, Palette, shade

#: With more pools than this each is a strip of shades.
MOST_PANELS = 8
_WIDTH = {"wide": 7.4, "narrow": 3.6}


def pool_rows(result: Result) -> dict[str, list[Row]]:
    """Return the rows of the leading measurement of a pooled diagnosis, by pool: the name of an element, or a selection."""
    if "environments" not in result:
        return {}
    return {
        scope.partition(":")[2]: rows
        for scope, rows in leading_rows(result).items()
        if scope != "molecule" and not scope.startswith("atom:") and any(row["r2"] is not None for row in rows)
    }  # fmt: skip


def counts(result: Result) -> dict[str, int]:
    """Return the number of held-out environments by pool."""
    known: dict[str, int] = {}
    for scope in result["environments"]["pool"] if "environments" in result else ():
        name = scope.partition(":")[2]
        known[name] = known.get(name, 0) + 1
    return known


def draw_elements(result: Result, palette: Palette, layout: Layout) -> Figure:
    """Draw R2 against l for every pool, with intervals and the ceiling."""
    pools = pool_rows(result)
    return (_panels if len(pools) <= MOST_PANELS else _strips)(result, pools, palette, layout)


def element_panel(axes: Axes, result: Result, palette: Palette, *, pool: str | None = None) -> None:
    """Draw R2 against l of one pool on given axes; None: the first."""
    pools = pool_rows(result)
    name = next(iter(pools)) if pool is None else pool
    if name not in pools:
        raise InputError(f"there is no pool {name!r} to draw, expected one of {', '.join(pools)}")
    _draw_panel(axes, result, pools[name], palette, size_of(axes)[0], _lowest(pools[name]))
    axes.set_title(name, loc="left")
    axes.set_xlabel("ℓ of the injected force")
    axes.set_ylabel("R² of the injected force")


def _panels(result: Result, pools: dict[str, list[Row]], palette: Palette, layout: Layout) -> Figure:
    columns = min(len(pools), 4 if layout == "wide" else 2)
    rows = -(-len(pools) // columns)
    width, title, foot, gap = _WIDTH[layout], 0.42, 0.46, 0.2
    left, panel_height = 0.6, 1.45 if layout == "wide" else 1.2
    panel = min(2.6, (width - left - 0.1 - gap * (columns - 1)) / columns)
    height = rows * (panel_height + title) + foot
    figure = Figure(figsize=(width, height))
    FigureCanvasAgg(figure)
    many, lowest = counts(result), min(_lowest(of_pool) for of_pool in pools.values())
    for index, (name, of_pool) in enumerate(pools.items()):
        row, column = divmod(index, columns)
        bottom = foot + (rows - 1 - row) * (panel_height + title)
        axes = figure.add_axes(
            (
                (left + column * (panel + gap)) / width,
                bottom / height,
                panel / width,
                panel_height / height,
            )
        )
        _draw_panel(axes, result, of_pool, palette, panel, lowest)
        axes.annotate(
            name, (0, 1), xycoords="axes fraction", xytext=(0, 9), textcoords="offset points", fontsize=10,
            fontweight="bold", color=palette.ink,
        )  # fmt: skip
        if name in many:
            axes.annotate(
                f"{many[name]} environments", (1, 1), xycoords="axes fraction", xytext=(0, 9),
                textcoords="offset points", fontsize=7.2, color=palette.muted, ha="right",
            )  # fmt: skip
        if column:
            axes.tick_params(labelleft=False)
        if index + columns < len(pools):
            axes.tick_params(labelbottom=False)
        else:
            axes.set_xlabel("ℓ of the injected force" if panel > 1.4 else "ℓ", labelpad=3)
    figure.text(
        0.07 / width, (foot + (rows * (panel_height + title) - title) / 2) / height, "R² of the injected force",
        rotation=90, ha="left", va="center", fontsize=8.5, color=palette.ink,
    )  # fmt: skip
    return figure


def _lowest(rows: list[Row]) -> float:
    """Return the lower end of an axis that shows every R2 down to -1."""
    return max(-1.08, min([-0.08, *(row["r2"] - 0.08 for row in rows if row["r2"] is not None)]))


def _draw_panel(
    axes: Axes, result: Result, rows: list[Row], palette: Palette, inches: float, lowest: float
) -> None:
    degree, top = int(result["ceiling"]["degree"]), l_top(result)
    edge = boundary(result, degree)
    axes.set_xlim(-0.5, top + 0.5)
    axes.set_ylim(lowest, 1.08)
    axes.set_xticks(degree_ticks(top, inches))
    axes.set_yticks([0.0, 0.5, 1.0])
    axes.axhline(0, color=palette.rule, linewidth=0.8, zorder=1)
    axes.axhline(1, color=palette.rule, linewidth=0.8, zorder=1)
    if edge < top:
        axes.axvline(edge + 0.5, color=palette.ink, linewidth=1.0, dashes=(3, 2), zorder=2)
    draw_line(axes, rows, palette.of_degree(degree), palette, marker=MARKERS.get(degree, "D"))


def _strips(result: Result, pools: dict[str, list[Row]], palette: Palette, layout: Layout) -> Figure:
    wide, top = layout == "wide", l_top(result)
    width, cell, label = _WIDTH[layout], 0.235 if wide else 0.205, 0.98 if wide else 0.8
    height = cell * len(pools) + 0.84
    figure = Figure(figsize=(width, height))
    FigureCanvasAgg(figure)
    inches = width - label - 0.08
    axes = figure.add_axes((label / width, 0.44 / height, inches / width, cell * len(pools) / height))
    axes.set_xlim(-0.5, top + 0.5)
    axes.set_ylim(len(pools) - 0.5, -0.5)
    for side in ("left", "bottom"):
        axes.spines[side].set_visible(False)
    axes.tick_params(length=0)
    axes.set_xticks(degree_ticks(top, inches))
    axes.set_xlabel("ℓ of the injected force", labelpad=3)
    axes.set_yticks([])
    room, many = inches / (top + 1), counts(result)
    for level, (name, rows) in enumerate(pools.items()):
        axes.annotate(
            f"{name}  {many.get(name, '')}".rstrip(), (-0.5, level), xytext=(-6, 0), textcoords="offset points", ha="right",
            va="center_baseline", fontsize=8 if wide else 7.2, annotation_clip=False,
        )  # fmt: skip
        for row in rows:
            if row["r2"] is None:
                continue
            opacity, light_text = shade(row["r2"], LOW)
            place = (row["l"] - 0.47, level - 0.44)
            axes.add_patch(Rectangle(place, 0.94, 0.88, facecolor=palette.fill, alpha=opacity, linewidth=0))
            if room >= 0.2:
                text = number(row["r2"], 2)
                axes.text(
                    row["l"], level, text if room >= 0.27 else text.replace("0.", ".", 1), ha="center",
                    va="center_baseline", fontsize=7.4 if wide else 6.2, color=palette.on_fill if light_text else palette.ink,
                )  # fmt: skip
    edge = boundary(result, int(result["ceiling"]["degree"]))
    if edge < top:
        axes.axvline(edge + 0.5, color=palette.ink, linewidth=1.2, dashes=(3, 2), zorder=5)
    axes.annotate(
        f"ceiling {edge}", (min(edge, top) + 0.5, 1), xycoords=("data", "axes fraction"), xytext=(0, 4),
        textcoords="offset points", ha="center" if edge < top else "right", fontsize=8.5, fontweight="bold",
    )  # fmt: skip
    return figure
