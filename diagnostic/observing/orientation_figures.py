r"""Figures of orientations: maps of the free energy as fine as the run allows, its profile in cos theta, means of P_l.

The noise of -ln p in a bin that holds n independent records is :math:`1 / \sqrt{n}` kT. For less than 0.2 kT a bin has to hold 25
of them, so that N records allow N / 25 bins. N is read off the measured errors: B bins of equal share have relative errors whose
squares average B / N, an empty bin counted as a share of 0 without error.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from ..pages.axes import Layout
from ..pages.figure_style import Palette
from .deviations import half_of
from .drawn import LINES, MARKERS, as_array, colours, cures_of

Result = Mapping[str, Any]
Array = NDArray[np.float64]
#: Noise of a bin at most (kT); rows and columns of a map at least.
_NOISE, _FEWEST = 0.2, 4
#: The map that evaluations of the turned molecule predict, which has no noise.
PREDICTED_MAP = "predicted"


@dataclass(frozen=True)
class FreeEnergyMap:
    """-ln p over bins of equal solid angle.

    Attributes
    ----------
    cos_theta, phi
        Centres of the bins (rows,) and (columns,).
    share
        p times the number of bins, (rows, columns): 1 where p is uniform, 0 in an empty bin.
    error
        Standard error of ``share``.
    """

    cos_theta: Array
    phi: Array
    share: Array
    error: Array

    @classmethod
    def of(cls, row: Mapping[str, Any], key: str = "values") -> FreeEnergyMap:
        """Return the map of a result, whose empty bins are None."""
        values = np.array([as_array(line) for line in row[key]])
        share = np.where(np.isfinite(values), np.exp(-np.nan_to_num(values)), 0.0)
        share /= share.mean()
        relative = (
            np.array([as_array(line) for line in row["error"]]) if "error" in row else np.zeros_like(share)
        )
        return cls(as_array(row["cos_theta"]), as_array(row["phi"]), share, np.nan_to_num(relative) * share)

    @property
    def bins(self) -> tuple[int, int]:
        """Rows and columns."""
        return len(self.cos_theta), len(self.phi)

    @property
    def independent(self) -> float:
        """Independent records that the errors tell; infinite for a map without errors."""
        noise = float((self.error**2).mean())
        return self.share.size / noise if noise > 0 else float("inf")

    @property
    def free_energy(self) -> Array:
        """-ln p less its mean over the bins that are not empty (kT)."""
        values = np.full(self.bins, np.nan)
        values[self.share > 0] = -np.log(self.share[self.share > 0])
        return np.asarray(values - np.nanmean(values), dtype=np.float64)

    def coarser(self, bins: tuple[int, int]) -> FreeEnergyMap:
        """Return the map with ``bins`` rows and columns, which must divide its own; errors as of independent bins."""
        rows, columns = bins

        def pooled(values: Array) -> Array:
            blocks = values.reshape(rows, self.bins[0] // rows, columns, self.bins[1] // columns)
            return np.asarray(blocks.mean(axis=(1, 3)))

        size = self.share.size // (rows * columns)
        return FreeEnergyMap(
            self.cos_theta.reshape(rows, -1).mean(axis=1), self.phi.reshape(columns, -1).mean(axis=1),
            pooled(self.share), np.sqrt(pooled(self.error**2) / size),
        )  # fmt: skip


def bins_for(independent: float, bins: tuple[int, int]) -> tuple[int, int]:
    """Return rows and columns of the finest map whose noise is below 0.2 kT; one column where only a profile is left.

    Parameters
    ----------
    independent
        Records.
    bins
        Rows and columns that were counted; the answer divides them. A map has at least four of each and is at most three times as
        fine in phi as in cos theta.
    """
    most = independent * _NOISE**2
    rows = [r for r in range(1, bins[0] + 1) if bins[0] % r == 0 and r >= min(_FEWEST, bins[0])]
    columns = [c for c in range(1, bins[1] + 1) if bins[1] % c == 0 and c >= min(_FEWEST, bins[1])]
    maps = [(r, c) for r in rows for c in columns if r <= c <= 3 * r and r * c <= most]
    if maps:
        return max(maps, key=lambda pair: (pair[0] * pair[1], pair[0]))
    return max((r for r in rows if r <= most), default=rows[0]), 1


def shown_maps(result: Result) -> dict[str, FreeEnergyMap]:
    """Return at most four maps: the bare model, what is enough or most exact, and the prediction; measured ones alike in bins."""
    measured = result["observables"].get("orientation", {})
    by_cure = {cure: row for cure, row in measured.items() if row.get("maps")}
    if not by_cure:
        return {}
    table = result.get("cures") or {}
    enough = (table.get("sufficient") or {}).get("orientation", {}).get("cure")
    wanted = ["none", enough, table.get("reference"), *by_cure]
    names = list(dict.fromkeys(name for name in wanted if name in by_cure))[:3]
    shown = {name: FreeEnergyMap.of(by_cure[name]["maps"][0]) for name in names}
    independent = min(each.independent for each in shown.values())
    if not all(number.get("enough", True) for name in names for number in by_cure[name]["numbers"][:1]):
        independent = 0.0
    shown = {name: each.coarser(bins_for(independent, each.bins)) for name, each in shown.items()}
    if result.get("prediction"):
        shown[PREDICTED_MAP] = FreeEnergyMap.of(result["prediction"], "free_energy")
    return shown


def has_map(result: Result) -> bool:
    """Whether the runs are long enough for a map over both angles."""
    return any(each.bins[1] > 1 for name, each in shown_maps(result).items() if name != PREDICTED_MAP)


def orientation_panel(axes: Axes, result: Result, palette: Palette, *, cure: str = "") -> None:
    """Draw -ln p(cos theta, phi) less its mean under a cure, or as ``predicted``; without a cure the first of the figure."""
    shown = shown_maps(result)
    name = cure or next(iter(shown))
    _map(axes, shown[name], max(_spread(each) for each in shown.values()))
    axes.set_title(name, loc="left", fontsize=9, fontweight="bold")


def profile_panel(axes: Axes, result: Result, palette: Palette) -> None:
    """Draw -ln p(cos theta), averaged over phi, less its mean, with 95 % intervals, by cure and as predicted."""
    chosen = colours(result, palette)
    shown = shown_maps(result)
    for k, (name, each) in enumerate(shown.items()):
        profile = each.coarser((each.bins[0], 1))
        values = profile.free_energy[:, 0]
        if name == PREDICTED_MAP:
            axes.plot(profile.cos_theta, values, color=palette.muted, lw=1.6, label=f"{name}, none", zorder=2)
            continue
        half = 1.96 * profile.error[:, 0] / np.maximum(profile.share[:, 0], 1e-300)
        half[profile.share[:, 0] == 0] = np.nan
        axes.errorbar(profile.cos_theta + 0.03 * (k - 1), values, yerr=half, color=chosen[name], marker=MARKERS[k % 6], ms=4.5,
                      lw=1.1, ls=LINES[k % 6], label=name, zorder=3)  # fmt: skip
    axes.axhline(0, color=palette.muted, lw=0.7)
    axes.set_xlim(-1, 1)
    axes.set_xlabel("cos θ of the axis")
    axes.set_ylabel("−ln p less its mean, kT")


def moments_panel(axes: Axes, result: Result, palette: Palette) -> None:
    """Draw <P_l> against l: measured with 95 % intervals by cure, predicted to first order and exactly."""
    chosen = colours(result, palette)
    cures = [cure for cure in cures_of(result) if moments(result, cure)]
    for k, cure in enumerate(cures):
        rows = moments(result, cure)
        x = np.array([row["l"] for row in rows]) + 0.09 * (k - (len(cures) - 1) / 2)
        half = [half_of(row) or 0.0 for row in rows]
        axes.errorbar(x, [row["value"] for row in rows], yerr=half, ls="none", marker=MARKERS[k % 6], ms=4.5,
                      color=chosen[cure], lw=1.1, label=cure, zorder=3)  # fmt: skip
    predicted = result.get("prediction")
    if predicted:
        for key, label, style in (
            ("legendre", "predicted, none", "-"),
            ("legendre_first", "first order, none", ":"),
        ):
            for l, value in enumerate(predicted[key], 1):
                axes.hlines(value, l - 0.36, l + 0.36, color=palette.fill, lw=1.6, ls=style,
                            label=label if l == 1 else "_", zorder=2)  # fmt: skip
    axes.axhline(0, color=palette.muted, lw=0.7)
    low, high = axes.get_ylim()  # of a short run an interval may leave what a mean can be
    axes.set_ylim(max(low, -1.05), min(high, 1.05))
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.set_xlabel("ℓ")
    axes.set_ylabel(r"mean $P_\ell$ of the axis")


def moments(result: Result, cure: str) -> list[Mapping[str, Any]]:
    """Return the numbers <P_l> of the first kind of molecule under a cure."""
    numbers = result["observables"].get("orientation", {}).get(cure, {}).get("numbers") or []
    rows = [n for n in numbers if n["label"].startswith("<P_") and n["value"] is not None]
    kinds = list(dict.fromkeys(n["label"].partition(">")[2] for n in rows))
    return [n for n in rows if n["label"].partition(">")[2] == kinds[0]] if kinds else []


def draw_maps(result: Result, palette: Palette, layout: Layout) -> Figure:
    """Return the figure of the maps side by side, or under one another where it is narrow."""
    shown = shown_maps(result)
    wide = layout == "wide"
    columns = len(shown) if wide else 1
    lines = 1 if wide else len(shown)
    figure = Figure(figsize=(7.4, 2.6) if wide else (3.6, 2.1 * lines + 0.5), layout="constrained")
    FigureCanvasAgg(figure)
    limit = max(_spread(each) for each in shown.values())
    panels: list[Axes] = []
    image = None
    for k, (name, each) in enumerate(shown.items()):
        axes = figure.add_subplot(lines, columns, k + 1)
        image = _map(axes, each, limit)
        axes.set_title(name, loc="left", fontsize=8.5, fontweight="bold")
        if k % columns:
            axes.set_ylabel("")
        panels.append(axes)
    assert image is not None
    bar = figure.colorbar(image, ax=panels, shrink=0.9, pad=0.02)
    bar.set_label("−ln p less its mean, kT")
    return figure


def _map(axes: Axes, shown: FreeEnergyMap, limit: float) -> Any:
    rows, columns = shown.bins
    edges = np.linspace(-np.pi, np.pi, columns + 1), np.linspace(-1, 1, rows + 1)
    even = np.allclose(np.diff(shown.cos_theta), 2 / rows) and np.allclose(
        np.diff(shown.phi), 2 * np.pi / columns
    )
    x, y = edges if even else (shown.phi, shown.cos_theta)
    image = axes.pcolormesh(
        x, y, shown.free_energy, cmap="RdBu_r", vmin=-limit, vmax=limit, shading="flat" if even else "nearest"
    )
    axes.set_xlabel("φ")
    axes.set_ylabel("cos θ")
    axes.set_xticks([-np.pi, 0, np.pi], ["−π", "0", "π"])
    axes.set_yticks([-1, 0, 1], ["−1", "0", "1"])
    axes.set_xlim(-np.pi, np.pi)
    axes.set_ylim(-1, 1)
    return image


def _spread(shown: FreeEnergyMap) -> float:
    values = shown.free_energy
    return max(float(np.nanmax(np.abs(values))) if np.isfinite(values).any() else 0.0, 1e-6)
