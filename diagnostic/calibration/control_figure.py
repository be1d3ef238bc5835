"""The figure of the controls: what capacity, activation, noise, sample size, optimiser and seed do to R2."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from ..pages.axes import Layout
from ..pages.figure_style import Palette
from .heading import NARROW, heading, new_figure
from .plan import FOUND_PAIR, LOST_PAIR, CalibrationCells
from .ring_cell import RingCell
from .trained import CalibrationCell

#: R2 of small samples reaches far below zero; the axis of a control panel ends here and says so with an arrow.
_LOWEST = -0.25


_PAIRS = (LOST_PAIR, FOUND_PAIR)


def draw_controls(calibration: CalibrationCells, palette: Palette, layout: Layout = "wide") -> Figure | None:
    """Draw what capacity, activation, noise, sample size, optimiser and seed do to R2; None without controls."""
    drawn = [(name, cells) for name in CONTROLS if (cells := calibration.panel(name))]
    if not drawn:
        return None
    wide = layout == "wide"
    columns = min(3 if wide else 2, len(drawn))
    rows = -(-len(drawn) // columns)
    width = NARROW if not wide else 6.6 if columns == 3 else 2.6 * columns
    head = heading(
        f"Controls on the {calibration.plan.field} field"
        + (": no polynomial exceeds its ceiling" if len(drawn) > 2 else ""),
        "",
        width,
    )
    above = head.inches + (0.36 if wide else 0.48)
    height = above + 0.1 + (2.05 if wide else 1.75) * rows
    figure = new_figure(width, height)
    grid = figure.add_gridspec(
        rows,
        columns,
        left=0.5 / width,
        right=0.985,
        bottom=0.5 / height,
        top=1 - above / height,
        wspace=0.3,
        hspace=0.52 if wide else 0.6,
    )
    for k, (name, cells) in enumerate(drawn):
        axes = figure.add_subplot(grid[k // columns, k % columns])
        _control(axes, cells, name, palette)
        if k % columns == 0:
            axes.set_ylabel("R², held out")
    lost = Line2D([], [], color=palette.degree_1, marker="s", ms=4, lw=0, label="d = 2, L = 2: ceiling 4")
    reached = Line2D([], [], color=palette.degree_2, marker="o", ms=4, lw=0, label="d = 2, L = 3: ceiling 6")
    closed = Line2D([], [], color=palette.muted, lw=1, label="closed form")
    figure.legend(
        handles=[lost, reached, closed] if len(drawn) > 2 else [lost, closed],
        loc="upper left", bbox_to_anchor=(0.012, 1 - (head.inches + 0.01) / height), ncols=3 if wide else 2, frameon=False,
        fontsize=7.5, handletextpad=0.4, columnspacing=1.2, borderpad=0,
    )  # fmt: skip
    head.write(figure, palette)
    return figure


def control_panel(axes: Axes, calibration: CalibrationCells, palette: Palette, name: str) -> None:
    """Draw one control, such as ``width`` or ``noise``, on given axes."""
    _control(axes, calibration.panel(name), name, palette)
    axes.set_ylabel("R², held out")


def pair_of(cell: CalibrationCell | RingCell) -> tuple[int, int]:
    """Return (d, L) of a cell."""
    return cell.settings.degree, cell.settings.l_max


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
        chosen = sorted((cell for cell in cells if pair_of(cell) == pair), key=x)
        if not chosen:
            continue
        style = _style(pair, palette)
        places = [x(cell) for cell in chosen]
        axes.plot(
            places, [max(c.closed_form, 2 * _LOWEST) for c in chosen], color=style["color"], lw=1, alpha=0.55
        )
        seen = [(a, c.r2) for a, c in zip(places, chosen, strict=True) if c.r2 >= _LOWEST]
        axes.plot([a for a, _ in seen], [b for _, b in seen], ls="none", **style)
        for a, c in zip(places, chosen, strict=True):
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
        pair = pair_of(cell)
        shift = {LOST_PAIR: -0.12, FOUND_PAIR: 0.12}.get(pair, 0.0)
        place = names.index(name(cell)) + shift
        style = _style(pair, palette)
        axes.plot([place - 0.1, place + 0.1], [cell.closed_form] * 2, color=style["color"], lw=1, alpha=0.55)
        axes.plot([place], [cell.r2], ls="none", **style)
    axes.set_xlim(-0.5, len(names) - 0.5)
    axes.set_xticks(range(len(names)), names)


def _activation_panel(axes: Axes, cells: list[CalibrationCell], palette: Palette) -> None:
    chosen = [cell for cell in cells if pair_of(cell) == LOST_PAIR]
    names = [
        n for n in ("power", "product", "silu", "tanh") if any(c.settings.activation == n for c in chosen)
    ]
    labels = {"power": "zᵈ", "product": "Π z", "silu": "SiLU", "tanh": "tanh"}
    _categories(axes, chosen, names, lambda cell: cell.settings.activation, palette)
    axes.set_xticks(range(len(names)), [labels[n] for n in names])
    axes.set_xlabel("activation")


def _optimiser_panel(axes: Axes, cells: list[CalibrationCell], palette: Palette) -> None:
    labels = {"adam": "Adam", "sgd": "SGD", "lbfgs": "L-BFGS"}
    chosen = [cell for cell in cells if pair_of(cell) in _PAIRS]
    _categories(axes, chosen, list(labels.values()), lambda cell: labels[cell.settings.optimiser], palette)
    axes.set_xlabel("optimiser")


def _seeds_panel(axes: Axes, cells: list[CalibrationCell], palette: Palette) -> None:
    chosen = [cell for cell in cells if pair_of(cell) in _PAIRS]
    seeds = sorted({cell.settings.seed for cell in chosen})
    _categories(axes, chosen, [str(seed) for seed in seeds], lambda cell: str(cell.settings.seed), palette)
    axes.set_xlabel("seed")


#: The drawing of each control.
CONTROLS: dict[str, Callable[[Axes, list[CalibrationCell], Palette], None]] = {
    "width": _width_panel,
    "activation": _activation_panel,
    "noise": _noise_panel,
    "samples": _samples_panel,
    "optimiser": _optimiser_panel,
    "seeds": _seeds_panel,
}


def _control(axes: Axes, cells: list[CalibrationCell], name: str, palette: Palette) -> None:
    axes.axhline(0, color=palette.rule, lw=0.8, zorder=0)
    axes.axhline(1, color=palette.rule, lw=0.8, zorder=0)
    CONTROLS[name](axes, cells, palette)
    axes.set_ylim(_LOWEST, 1.12)
    axes.set_yticks([0, 0.5, 1])
