"""Radial distribution functions of pairs of elements."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations_with_replacement
from typing import Any

import numpy as np
from ase.data import atomic_numbers, chemical_symbols
from numpy.typing import NDArray

from ...numerics.pair_counts import pair_counts
from ...theory._checks import counted
from ...theory.errors import InputError
from .fields import Molecules, Replicas, Trajectory, isolated, widths
from .measured import TITLES, Number, curve_of, measured, nothing
from .settings import ObservableSettings
from .statistics import ENOUGH, Estimate, block_means, blocked_columns

Array = NDArray[np.float64]
#: The first peak is the highest value up to this many times the distance where g first reaches the half of that of all.
_FIRST = 1.6


def pairs_of(run: Trajectory, settings: ObservableSettings) -> list[tuple[int, int]]:
    """Return the pairs of atomic numbers of the settings, or every pair that occurs.

    Raises
    ------
    InputError
        A pair is not two chemical symbols of atoms that are there.
    """
    present = sorted({int(number) for number in run.numbers}, reverse=True)
    counts = {number: int((run.numbers == number).sum()) for number in present}
    if not settings.pairs:
        every = combinations_with_replacement(present, 2)
        return [(a, b) for a, b in every if a != b or counts[a] > 1]
    pairs = []
    for text in settings.pairs:
        symbols = text.split("-")
        if len(symbols) != 2 or any(atomic_numbers.get(symbol, 0) not in present for symbol in symbols):
            raise InputError(
                f"the pair {text!r} is not two of {', '.join(chemical_symbols[k] for k in present)}: give O-H or the like"
            )
        a, b = (atomic_numbers[symbol] for symbol in symbols)
        if a == b and counts[a] < 2:
            raise InputError(f"the pair {text!r} needs two atoms of {symbols[0]}, and there is one")
        pairs.append((a, b))
    return pairs


def longest_reach(run: Trajectory, settings: ObservableSettings) -> float:
    """Return how far pairs are counted (Å): the settings' reach, just below half the smallest width of the cell."""
    most = 0.499 * float(widths(run.cell).min())
    return min(settings.reach or most, most)


def radial_distributions(
    run: Trajectory, pairs: Sequence[tuple[int, int]], reach: float, bins: int
) -> tuple[Array, list[Array]]:
    r"""Return distances (bins,) and g(r) of every record (records, bins) of each pair of elements, all in one pass.

    :math:`g(r) = V \langle n(r) \rangle / (N_b' V_\mathrm{shell})`: the number n of atoms b in a shell around an atom a, over
    that of independent atoms at the mean density; :math:`N_b' = N_b - 1` for like atoms, so that an ideal gas has g = 1 exactly.
    Bonds within a molecule are counted. ``reach`` is at most half the smallest width of the cell.
    """
    present, kinds = np.unique(run.numbers, return_inverse=True)
    counts = pair_counts(run.positions, kinds, run.cell, reach, bins)
    edges = np.linspace(0.0, reach, bins + 1)
    shells = 4 / 3 * np.pi * np.diff(edges**3) / abs(float(np.linalg.det(run.cell)))
    every = []
    for pair in pairs:
        a, b = (int(np.searchsorted(present, number)) for number in pair)
        many, others = (int((run.numbers == number).sum()) for number in pair)
        expected = many * (others - 1) / 2 if a == b else many * others  # pairs, each once
        every.append(counts[:, a, b] / (expected * shells))
    return (edges[1:] + edges[:-1]) / 2, every


def rdf(runs: Replicas, molecules: Molecules | None, settings: ObservableSettings) -> dict[str, Any]:
    """Measure g(r) of pairs of elements, and height and place of its first peak. Isotropy says nothing exact of it."""
    name, title = "rdf", TITLES["rdf"]
    if isolated(runs[0]) or not np.all(runs[0].pbc):
        return nothing(name, title, "g(r) needs a density: a cell that is periodic in three directions")
    if sum(len(run.times) for run in runs) < 2:
        return nothing(name, title, "a mean needs two records")
    reach = longest_reach(runs[0], settings)
    bins = max(1, int(reach / settings.bin_width))
    pairs = pairs_of(runs[0], settings)
    if not pairs:
        return nothing(name, title, "a single atom has no pair")
    numbers, curves = [], []
    histograms = [radial_distributions(run, pairs, bins * settings.bin_width, bins) for run in runs]
    r = histograms[0][0]
    for index, pair in enumerate(pairs):
        label = "-".join(chemical_symbols[number] for number in pair)
        series = [every[index] for _, every in histograms]
        estimates = blocked_columns(series)
        curves.append(curve_of(f"g {label}", ("distance, Å", "g(r)"), r, estimates))
        numbers += _first_peak(label, r, series, estimates)
    say = f"{counted(len(pairs), 'pair')} of elements up to {r[-1]:.1f} Å"
    return measured(name, title, numbers, curves=curves, say=say)


def _first_peak(label: str, r: Array, series: list[Array], estimates: list[Estimate]) -> list[Number]:
    """Return height and place of the first peak; the error of the place is that of a jackknife over blocks."""
    mean = np.array([estimate.value for estimate in estimates])
    if not mean.max() > 0:
        return []
    onset = r[int(np.argmax(mean > mean.max() / 2))]
    near = r <= _FIRST * onset
    top = int(np.argmax(np.where(near, mean, -1.0)))
    height = estimates[top]
    tau = max(estimates[k].tau for k in range(max(0, top - 1), min(len(r), top + 2)))
    total = sum(len(run) for run in series)
    blocks, weights = block_means(series, min(10 * tau, total / 2))
    count = len(blocks)
    places = np.array([
        _vertex(r, (mean - weight * block) / (1 - weight), top) for block, weight in zip(blocks, weights, strict=True)
    ])  # fmt: skip
    error = float(np.sqrt((count - 1) / count * ((places - places.mean()) ** 2).sum()))
    place = Estimate(
        _vertex(r, mean, top), error, height.independent, height.tau, count, total / (2 * tau) >= ENOUGH
    )
    return [
        Number(f"height of the first peak {label}", height),
        Number(f"first peak {label}", place, unit="Å"),
    ]


def _vertex(r: Array, g: Array, top: int) -> float:
    """Return the place of the vertex of the parabola through a maximum and its neighbours."""
    if not 0 < top < len(r) - 1:
        return float(r[top])
    left, middle, right = g[top - 1 : top + 2]
    bend = left - 2 * middle + right
    step = float(r[1] - r[0])
    return float(r[top]) + step * (float(np.clip(0.5 * (left - right) / bend, -1, 1)) if bend < 0 else 0.0)
