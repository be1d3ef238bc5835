"""The figures of a symmetry audit: deviations at every l, what rules of growing order give, what remedies leave."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullFormatter

from ...theory.errors import InputError
from ..pages.axes import Layout
from ..pages.figure_files import Drawing, write_drawings
from ..pages.figure_style import Palette
from ..records.plain import field
from .result import calculator_title
from .result_types import SymmetryResult

Result = SymmetryResult
_FLOOR = 1e-16
_UNITS = {"energy": "meV/atom", "force": "meV/Å"}
_TITLES = {"energy": "Energy", "force": "Forces"}


def _panels(
    layout: Layout, count: int, each: float, top: float, left: float = 0.66
) -> tuple[Figure, list[Axes]]:
    """Return a figure with panels beside each other, or one below the other where it is narrow."""
    wide = layout == "wide"
    columns, lines = (count, 1) if wide else (1, count)
    width, height = (7.4 if wide else 3.6), lines * each + top
    figure = Figure(figsize=(width, height))
    FigureCanvasAgg(figure)
    gap = left if left < 1 else 0.4
    across = (width - left - 0.14 - gap * (columns - 1)) / columns
    panels = []
    for k in range(count):
        line, column = (0, k) if wide else (k, 0)
        bottom = 0.46 + (lines - 1 - line) * each
        place = (
            (left + column * (across + gap)) / width,
            bottom / height,
            across / width,
            (each - 0.78) / height,
        )
        panels.append(figure.add_axes(place))
    return figure, panels


def _colours(palette: Palette) -> tuple[str, ...]:
    return palette.degree_1, palette.degree_2, palette.degree_3, palette.degree_4, palette.ink


def draw_degrees(results: Sequence[tuple[str, Result]], palette: Palette, layout: Layout) -> Figure:
    """Draw the root mean square deviation at every l of energy and forces, one line for each named result.

    The dashed line of the same colour is the error: no value is off by more.
    """
    wide = layout == "wide"
    figure, panels = _panels(layout, 2, 2.9, 0.3 if wide else 0.22 * (1 + len(results)))
    for axes, quantity in zip(panels, ("energy", "force"), strict=True):
        _draw_by_degree(axes, results, quantity, palette)
        axes.set_title(
            f"{_TITLES[quantity]}, {_UNITS[quantity]}", loc="left", fontsize=9.5, fontweight="bold", pad=6
        )
    height = figure.get_figheight()
    for k, (name, _) in enumerate(results):
        x, y = (0.02 + k * 0.96 / len(results), 0.15) if wide else (0.03, 0.14 + 0.2 * k)
        figure.text(
            x,
            1 - y / height,
            f"{'●■▲◆'[k % 4]} {name}",
            color=_colours(palette)[k % 5],
            fontsize=8,
            va="center",
        )
    last = 0.02 if not wide else 0.98
    figure.text(last, 1 - (0.15 if wide else 0.14 + 0.2 * len(results)) / height, "dashed: error", fontsize=7.6,
                color=palette.muted, ha="right" if wide else "left", va="center")  # fmt: skip
    return figure


def degrees_panel(axes: Axes, result: Result, palette: Palette, *, quantity: str = "force") -> None:
    """Draw the deviations at every l of ``energy`` or ``force`` on given axes."""
    _check_quantity(quantity)
    _draw_by_degree(axes, [("", result)], quantity, palette)
    axes.set_title(f"{_TITLES[quantity]}, {_UNITS[quantity]} (dashed: error)", loc="left")


def convergence_panel(axes: Axes, result: Result, palette: Palette, *, quantity: str = "force") -> None:
    """Draw what rules of growing order find of ``energy`` or ``force`` on given axes."""
    _check_quantity(quantity)
    _draw_rules(axes, result, quantity, palette)
    axes.set_title(f"{_TITLES[quantity]}, {_UNITS[quantity]} (dashed: this audit)", loc="left")
    names = ["rotations", "and inversion"] if _with_inversion(result) else ["rotations"]
    axes.legend(names, frameon=False, fontsize="small")


def remedies_panel(axes: Axes, result: Result, palette: Palette, *, field: str = "force_rms") -> None:
    """Draw what each remedy leaves of ``force_rms``, ``momentum_drift`` or ``energy_drift`` on given axes."""
    fields = _remedy_fields(result)
    if field not in fields:
        raise InputError(f"field is {field!r}, expected one of {', '.join(fields)}")
    rows = result["remedies"]
    _draw_remedy(axes, rows, field, palette)
    axes.set_title(fields[field], loc="left")
    axes.set_yticks(range(len(rows)), [f"{row['name']} ({row['evaluations']:g})" for row in rows])


def _check_quantity(quantity: str) -> None:
    if quantity not in _TITLES:
        raise InputError(f"quantity is {quantity!r}, expected one of {', '.join(_TITLES)}")


def _draw_by_degree(
    axes: Axes, results: Sequence[tuple[str, Result]], quantity: str, palette: Palette
) -> None:
    longest, values = 1, []
    for k, (_, result) in enumerate(results):
        summary = result["summary"]
        error = max(field(summary, f"{quantity}_error"), _FLOOR)
        rms = np.array(field(summary, f"{quantity}_by_degree"))
        rms = np.where(rms > _FLOOR, rms, error)  # nothing seen: below the error
        longest = max(longest, len(rms))
        values += [*rms, error]
        axes.plot(range(1, len(rms) + 1), rms, color=_colours(palette)[k % 5], marker="os^D"[k % 4], markersize=5,
                  linewidth=1.5, zorder=3)  # fmt: skip
        axes.plot(
            [0.8, len(rms) + 0.2],
            [error, error],
            color=_colours(palette)[k % 5],
            linewidth=0.9,
            dashes=(4, 3),
        )
    _log_axis(axes, values)
    axes.set_xlim(0.7, longest + 0.3)
    axes.set_xticks(range(1, longest + 1))
    axes.set_xlabel("ℓ under rotation of the structure", labelpad=2)


def _draw_rules(axes: Axes, result: Result, quantity: str, palette: Palette) -> None:
    first = result["structures"][0]
    for inversion, colour, marker in ((False, palette.degree_1, "o"), (True, palette.degree_2, "s")):
        rows = [row for row in result["convergence"] if row["inversion"] == inversion]
        if not rows:
            continue
        axes.plot([row["evaluations"] for row in rows], [field(row, f"{quantity}_rms") for row in rows], color=colour,
                  marker=marker, markersize=5, linewidth=1.4, zorder=3)  # fmt: skip
    axes.axhline(field(first, f"{quantity}_rms"), color=palette.ink, linewidth=1, dashes=(4, 3), zorder=1)
    axes.set_xscale("log")
    axes.set_xticks([1, 2, 18, 36, 75, 150], ["1", "2", "18", "36", "75", "150"])
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.tick_params(axis="x", which="minor", length=0)
    top = max(field(row, f"{quantity}_rms") for row in (first, *result["convergence"]))
    if top > 0:
        axes.set_ylim(0, 1.12 * top)
    axes.set_xlabel("evaluations", labelpad=2)


def _with_inversion(result: Result) -> bool:
    return any(row["inversion"] for row in result["convergence"])


def _remedy_fields(result: Result) -> dict[str, str]:
    """Return the titles of the fields that every remedy has."""
    titles = {"force_rms": "Forces left, meV/Å", "momentum_drift": "Angular momentum, ħ/ps",
              "energy_drift": "Energy drift, meV/atom/ps"}  # fmt: skip
    return {
        name: title
        for name, title in titles.items()
        if all(field(row, name) is not None for row in result["remedies"])
    }


def _draw_remedy(axes: Axes, rows: Sequence[Mapping[str, Any]], field: str, palette: Palette) -> None:
    floor = 1e-6
    values = [max(abs(row[field]), floor) for row in rows]
    low = 10.0 ** np.floor(np.log10(min(values)) - 0.2)
    axes.hlines(range(len(rows)), low, values, color=palette.rule, linewidth=1.2)
    axes.plot(values, range(len(rows)), "o", color=palette.degree_2, markersize=6, zorder=3)
    axes.set_xscale("log")
    axes.set_xlim(low, 10.0 ** np.ceil(np.log10(max(values)) + 0.1))
    axes.xaxis.set_major_locator(LogLocator(numticks=4))
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.set_ylim(len(rows) - 0.5, -0.5)


def _log_axis(axes: Axes, values: Sequence[float]) -> None:
    axes.set_yscale("log")
    low, high = np.log10(min(values)), np.log10(max(values))
    pad = 0.08 * max(high - low, 1.0)
    axes.set_ylim(10 ** (low - pad), 10 ** (high + pad))
    axes.yaxis.set_major_locator(LogLocator(numticks=8))
    axes.yaxis.set_minor_formatter(NullFormatter())


def draw_convergence(result: Result, palette: Palette, layout: Layout) -> Figure:
    """Draw what rules of 1 to 150 evaluations find of the first structure, against the number of this audit."""
    wide = layout == "wide"
    figure, panels = _panels(layout, 2, 2.7, 0.3)
    for axes, quantity in zip(panels, ("energy", "force"), strict=True):
        _draw_rules(axes, result, quantity, palette)
        axes.set_title(
            f"{_TITLES[quantity]}, {_UNITS[quantity]}", loc="left", fontsize=9.5, fontweight="bold", pad=6
        )
    improper = [("■ and inversion", palette.degree_2)] if _with_inversion(result) else []
    entries = [("● rotations", palette.degree_1), *improper, ("dashed: this audit", palette.ink)]
    for k, (text, colour) in enumerate(entries):
        figure.text(0.02 + k * (0.2 if wide else 0.32), 1 - 0.15 / figure.get_figheight(), text, color=colour,
                    fontsize=8 if wide else 7.2, va="center")  # fmt: skip
    return figure


def draw_remedies(result: Result, palette: Palette, layout: Layout) -> Figure:
    """Draw what each remedy leaves of the forces' deviation, of angular momentum and of energy."""
    rows = result["remedies"]
    fields = _remedy_fields(result)
    figure, panels = _panels(layout, len(fields), 0.8 + 0.25 * len(rows), 0.12, left=1.5)
    for k, (axes, (name, title)) in enumerate(zip(panels, fields.items(), strict=True)):
        _draw_remedy(axes, rows, name, palette)
        axes.set_title(title, loc="left", fontsize=8.6, fontweight="bold", pad=6)
        axes.tick_params(axis="y", length=0)
        if k == 0 or layout == "narrow":
            axes.set_yticks(range(len(rows)), [f"{row['name']} ({row['evaluations']:g})" for row in rows])
        else:
            axes.set_yticks([])
        axes.tick_params(axis="x", which="minor", length=0)
    return figure


def symmetry_drawings(result: Result) -> list[Drawing]:
    """Return the figures of a result; that of the remedies only where they were measured."""
    name = calculator_title(result["calculator"]["kind"])
    drawings = [
        Drawing("degrees", lambda palette, layout: draw_degrees([(name, result)], palette, layout)),
        Drawing("convergence", lambda palette, layout: draw_convergence(result, palette, layout)),
    ]
    if result["remedies"]:
        drawings.append(Drawing("remedies", lambda palette, layout: draw_remedies(result, palette, layout)))
    return drawings


def write_symmetry_figures(result: Result, directory: Path) -> list[Path]:
    """Write the figures into ``<directory>/figures``: PNG in light, dark and narrow form, and SVG."""
    return write_drawings(symmetry_drawings(result), directory)
