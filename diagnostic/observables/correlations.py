"""Correlations of molecular orientations: against distance, and in time."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...numerics.harmonics import real_harmonics
from .distances import longest_reach
from .fields import (
    Molecules,
    Replicas,
    Trajectory,
    axes_of,
    centres,
    folded,
    isolated,
    spacing,
    suffix,
    turnable,
)
from .measured import TITLES, Number, curve_of, measured, nothing
from .origins import SHORTEST_RUN, correlated, drawn, lags_of
from .settings import ObservableSettings
from .statistics import blocked, blocked_columns

Array = NDArray[np.float64]
#: Records that the longest lag takes at least.
_SHORTEST = 2
#: Pairs of molecules that are worked on at a time.
_CHUNK = 2_000_000


def time_correlation(axes: Array, l: int, lags: int) -> Array:
    r"""Return :math:`C_l(t) = \langle P_l(u(0) \cdot u(t)) \rangle` of axes (records, molecules, 3), averaged over molecules.

    By the addition theorem it is the autocorrelation of the harmonics :math:`Y_{lm}(u)`. Groups of origins: (groups, lags + 1).
    """
    records, molecules = axes.shape[:2]
    harmonics = real_harmonics(l, axes.reshape(-1, 3))[:, l**2 :].reshape(records, molecules * (2 * l + 1))
    return np.asarray(correlated(np.ascontiguousarray(harmonics), lags) / (molecules * (2 * l + 1)))


def pair_correlations(
    axes: Array, places: Array, run: Trajectory, reach: float, bins: int
) -> tuple[Array, Array, Array]:
    r"""Return by record (records, bins): pairs, and the sums of :math:`(u_i \cdot \hat r)(u_j \cdot \hat r)` and of
    :math:`[u_i \cdot u_j - (u_i \cdot \hat r)(u_j \cdot \hat r)] / 2` over them.
    """
    records, molecules = axes.shape[:2]
    first, second = np.triu_indices(molecules, 1)
    sums = np.zeros((3, records, bins))
    size = max(1, _CHUNK // max(1, len(first)))
    for start in range(0, records, size):
        part = slice(start, min(records, start + size))
        vectors = places[part, second] - places[part, first]
        if not isolated(run):
            vectors = folded(vectors, run.cell)
        distances = np.linalg.norm(vectors, axis=2)
        near = distances < reach
        row = np.broadcast_to(np.arange(part.stop - start)[:, None], near.shape)[near]
        index = row * bins + np.minimum((distances[near] / reach * bins).astype(int), bins - 1)
        direction = vectors[near] / distances[near][:, None]
        ui, uj = axes[part, first][near], axes[part, second][near]
        along = (ui * direction).sum(axis=1) * (uj * direction).sum(axis=1)
        across = ((ui * uj).sum(axis=1) - along) / 2
        length = (part.stop - start) * bins
        for total, weights in zip(sums, (None, along, across), strict=True):
            total[part] = np.bincount(index, weights, minlength=length).reshape(-1, bins)
    return sums[0], sums[1], sums[2]


def orientational_correlation(
    runs: Replicas, molecules: Molecules | None, settings: ObservableSettings
) -> dict[str, Any]:
    r"""Measure how orientations of molecules go together, in space and in time.

    Against the distance r of centres of mass: longitudinal :math:`\langle (u_i \cdot \hat r)(u_j \cdot \hat r) \rangle` and
    transverse :math:`\langle u_i \cdot u_j - (u_i \cdot \hat r)(u_j \cdot \hat r) \rangle / 2`, means over the pairs of a shell.
    In time: :math:`C_l(t)`, l = 1 and 2. Isotropy says nothing exact of them.
    """
    name, title = "orientational-correlation", TITLES["orientational-correlation"]
    kinds = turnable(molecules)
    if molecules is None or not kinds:
        return nothing(name, title, "the structure has no molecule with an axis")
    lags = lags_of(runs, settings)
    if lags < _SHORTEST:
        return nothing(
            name, title, f"correlations in time need {SHORTEST_RUN * _SHORTEST} records of every run"
        )
    numbers: list[Number] = []
    curves = []
    times, shown = np.arange(lags + 1) * spacing(runs[0]) / 1e3, drawn(lags)
    for kind, formula in kinds:
        of = suffix(kinds, formula)
        axes = [axes_of(run, molecules, kind) for run in runs]
        count = axes[0].shape[1]
        moments = [turned.sum(axis=1) for turned in axes]
        size = blocked([(moment**2).sum(axis=1) / count for moment in moments])
        numbers.append(Number(f"mean square dipole over N{of}", size))
        if count > 1 and (isolated(runs[0]) or np.all(runs[0].pbc)):
            curves += _in_space(runs, molecules, kind, axes, settings, of)
        for l in (1, 2):
            parts = [time_correlation(turned, l, lags) for turned in axes]
            estimates = blocked_columns([part[:, shown] for part in parts])
            curves.append(curve_of(f"C_{l}(t){of}", ("time, ps", f"C_{l}"), times[shown], estimates))
            (integral,) = blocked_columns([np.trapezoid(part, times, axis=1)[:, None] for part in parts])
            numbers.append(Number(f"integral of C_{l} to {times[-1]:.3g} ps{of}", integral, unit="ps", l=l))
    return measured(name, title, numbers, curves=curves, say=f"in time up to {times[-1]:.3g} ps")


def _in_space(
    runs: Replicas, molecules: Molecules, kind: int, axes: list[Array], settings: ObservableSettings, of: str
) -> list[dict[str, Any]]:
    places = [centres(run, molecules, kind) for run in runs]
    if isolated(runs[0]):
        reach = settings.reach or max(1.0, float(max(np.ptp(place, axis=1).max() for place in places)))
    else:
        reach = longest_reach(runs[0], settings)
    bins = max(1, int(reach / settings.bin_width))
    reach = bins * settings.bin_width
    sums = [
        pair_correlations(turned, place, run, reach, bins)
        for turned, place, run in zip(axes, places, runs, strict=True)
    ]
    pairs = sum(row[0].sum(axis=0) for row in sums)
    filled = pairs > 0
    r = (np.arange(bins) + 0.5) * settings.bin_width
    records = sum(len(row[0]) for row in sums)
    curves = []
    for index, label in ((1, "longitudinal"), (2, "transverse")):
        ratio = sum(row[index].sum(axis=0) for row in sums)[filled] / pairs[filled]
        # to first order the ratio of two means scatters like the mean of what is left over
        left = [(row[index][:, filled] - ratio * row[0][:, filled]) * records / pairs[filled] for row in sums]
        rows = [
            replace(rest, value=float(value))
            for rest, value in zip(blocked_columns(left), ratio, strict=True)
        ]
        curves.append(curve_of(f"{label}{of}", ("distance, Å", f"{label} correlation"), r[filled], rows))
    return curves
