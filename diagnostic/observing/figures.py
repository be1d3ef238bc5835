"""The figures of observables under cures: orientation maps, <P_l>, fronts of error against cost, curves, drift."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from ..pages.axes import Layout
from ..pages.figure_files import Drawing, write_drawings
from ..pages.figure_style import Palette

Result = Mapping[str, Any]
Array = NDArray[np.float64]
#: Curves of one observable that are drawn, and points of a curve.
_MOST, _POINTS = 4, 400
#: Errors below this share of the largest are drawn at it.
_FLOOR = 1e-3
_MARKERS, _LINES = "os^Dvp", ("-", "--", "-.", ":", (0, (5, 1)), (0, (1, 1)))


def colours(result: Result, palette: Palette) -> dict[str, str]:
    """Return a colour for every cure of a result, the bare model in the ink of the page."""
    cycle = (palette.degree_1, palette.degree_2, palette.degree_3, palette.degree_4, palette.muted)
    rest = [cure for cure in _cures(result) if cure != "none"]
    return {"none": palette.ink, **{cure: cycle[k % 5] for k, cure in enumerate(rest)}}


def orientation_panel(axes: Axes, result: Result, palette: Palette, *, cure: str = "none") -> None:
    """Draw -ln p(cos theta, phi) less its mean under a cure, or as ``predicted``."""
    shown = dict(_maps(result))
    _map(axes, shown[cure], max(_spread(values[2]) for values in shown.values()))
    axes.set_title(cure, loc="left", fontsize=9, fontweight="bold")


def moments_panel(axes: Axes, result: Result, palette: Palette) -> None:
    """Draw <P_l> against l: measured with 95 % intervals by cure, predicted to first order and exactly."""
    chosen = colours(result, palette)
    cures = [cure for cure in _cures(result) if _moments(result, cure)]
    for k, cure in enumerate(cures):
        rows = _moments(result, cure)
        x = np.array([row["l"] for row in rows]) + 0.09 * (k - (len(cures) - 1) / 2)
        half = [row.get("half_width") or 1.96 * row["error"] for row in rows]
        axes.errorbar(x, [row["value"] for row in rows], yerr=half, ls="none", marker=_MARKERS[k % 6], ms=4.5,
                      color=chosen[cure], lw=1.1, label=cure, zorder=3)  # fmt: skip
    predicted = result.get("prediction")
    if predicted:
        for key, label, style in (
            ("legendre", "predicted, none", "-"),
            ("legendre_first", "first order, none", ":"),
        ):
            values = predicted[key]
            for l, value in enumerate(values, 1):
                axes.hlines(value, l - 0.36, l + 0.36, color=palette.fill, lw=1.6, ls=style,
                            label=label if l == 1 else "_", zorder=2)  # fmt: skip
    axes.axhline(0, color=palette.muted, lw=0.7)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.set_xlabel("ℓ")
    axes.set_ylabel("⟨P_ℓ⟩ of the axis")
    axes.legend(frameon=False, fontsize=7, ncols=2)


def pareto_panel(axes: Axes, result: Result, palette: Palette, *, observable: str = "orientation") -> None:
    """Draw the error of an observable against the evaluations of a step: filled on the front, 95 % intervals."""
    chosen = colours(result, palette)
    rows = [row for row in result["cures"]["rows"] if observable in row["errors"]]
    entries = [row["errors"][observable] for row in rows]
    floor = max(max((entry["high"] for entry in entries), default=1.0) * _FLOOR, 1e-300)
    for k, (row, entry) in enumerate(zip(rows, entries, strict=True)):
        x, y = row["evaluations"], max(entry["value"], floor)
        colour = chosen.get(row["cure"], (palette.degree_1, palette.degree_2, palette.degree_3)[k % 3])
        axes.vlines(x, max(entry["low"], floor), max(entry["high"], floor), color=colour, lw=1.1, zorder=2)
        filled = row["front"][observable]
        axes.plot(x, y, marker=_MARKERS[k % 6], ms=6, color=colour if filled else palette.paper, markeredgecolor=colour,
                  ls="none", label=row["cure"], zorder=3)  # fmt: skip
    axes.set_xscale("log")
    axes.set_yscale("log")
    costs = sorted({row["evaluations"] for row in rows})
    if costs:
        axes.set_xlim(0.7 * costs[0], 1.5 * costs[-1])
        axes.set_ylim(bottom=0.7 * floor)
        axes.set_xticks(_apart(costs), [f"{cost:g}" for cost in _apart(costs)])
        axes.set_xticks([], minor=True)
    axes.set_xlabel("evaluations a step")
    unit = entries[0]["unit"] or entries[0]["label"] if entries else ""
    axes.set_ylabel(f"error, {unit}")
    axes.set_title(_title(result, observable), loc="left", fontsize=9, fontweight="bold")


def curve_panel(axes: Axes, result: Result, palette: Palette, *, observable: str, curve: int = 0) -> None:
    """Draw a curve of an observable under every cure, with bands of one standard error, and the exact answer."""
    chosen = colours(result, palette)
    exact = None
    first: Mapping[str, Any] | None = None
    for k, cure in enumerate(_cures(result)):
        curves = result["observables"][observable].get(cure, {}).get("curves") or []
        if curve >= len(curves):
            continue
        first = first or curves[curve]
        x, y, error = (_thin(_array(curves[curve][key])) for key in ("x", "y", "error"))
        axes.fill_between(x, y - error, y + error, color=chosen[cure], alpha=0.18, lw=0)
        axes.plot(x, y, color=chosen[cure], lw=1.3, ls=_LINES[k % 6], label=cure)
        if curves[curve]["expected"] is not None and exact is None:
            exact = (x, _thin(_array(curves[curve]["expected"])))
    if exact is not None:
        axes.plot(*exact, color=palette.muted, lw=1, dashes=(2, 2), label="isotropic")
    if first is not None:
        axes.set_xlabel(first["x_label"])
        axes.set_ylabel(first["y_label"])
        axes.set_title(
            f"{_title(result, observable)}: {first['label']}", loc="left", fontsize=8.5, fontweight="bold"
        )


def drift_panel(axes: Axes, result: Result, palette: Palette) -> None:
    """Draw the drift of the conserved energy under every cure with its 95 % interval, on a symmetric logarithmic axis."""
    rows = [row for row in result["cures"]["rows"] if row["drift"] is not None]
    chosen = colours(result, palette)
    for k, row in enumerate(rows):
        axes.errorbar(row["drift"], k, xerr=1.96 * (row["drift_error"] or 0.0), marker=_MARKERS[k % 6], ms=5,
                      color=chosen[row["cure"]], lw=1.2)  # fmt: skip
    smallest = min((row["drift_error"] for row in rows if row["drift_error"]), default=1.0)
    axes.set_xscale("symlog", linthresh=max(float(smallest), 1e-9))
    axes.axvline(0, color=palette.muted, lw=0.7)
    axes.locator_params(axis="x", numticks=6)
    axes.set_yticks(range(len(rows)), [row["cure"] for row in rows])
    axes.set_ylim(len(rows) - 0.5, -0.5)
    axes.set_xlabel("drift, meV/atom/ns")


def observing_drawings(result: Result) -> list[Drawing]:
    """Return the figures that a result has numbers for; ``result["cures"]`` may be None."""
    drawings = []
    if _maps(result):
        drawings.append(Drawing("orientation-maps", partial(_draw_maps, result)))
    if any(_moments(result, cure) for cure in _cures(result)):
        drawings.append(Drawing("moments", partial(_draw_panels, result, [moments_panel])))
    table = result.get("cures") or {"rows": []}
    names = list(dict.fromkeys(name for row in table["rows"] for name in row["errors"]))
    if names and len(table["rows"]) > 1:
        panels = [partial(pareto_panel, observable=name) for name in names]
        drawings.append(Drawing("pareto", partial(_draw_panels, result, panels)))
    for name, by_cure in result["observables"].items():
        count = max((len(measured.get("curves") or []) for measured in by_cure.values()), default=0)
        if name != "orientation" and count:
            lines = [partial(curve_panel, observable=name, curve=k) for k in range(min(count, _MOST))]
            drawings.append(Drawing(f"curves-{name}", partial(_draw_panels, result, lines)))
    if any(row["drift"] is not None for row in table["rows"]):
        drawings.append(Drawing("drift", partial(_draw_panels, result, [drift_panel])))
    return drawings


def write_observing_figures(result: Result, directory: Path) -> list[Path]:
    """Write the figures into ``<directory>/figures``: PNG in light, dark and narrow form, and SVG."""
    return write_drawings(observing_drawings(result), directory)


def _draw_panels(
    result: Result, panels: Sequence[Callable[..., None]], palette: Palette, layout: Layout
) -> Figure:
    columns = min(len(panels), 2) if layout == "wide" else 1
    lines = -(-len(panels) // columns)
    width = {("wide", 1): 5.6, ("wide", 2): 7.4}.get((layout, columns), 3.6)
    figure = Figure(figsize=(width, 2.75 * lines + 0.5), layout="constrained")
    FigureCanvasAgg(figure)
    axes = [figure.add_subplot(lines, columns, k + 1) for k in range(len(panels))]
    for each, panel in zip(axes, panels, strict=True):
        panel(each, result, palette)
    if axes[0].get_legend() is None:
        handles: dict[str, Any] = {}
        for each in axes:
            for handle, label in zip(*each.get_legend_handles_labels(), strict=True):
                handles.setdefault(label, handle)
        if handles:
            figure.legend(handles.values(), handles.keys(), loc="outside upper left", frameon=False, fontsize=7.5,
                          ncols=4 if layout == "wide" else 2)  # fmt: skip
    return figure


def _draw_maps(result: Result, palette: Palette, layout: Layout) -> Figure:
    shown = _maps(result)
    wide = layout == "wide"
    columns = len(shown) if wide else 1
    lines = 1 if wide else len(shown)
    figure = Figure(figsize=(7.4, 2.6) if wide else (3.6, 2.1 * lines + 0.5), layout="constrained")
    FigureCanvasAgg(figure)
    limit = max(_spread(values[2]) for _, values in shown)
    panels, image = [], None
    for k, (name, values) in enumerate(shown):
        axes = figure.add_subplot(lines, columns, k + 1)
        image = _map(axes, values, limit)
        axes.set_title(name, loc="left", fontsize=8.5, fontweight="bold")
        if k % columns:
            axes.set_ylabel("")
        panels.append(axes)
    assert image is not None
    bar = figure.colorbar(image, ax=panels, shrink=0.9, pad=0.02)
    bar.set_label("-ln p less its mean, kT".replace("-", "\N{MINUS SIGN}", 1))
    return figure


def _map(axes: Axes, values: tuple[Array, Array, Array], limit: float) -> Any:
    cos, phi, energy = values
    image = axes.pcolormesh(
        phi, cos, energy - np.nanmean(energy), cmap="RdBu_r", vmin=-limit, vmax=limit, shading="nearest"
    )
    axes.set_xlabel("φ")
    axes.set_ylabel("cos θ")
    axes.set_xticks([-np.pi, 0, np.pi], ["−π", "0", "π"])
    axes.set_yticks([-1, 0, 1], ["−1", "0", "1"])
    axes.set_ylim(-1, 1)
    return image


def _maps(result: Result) -> list[tuple[str, tuple[Array, Array, Array]]]:
    """Return at most four maps: the bare model, what is enough or most exact, and the prediction."""
    by_cure = {
        cure: row["maps"][0]
        for cure, row in result["observables"].get("orientation", {}).items()
        if row.get("maps")
    }
    if not by_cure:
        return []
    table = result.get("cures") or {}
    enough = (table.get("sufficient") or {}).get("orientation", {}).get("cure")
    wanted = ["none", enough, table.get("reference"), *by_cure]
    names = list(dict.fromkeys(name for name in wanted if name in by_cure))[:3]
    shown = [(name, _as_map(by_cure[name], "values")) for name in names]
    if result.get("prediction"):
        shown.append(("predicted", _as_map(result["prediction"], "free_energy")))
    return shown


def _as_map(row: Mapping[str, Any], key: str) -> tuple[Array, Array, Array]:
    values = np.array([[np.nan if v is None else v for v in line] for line in row[key]], dtype=float)
    return _array(row["cos_theta"]), _array(row["phi"]), values


def _spread(values: Array) -> float:
    return max(float(np.nanmax(np.abs(values - np.nanmean(values)))), 1e-6)


def _moments(result: Result, cure: str) -> list[Mapping[str, Any]]:
    numbers = result["observables"].get("orientation", {}).get(cure, {}).get("numbers") or []
    rows = [
        n
        for n in numbers
        if n["label"].startswith("<P_") and n["value"] is not None and n["error"] is not None
    ]
    kinds = list(dict.fromkeys(n["label"].partition(">")[2] for n in rows))
    return [n for n in rows if n["label"].partition(">")[2] == kinds[0]] if kinds else []


def _cures(result: Result) -> list[str]:
    return list(dict.fromkeys(str(run["cure"]) for run in result["runs"]))


def _title(result: Result, observable: str) -> str:
    by_cure = result["observables"].get(observable) or {}
    first = next(iter(by_cure.values()), None)
    return str(first["title"]) if first else observable


def _array(values: Sequence[float | None]) -> Array:
    return np.array([np.nan if value is None else value for value in values], dtype=float)


def _thin(values: Array) -> Array:
    return values[:: max(1, -(-len(values) // _POINTS))]


def _apart(costs: Sequence[float]) -> list[float]:
    """Return the costs that have room for their numbers on a logarithmic axis."""
    kept: list[float] = []
    for cost in costs:
        if not kept or cost > 1.35 * kept[-1]:
            kept.append(cost)
    return kept
