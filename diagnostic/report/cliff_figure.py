"""The cliff figure: what each readout recovers at every l, and where theory puts the ceiling."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.text import Annotation

from ...theory.errors import InputError
from ..measurement.result import NO_PATH, Result, Row, boundary, l_top, no_ceiling, series
from ..pages.axes import Layout, degree_ticks, draw_line, number, size_of
from ..pages.figure_style import MARKERS, Palette

_NAMES = {"free": "Free polynomial readout", "equivariant": "Equivariant readout"}

#: Lines of different degrees lie on each other near R2 = 1: they are set apart sideways by this much of a
#: degree.
_DODGE = 0.17


def draw_cliff(result: Result, palette: Palette, layout: Layout) -> Figure:
    """Draw R2 of the injection against l: the free readout, near zero magnified, and the equivariant readout.

    Lines are readout degrees, bars are intervals, dashed marks are the ceilings; the band holds what the same
    fit finds where there is nothing. Call inside
    :func:`~spectral_ceilings.diagnostic.pages.figure_style.figure_style`.
    """
    wide = layout == "wide"
    figure = Figure(figsize=(7.4, 4.35) if wide else (3.6, 7.6))
    FigureCanvasAgg(figure)
    if wide:
        grid = figure.add_gridspec(
            2, 2, left=0.078, right=0.988, top=0.775, bottom=0.115,
            wspace=0.12, hspace=0.16, height_ratios=(3.1, 1),
        )  # fmt: skip
        places = [grid[0, 0], grid[1, 0], grid[0, 1], grid[1, 1]]
        free, near = figure.add_subplot(places[0]), figure.add_subplot(places[1])
        equivariant, paths = figure.add_subplot(places[2]), figure.add_subplot(places[3])
    else:
        upper = figure.add_gridspec(
            2, 1, left=0.155, right=0.975, top=0.888, bottom=0.54, hspace=0.16, height_ratios=(2.7, 1)
        )
        lower = figure.add_gridspec(
            2, 1, left=0.155, right=0.975, top=0.368, bottom=0.068, hspace=0.2, height_ratios=(2.6, 1)
        )
        free, near = figure.add_subplot(upper[0]), figure.add_subplot(upper[1])
        equivariant, paths = figure.add_subplot(lower[0]), figure.add_subplot(lower[1])
    top = l_top(result)
    free_rows = series(result["recovery"], result, "free")
    equivariant_rows = series(result["recovery"], result, "equivariant")
    _draw_recovery(free, free_rows, result, palette, labelled=True)
    _draw_recovery(equivariant, equivariant_rows, result, palette, labelled=wide is False)
    _draw_near_zero(near, free_rows, result, palette)
    _draw_no_path(paths, equivariant_rows, result, palette)
    for axes in (free, near, equivariant, paths):
        axes.set_xlim(-0.5, top + 0.5)
        axes.set_xticks(degree_ticks(top, 3.1 if wide else 2.9))
    for axes, rows in ((free, free_rows), (near, free_rows), (equivariant, equivariant_rows)):
        _ceiling_lines(axes, sorted(rows), result, palette)
    for axes in (free, equivariant):
        axes.tick_params(labelbottom=False)
    if wide:
        equivariant.tick_params(labelleft=False)
    for axes in (near, paths):
        axes.set_xlabel("ℓ, angular frequency of the injected force", labelpad=3)
    _title(free, "Free polynomial readout", "any polynomial of the features: nothing imposed", palette)
    _title(equivariant, "Equivariant readout", "only the products that symmetry allows", palette)
    for axes, rows in ((free, free_rows), (equivariant, equivariant_rows)):
        if not rows:
            axes.text(0.5, 0.5, "not fitted in this run", transform=axes.transAxes, ha="center", va="center",
                      color=palette.muted, backgroundcolor=palette.paper)  # fmt: skip
    _ceiling_labels(free, free_rows, result, palette)
    _ceiling_labels(equivariant, equivariant_rows, result, palette)
    return figure


def cliff_panel(axes: Axes, result: Result, palette: Palette, *, readout: str | None = None) -> None:
    """Draw R2 against l of one readout on given axes.

    Parameters
    ----------
    readout
        ``free`` or ``equivariant``; None: the free one where it was fitted.
    """
    if readout is not None and readout not in _NAMES:
        raise InputError(f"readout is {readout!r}, expected one of {', '.join(_NAMES)}")
    for name in _NAMES if readout is None else (readout,):
        rows = series(result["recovery"], result, name)
        if rows:
            break
    else:
        raise InputError(
            f"the {readout} readout was not fitted; diagnose with readouts=('free', 'equivariant')"
        )
    _draw_recovery(axes, rows, result, palette, labelled=True)
    _degree_axis(axes, result)
    _ceiling_lines(axes, sorted(rows), result, palette)
    _ceiling_labels(axes, rows, result, palette)
    axes.set_title(_NAMES[name], loc="left", pad=26)


def near_zero_panel(axes: Axes, result: Result, palette: Palette) -> None:
    """Draw what the free readout recovers above its ceilings, magnified, with the null band, on given axes."""
    rows = series(result["recovery"], result, "free")
    _draw_near_zero(axes, rows, result, palette)
    _degree_axis(axes, result)
    _ceiling_lines(axes, sorted(rows), result, palette)
    axes.set_ylabel("R² of the injected force")


def no_path_panel(axes: Axes, result: Result, palette: Palette) -> None:
    """Draw, for each degree of the equivariant readout, for which l no product of features exists, on given axes."""
    _draw_no_path(axes, series(result["recovery"], result, "equivariant"), result, palette)
    _degree_axis(axes, result)


def _degree_axis(axes: Axes, result: Result) -> None:
    top = l_top(result)
    axes.set_xlim(-0.5, top + 0.5)
    axes.set_xticks(degree_ticks(top, size_of(axes)[0]))
    axes.set_xlabel("ℓ, angular frequency of the injected force")


def _title(axes: Axes, title: str, subtitle: str, palette: Palette) -> None:
    place: dict[str, Any] = {"xycoords": "axes fraction", "textcoords": "offset points", "va": "baseline"}
    axes.annotate(title, (0, 1), xytext=(0, 47), fontsize=10.5, fontweight="bold", **place)
    axes.annotate(subtitle, (0, 1), xytext=(0, 35), fontsize=8, color=palette.muted, **place)


def _offset(degrees: Sequence[int], degree: int) -> float:
    return (list(degrees).index(degree) - (len(degrees) - 1) / 2) * _DODGE


def _draw_recovery(
    axes: Axes, rows: dict[int, list[Row]], result: Result, palette: Palette, *, labelled: bool
) -> None:
    degrees = sorted(rows)
    values = [
        value
        for part in rows.values()
        for row in part
        for value in (row["r2"], row["r2_low"])
        if value is not None
    ]
    axes.set_ylim(max(-0.6, min([-0.04, *(value - 0.03 for value in values)])), 1.05)
    axes.set_yticks([0, 0.25, 0.5, 0.75, 1], ["0", "0.25", "0.50", "0.75", "1"])
    axes.grid(axis="y", color=palette.rule, linewidth=0.5)
    axes.set_axisbelow(True)
    _null_band(axes, rows, palette)
    main = int(result["ceiling"]["degree"])
    for degree in degrees:
        draw_line(
            axes, rows[degree], palette.of_degree(degree), palette, offset=_offset(degrees, degree),
            marker=MARKERS.get(degree, "D"), strong=degree == main, zorder=4 if degree == main else 3,
        )  # fmt: skip
    if labelled:
        axes.set_ylabel("R² of the injected force", labelpad=4)
    _cliff_values(axes, rows.get(main, []), degrees, result, palette)


def _cliff_values(
    axes: Axes, rows: Sequence[Row], degrees: Sequence[int], result: Result, palette: Palette
) -> None:
    """Write the two numbers of the main degree that make the cliff."""
    degree = int(result["ceiling"]["degree"])
    edge = boundary(result, degree)
    # A neighbouring cliff within one degree would run through the number.
    others = [boundary(result, other) for other in degrees if other != degree]
    room = [
        at for at, side in ((edge, -1), (edge + 1, 1)) if not any(0 < side * (o - edge) < 2 for o in others)
    ]
    for row in rows:
        if row["r2"] is None or row["l"] not in room:
            continue
        below = row["l"] == edge
        axes.annotate(
            number(row["r2"]), (row["l"] + _offset(degrees, degree), row["r2"]), textcoords="offset points",
            xytext=(-5, -14) if below else (4, 7), ha="right" if below else "left",
            color=palette.of_degree(degree), fontweight="bold", fontsize=8.8, zorder=6,
            bbox={"boxstyle": "square,pad=0.1", "facecolor": palette.paper, "linewidth": 0},
        )  # fmt: skip


def _null_band(axes: Axes, rows: dict[int, list[Row]], palette: Palette) -> None:
    """Shade up to the highest value that a fit reaches where there is nothing to recover, at each l."""
    height: dict[int, float] = {}
    for part in rows.values():
        for row in part:
            # The marked pattern of degree 0 is a constant: no target is unrelated to it, and there is no null.
            if row["null_high"] is not None and (row["l"] > 0 or row["injection"] != "marked"):
                height[row["l"]] = max(row["null_high"], height.get(row["l"], row["null_high"]))
    bottom = axes.get_ylim()[0]
    for degree, value in sorted(height.items()):
        axes.fill_between(
            [degree - 0.5, degree + 0.5],
            bottom,
            max(value, bottom),
            color=palette.band,
            linewidth=0,
            zorder=0.6,
        )


def _near_zero(row: Row, degree: int, result: Result) -> bool:
    """Whether a row is shown near zero: above its ceiling, or not recovered where there is none."""
    if no_ceiling(result):
        return row["verdict"] == "not recovered"
    return row["l"] > boundary(result, degree)


def _draw_near_zero(axes: Axes, rows: dict[int, list[Row]], result: Result, palette: Palette) -> None:
    degrees = sorted(rows)
    above = [row for degree in degrees for row in rows[degree] if _near_zero(row, degree, result)]
    sizes = [
        abs(value)
        for row in above
        for value in (row["r2"], row["r2_low"], row["r2_high"], row["null_high"])
        if value is not None and abs(value) < 0.1
    ]
    limit = 1.35 * max([0.002, *sizes])
    axes.set_ylim(-limit, limit)
    tick = next(step for step in (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1) if step >= 0.45 * limit)
    axes.set_yticks([-tick, 0, tick], [number(value) if value else "0" for value in (-tick, 0, tick)])
    _null_band(axes, rows, palette)
    axes.axhline(0, color=palette.rule, linewidth=0.6, zorder=1)
    for degree in degrees:
        part = [row for row in rows[degree] if _near_zero(row, degree, result)]
        shown = [row for row in part if row["r2"] is not None and abs(row["r2"]) <= limit]
        strong = degree == int(result["ceiling"]["degree"])
        draw_line(
            axes, shown, palette.of_degree(degree), palette, offset=_offset(degrees, degree),
            marker=MARKERS.get(degree, "D"), strong=strong, zorder=4 if strong else 3,
        )  # fmt: skip
    if not degrees:
        return
    small: dict[str, Any] = {
        "transform": axes.transAxes,
        "fontsize": 7.5,
        "color": palette.muted,
        "zorder": 5,
    }
    axes.text(0.012, 0.97, "near zero", va="top", **small)
    # The band begins beside l = 0; its name too, unless a ceiling stands there.
    beside = min((boundary(result, degree) for degree in degrees), default=2) >= 2 and l_top(result) >= 3
    axes.text(1.1 / (l_top(result) + 1) if beside else 0.012, 0.06, "null band", va="bottom", **small)


def _draw_no_path(axes: Axes, rows: dict[int, list[Row]], result: Result, palette: Palette) -> None:
    """Draw, for each degree, the range of l for which no product of features exists: no number, but words."""
    degrees = sorted(rows)
    axes.set_ylim(len(degrees) - 0.42, -0.58)
    axes.set_yticks([])
    axes.spines["left"].set_visible(False)
    top = l_top(result)
    for level, degree in enumerate(degrees):
        colour = palette.of_degree(degree)
        missing = [row["l"] for row in rows[degree] if row["verdict"] == NO_PATH]
        start = min(missing, default=top + 1) - 0.5
        axes.text(-0.45, level, f"degree {degree}", color=colour, va="center", fontsize=8, fontweight="bold")
        if not missing:
            axes.text(
                top + 0.4,
                level,
                "every ℓ has a path",
                color=palette.muted,
                ha="right",
                va="center",
                fontsize=8,
            )
            continue
        axes.barh(level, top + 0.5 - start, left=start, height=0.72, color=colour, alpha=0.16, linewidth=0)
        axes.plot(
            [start, start], [level - 0.36, level + 0.36], color=colour, linewidth=1.6, solid_capstyle="butt"
        )
        inside = top + 0.5 - start >= 1.9
        axes.text(
            (start + top + 0.5) / 2 if inside else start - 0.12, level, "no path", fontsize=8,
            ha="center" if inside else "right", va="center", color=colour,
        )  # fmt: skip


def _ceiling_lines(axes: Axes, degrees: Sequence[int], result: Result, palette: Palette) -> None:
    for degree in degrees:
        edge = boundary(result, degree)
        if edge < l_top(result):
            strong = degree == int(result["ceiling"]["degree"])
            axes.axvline(
                edge + 0.5, color=palette.of_degree(degree), zorder=1.5, linewidth=1.3 if strong else 0.9,
                dashes=(3, 2),
            )  # fmt: skip


def _ceiling_labels(axes: Axes, rows: dict[int, list[Row]], result: Result, palette: Palette) -> None:
    """Name each ceiling above its mark, in short where two names would touch."""
    top = l_top(result)
    texts: list[Annotation] = []
    if no_ceiling(result):  # the names alone, side by side
        for number_of, degree in enumerate(sorted(rows)):
            axes.annotate(
                f"degree {degree}", ((number_of + 0.5) / len(rows), 1), xycoords="axes fraction",
                textcoords="offset points", xytext=(0, 4), va="bottom", ha="center", fontsize=7.8,
                color=palette.of_degree(degree),
                fontweight="bold" if degree == int(result["ceiling"]["degree"]) else "normal",
            )  # fmt: skip
        return
    for degree in sorted(rows):
        edge = boundary(result, degree)
        text = axes.annotate(
            f"degree {degree}\nceiling {edge}", (min(edge, top) + 0.5, 1), xycoords=("data", "axes fraction"),
            textcoords="offset points", xytext=(0, 4), va="bottom", ha="right" if edge >= top else "center",
            fontsize=7.8, color=palette.of_degree(degree), linespacing=1.15,
            fontweight="bold" if degree == int(result["ceiling"]["degree"]) else "normal",
        )  # fmt: skip
        texts.append(text)
    boxes = [text.get_window_extent() for text in texts]
    gap = 4 * axes.figure.dpi / 72
    if any(left.x1 + gap > right.x0 for left, right in itertools.pairwise(boxes)):
        for text, degree in zip(texts, sorted(rows), strict=True):
            text.set_text(f"d={degree}\nℓ≤{boundary(result, degree)}")
