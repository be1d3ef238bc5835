"""Figures of the synthetic calibration: the grid of (d, L), the controls, the ring of five neighbours."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.transforms import blended_transform_factory

from ..pages.figure_style import Palette
from .plan import FOUND_PAIR, LOST_PAIR, Calibration
from .ring_cell import RingCell
from .trained import CalibrationCell

#: R2 of small samples reaches far below zero; the axis of a control panel ends here and says so with an arrow.
_LOWEST = -0.25

_PAIRS = (LOST_PAIR, FOUND_PAIR)


def draw_grid(found: Calibration, palette: Palette) -> Figure:
    """Draw theory, closed form and trained network as three tables of (d, L) coloured by R2."""
    cells = found.panel("grid")
    figure = _figure(6.6, 2.95)
    values: tuple[tuple[str, Callable[[CalibrationCell], float]], ...] = (
        ("theory", lambda cell: float(cell.theory or 0)),
        ("closed form", lambda cell: cell.closed_form),
        ("trained", lambda cell: cell.r2),
    )
    for k, (title, value) in enumerate(values):
        axes = figure.add_axes((0.075 + 0.31 * k, 0.155, 0.285, 0.585))
        texts = {
            _pair(cell): (
                value(cell),
                str(cell.theory) if k == 0 else _number(value(cell)),
                k == 2 and cell.status == "not learned",
            )
            for cell in cells
        }
        _heat_map(axes, texts, palette)
        axes.set_title(title, fontsize=9, color=palette.ink, pad=5)
        axes.set_xlabel("L of the features")
        if k == 0:
            axes.set_ylabel("degree d of the readout")
        else:
            axes.set_yticklabels([])
    first = cells[0]
    short = sum(cell.status == "not learned" for cell in cells)
    wrong = sum(not cell.agrees for cell in cells)
    note = f"1 where dL ≥ {first.field_l}, 0 elsewhere, exactly; R² on {first.settings.held_out:,} held-out directions"
    note += (
        f"; {short} not learned (framed)" if short else "; no field was left unlearned" if not wrong else ""
    )
    _title(
        figure,
        f"The {first.settings.field} field of degree {first.field_l}: represented, and learned",
        note,
        palette,
    )
    return figure


def draw_controls(found: Calibration, palette: Palette) -> Figure | None:
    """Draw what capacity, activation, noise, sample size, optimiser and seed do to R2; None without controls."""
    panels: list[tuple[str, Callable[[Axes, list[CalibrationCell], Palette], None]]] = [
        ("width", _width_panel), ("activation", _activation_panel), ("noise", _noise_panel), ("samples", _samples_panel),
        ("optimiser", _optimiser_panel), ("seeds", _seeds_panel),
    ]  # fmt: skip
    drawn = [(draw, cells) for name, draw in panels if (cells := found.panel(name))]
    if not drawn:
        return None
    columns = min(3, len(drawn))
    rows = -(-len(drawn) // columns)
    height = 0.85 + 2.05 * rows
    figure = _figure(6.6 if columns == 3 else 2.6 * columns, height)
    grid = figure.add_gridspec(
        rows,
        columns,
        left=0.5 / figure.get_figwidth(),
        right=0.985,
        bottom=0.5 / height,
        top=1 - 0.75 / height,
        wspace=0.3,
        hspace=0.52,
    )
    for k, (draw, cells) in enumerate(drawn):
        axes = figure.add_subplot(grid[k // columns, k % columns])
        axes.axhline(0, color=palette.rule, lw=0.8, zorder=0)
        axes.axhline(1, color=palette.rule, lw=0.8, zorder=0)
        draw(axes, cells, palette)
        axes.set_ylim(_LOWEST, 1.12)
        axes.set_yticks([0, 0.5, 1])
        if k % columns == 0:
            axes.set_ylabel("R², held out")
    lost = Line2D([], [], color=palette.degree_1, marker="s", ms=4, lw=0, label="d = 2, L = 2: ceiling 4")
    reached = Line2D([], [], color=palette.degree_2, marker="o", ms=4, lw=0, label="d = 2, L = 3: ceiling 6")
    closed = Line2D([], [], color=palette.muted, lw=1, label="closed form")
    figure.legend(
        handles=[lost, reached, closed] if len(drawn) > 2 else [lost, closed],
        loc="upper left", bbox_to_anchor=(0.012, 1 - 0.4 / height), ncols=3, frameon=False, fontsize=7.5, handletextpad=0.4,
        columnspacing=1.2, borderpad=0,
    )  # fmt: skip
    title = "Controls on the C5 field" + (": no polynomial passes its ceiling" if len(drawn) > 2 else "")
    figure.text(0.02, 1 - 0.22 / height, title, fontsize=10.5, fontweight="bold", va="center")
    return figure


def draw_ring(found: Calibration, palette: Palette) -> Figure | None:
    """Draw the ring of five: R2 by (d, L) with and without breaking atoms, and by the kind of features."""
    ring = found.ring
    if not ring:
        return None
    figure = _figure(6.6, 3.0)
    untrained = [c for c in ring if not c.settings.trained and c.settings.activation == "power"]
    kind = "nequip" if any(c.settings.features == "nequip" for c in untrained) else "e3nn"
    shown = [c for c in untrained if c.settings.features == kind]
    for k, (title, breaking) in enumerate((("symmetry broken", True), ("ring alone", False))):
        axes = figure.add_axes((0.075 + 0.3 * k, 0.155, 0.275, 0.585))
        texts = {
            _pair(cell): (cell.r2, _number(cell.r2), cell.status == "not learned")
            for cell in shown
            if cell.settings.breaking == breaking
        }
        _heat_map(axes, texts, palette)
        axes.set_title(title, fontsize=9, color=palette.ink, pad=5)
        axes.set_xlabel("L of the features")
        if k == 0:
            axes.set_ylabel("degree d of the readout")
        else:
            axes.set_yticklabels([])
    axes = figure.add_axes((0.775, 0.155, 0.21, 0.585))
    _features_panel(axes, ring, palette)
    wrong = sum(not cell.agrees for cell in ring)
    note = f"R² of the trained readout, {_NAMES[kind]} features; " + (
        f"all {len(ring)} cells agree with theory"
        if not wrong
        else f"{wrong} of {len(ring)} cells disagree with theory"
    )
    _title(figure, "Five neighbours in a ring: ceiling and blindness are two limits", note, palette)
    return figure


#: Name and drawing function of every figure.
FIGURES: dict[str, Callable[[Calibration, Palette], Figure | None]] = {
    "grid": draw_grid,
    "controls": draw_controls,
    "ring": draw_ring,
}

_NAMES = {"nequip": "NequIP", "e3nn": "e3nn"}


def _pair(cell: CalibrationCell | RingCell) -> tuple[int, int]:
    return cell.settings.degree, cell.settings.l_max


def _number(value: float) -> str:
    """Two decimals; what rounds to one from below says so with a third."""
    text = f"{value:.2f}"
    if text == "1.00" and value < 0.9995:
        text = f"{value:.3f}"
    return text.replace("-0.00", "0.00").replace("-", "−")


def _heat_map(axes: Axes, texts: dict[tuple[int, int], tuple[float, str, bool]], palette: Palette) -> None:
    colours = LinearSegmentedColormap.from_list("recovered", [palette.band, palette.fill])
    top_d = max(d for d, _ in texts)
    top_l = max(l for _, l in texts)
    for (d, l), (value, text, framed) in texts.items():
        part = float(np.clip(value, 0.0, 1.0))
        axes.add_patch(_square(l, d, facecolor=colours(part), edgecolor=palette.paper, linewidth=1.2))
        if framed:
            axes.add_patch(
                _square(l, d, facecolor="none", edgecolor=palette.degree_1, linewidth=1.6, inset=0.06)
            )
        axes.text(
            l,
            d,
            text,
            ha="center",
            va="center",
            fontsize=7,
            color=palette.on_fill if part > 0.5 else palette.ink,
        )
    axes.set_xlim(0.5, top_l + 0.5)
    axes.set_ylim(top_d + 0.5, 0.5)
    for d in range(1, top_d + 1):
        for l in range(1, top_l + 1):
            if (d, l) not in texts:  # not run
                axes.text(l, d, "·", ha="center", va="center", fontsize=7, color=palette.muted)
    axes.set_xticks(range(1, top_l + 1))
    axes.set_yticks(range(1, top_d + 1))
    axes.tick_params(length=0)
    for spine in axes.spines.values():
        spine.set_visible(False)


def _square(x: float, y: float, *, inset: float = 0.0, **style: Any) -> Any:
    from matplotlib.patches import Rectangle

    return Rectangle((x - 0.5 + inset, y - 0.5 + inset), 1 - 2 * inset, 1 - 2 * inset, **style)


def _style(pair: tuple[int, int], palette: Palette) -> dict[str, Any]:
    if pair == LOST_PAIR:
        return {"color": palette.degree_1, "marker": "s", "ms": 3.6}
    if pair == FOUND_PAIR:
        return {"color": palette.degree_2, "marker": "o", "ms": 3.6}
    return {"color": palette.muted, "marker": "^", "ms": 3.8}


def _curve(
    axes: Axes, cells: Sequence[CalibrationCell], x: Callable[[CalibrationCell], float], palette: Palette
) -> None:
    for pair in _PAIRS:
        own = sorted((cell for cell in cells if _pair(cell) == pair), key=x)
        if not own:
            continue
        style = _style(pair, palette)
        places = [x(cell) for cell in own]
        axes.plot(
            places, [max(c.closed_form, 2 * _LOWEST) for c in own], color=style["color"], lw=1, alpha=0.55
        )
        seen = [(a, c.r2) for a, c in zip(places, own, strict=True) if c.r2 >= _LOWEST]
        axes.plot([a for a, _ in seen], [b for _, b in seen], ls="none", **style)
        for a, c in zip(places, own, strict=True):
            if c.r2 < _LOWEST:  # below the axis: an arrow at its edge
                axes.plot([a], [_LOWEST + 0.05], ls="none", marker="v", ms=3.6, color=style["color"])


def _width_panel(axes: Axes, cells: list[CalibrationCell], palette: Palette) -> None:
    _curve(axes, cells, lambda cell: cell.settings.width, palette)
    axes.set_xscale("log", base=2)
    axes.set_xticks([8, 64, 512, 4096] if len(cells) > 3 else [8, 128, 1024])
    axes.xaxis.set_major_formatter(lambda value, _: f"{value:.0f}")
    axes.set_xlabel("width of the network")


def _noise_panel(axes: Axes, cells: list[CalibrationCell], palette: Palette) -> None:
    levels = sorted({cell.settings.noise for cell in cells})
    _curve(axes, cells, lambda cell: levels.index(cell.settings.noise), palette)
    axes.set_xticks(range(len(levels)), [f"{level:g}" for level in levels])
    axes.set_xlabel("noise, in rms of the field")


def _samples_panel(axes: Axes, cells: list[CalibrationCell], palette: Palette) -> None:
    _curve(axes, cells, lambda cell: cell.settings.samples, palette)
    axes.set_xscale("log")
    axes.set_xticks([100, 1000, 10000], ["100", "1,000", "10,000"])
    axes.minorticks_off()
    axes.set_xlabel("training directions")


def _categories(
    axes: Axes,
    cells: Sequence[CalibrationCell],
    names: Sequence[str],
    name: Callable[[CalibrationCell], str],
    palette: Palette,
) -> None:
    for cell in cells:
        pair = _pair(cell)
        shift = {LOST_PAIR: -0.12, FOUND_PAIR: 0.12}.get(pair, 0.0)
        place = names.index(name(cell)) + shift
        style = _style(pair, palette)
        axes.plot([place - 0.1, place + 0.1], [cell.closed_form] * 2, color=style["color"], lw=1, alpha=0.55)
        axes.plot([place], [cell.r2], ls="none", **style)
    axes.set_xlim(-0.5, len(names) - 0.5)
    axes.set_xticks(range(len(names)), names)


def _activation_panel(axes: Axes, cells: list[CalibrationCell], palette: Palette) -> None:
    own = [cell for cell in cells if _pair(cell) == LOST_PAIR]
    names = [n for n in ("power", "product", "silu", "tanh") if any(c.settings.activation == n for c in own)]
    labels = {"power": "zᵈ", "product": "Π z", "silu": "SiLU", "tanh": "tanh"}
    _categories(axes, own, names, lambda cell: cell.settings.activation, palette)
    axes.set_xticks(range(len(names)), [labels[n] for n in names])
    axes.set_xlabel("activation")


def _optimiser_panel(axes: Axes, cells: list[CalibrationCell], palette: Palette) -> None:
    labels = {"adam": "Adam", "sgd": "SGD", "lbfgs": "L-BFGS"}
    own = [cell for cell in cells if _pair(cell) in _PAIRS]
    _categories(axes, own, list(labels.values()), lambda cell: labels[cell.settings.optimiser], palette)
    axes.set_xlabel("optimiser")


def _seeds_panel(axes: Axes, cells: list[CalibrationCell], palette: Palette) -> None:
    own = [cell for cell in cells if _pair(cell) in _PAIRS]
    seeds = sorted({cell.settings.seed for cell in own})
    _categories(axes, own, [str(seed) for seed in seeds], lambda cell: str(cell.settings.seed), palette)
    axes.set_xlabel("seed of data and weights")


def _features_panel(axes: Axes, ring: Sequence[RingCell], palette: Palette) -> None:
    """R2 at three settings for each kind of features, one row each."""
    rows = [("nequip", False), ("nequip", True), ("e3nn", False), ("e3nn", True)]
    rows = [row for row in rows if any((c.settings.features, c.settings.trained) == row for c in ring)]
    kinds = (
        (LOST_PAIR, True, "s", palette.degree_1, "(2, 2)"),
        (FOUND_PAIR, True, "o", palette.degree_2, "(2, 3)"),
        (FOUND_PAIR, False, "D", palette.muted, "(2, 3), ring alone"),
    )
    for pair, breaking, marker, colour, label in kinds:
        own = [
            c
            for c in ring
            if _pair(c) == pair and c.settings.breaking == breaking and c.settings.activation == "power"
        ]
        shift = {"s": -0.14, "o": 0.0, "D": 0.14}[marker]
        places = [rows.index((c.settings.features, c.settings.trained)) + shift for c in own]
        axes.plot(
            [c.r2 for c in own],
            places,
            ls="none",
            marker=marker,
            ms=3.6,
            color=colour,
            label=label,
            clip_on=False,
        )
    axes.set_xlim(-0.12, 1.08)
    axes.set_ylim(len(rows) - 0.5, -0.5)
    axes.set_xticks([0, 1])
    axes.set_yticks(
        range(len(rows)),
        [f"{_NAMES[kind]}\n{'trained' if trained else 'untrained'}" for kind, trained in rows],
        fontsize=7,
    )
    for x in (0, 1):
        axes.axvline(x, color=palette.rule, lw=0.8, zorder=0)
    axes.set_xlabel("R², held out")
    axes.legend(
        loc="lower left", bbox_to_anchor=(-0.35, 1.0), fontsize=7, frameon=False, handletextpad=0.1, borderpad=0,
        labelspacing=0.25, bbox_transform=blended_transform_factory(axes.transAxes, axes.transAxes),
    )  # fmt: skip


def _figure(width: float, height: float) -> Figure:
    figure = Figure(figsize=(width, height))
    FigureCanvasAgg(figure)
    return figure


def _title(figure: Figure, title: str, note: str, palette: Palette) -> None:
    height = figure.get_figheight()
    figure.text(0.02, 1 - 0.2 / height, title, fontsize=10.5, fontweight="bold", va="center")
    figure.text(0.02, 1 - 0.41 / height, note, fontsize=8, color=palette.muted, va="center")
