"""Drift of the conserved quantity, temperature by equipartition, potential energy."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from .fields import BOLTZMANN, ENERGY, Molecules, Replicas, Trajectory, thermostatted
from .measured import TITLES, Number, curve, measured, nothing, said
from .settings import ObservableSettings
from .statistics import Estimate, blocked

Array = NDArray[np.float64]
#: Blocks of the record that a slope is fitted to, and how many points a drawn curve has.
_BLOCKS, _POINTS = 40, 400
#: Records that a slope needs, and the ratios of random walk to noise among which the likelihood chooses.
_FEWEST = 20
_RATIOS = np.concatenate([[0.0], np.logspace(-5, 4, 46)])


def slope(times: Array, series: Array) -> Estimate:
    r"""Return the slope of a series against time, with an error that holds for noise and for a random walk about the line.

    Block means are fitted by generalised least squares, :math:`y_k = a + b t_k + e_k + w_k` with independent e (fluctuations)
    and a random walk w (energy errors that add up); the ratio of their variances is that of the largest restricted likelihood
    (H. D. Patterson and R. Thompson, Biometrika 58, 545 (1971)). Without the walk this is an ordinary fit; with the walk alone
    it is the last value minus the first, over the time.
    """
    count = min(_BLOCKS, len(series) // 2)
    edges = np.linspace(0, len(series), count + 1).astype(int)
    sizes = np.diff(edges)
    y = np.add.reduceat(series, edges[:-1]) / sizes
    x = np.add.reduceat(times, edges[:-1]) / sizes
    y, x = y - y.mean(), x - x.mean()
    design = np.stack([np.ones(count), x], axis=1)
    steps = np.minimum.outer(np.arange(1.0, count + 1), np.arange(1.0, count + 1))
    best: tuple[float, float, float] | None = None
    for ratio in _RATIOS:
        factor = np.linalg.cholesky(np.eye(count) + ratio * steps)
        white, target = np.linalg.solve(factor, design), np.linalg.solve(factor, y)
        normal = white.T @ white
        fitted = np.linalg.solve(normal, white.T @ target)
        left = float(((target - white @ fitted) ** 2).sum())
        if left <= (1e-14 * float(np.abs(series).max())) ** 2 * count:
            return Estimate(float(fitted[1]), 0.0, float(count), 0.5, count - 1, True)
        likelihood = (
            -2 * np.log(np.diag(factor)).sum() - np.linalg.slogdet(normal)[1] - (count - 2) * np.log(left)
        )
        error = float(np.sqrt(left / (count - 2) * np.linalg.inv(normal)[1, 1]))
        if best is None or likelihood > best[0]:
            best = float(likelihood), float(fitted[1]), error
    assert best is not None
    return Estimate(best[1], best[2], float(count), 0.5, count - 1, True)


def mean_of(estimates: list[Estimate]) -> Estimate:
    """Return the mean of independent estimates of one number."""
    count = len(estimates)
    return Estimate(
        float(np.mean([estimate.value for estimate in estimates])),
        float(np.sqrt(sum(estimate.error**2 for estimate in estimates))) / count,
        float(sum(estimate.independent for estimate in estimates)),
        float(np.mean([estimate.tau for estimate in estimates])),
        sum(estimate.blocks - 1 for estimate in estimates) + 1,
        all(estimate.enough for estimate in estimates),
    )


def thinned(x: Array, *ys: Array) -> tuple[Array, ...]:
    """Return x and its curves at some 400 points at most."""
    every = max(1, len(x) // _POINTS)
    return (x[::every], *(y[::every] for y in ys))


def drift(runs: Replicas, molecules: Molecules | None, settings: ObservableSettings) -> dict[str, Any]:
    """Measure the slope of the conserved quantity (meV/atom/ns); forces that are a gradient leave it at zero."""
    name, title = "drift", TITLES["drift"]
    if min(len(run.times) for run in runs) < _FEWEST:
        return nothing(name, title, f"a slope needs {_FEWEST} records of every run")
    scale = 1e9 / len(runs[0].numbers)  # eV/fs to meV/atom/ns
    estimate = mean_of([slope(run.times, run.conserved).scaled(scale) for run in runs])
    curves = []
    for index, run in enumerate(runs):
        t, y = thinned(run.times / 1e3, 1e3 / len(run.numbers) * (run.conserved - run.conserved[0]))
        curves.append(curve(_replica("conserved quantity", index, len(runs)), ("time, ps", "energy, meV/atom"), t, y,
                            expected=np.zeros(len(t))))  # fmt: skip
    number = Number("drift", estimate, 0.0, settings.tolerance(name), "meV/atom/ns")
    return measured(name, title, [number], curves=curves)


def _replica(label: str, index: int, count: int) -> str:
    return f"{label}, run {index + 1}" if count > 1 else label


def centre_at_rest(run: Trajectory) -> bool:
    """Whether the centre of mass stands still throughout, and is thus no degree of freedom."""
    momentum = np.einsum("a,rax->rx", run.masses, run.velocities)
    whole = 2 * ENERGY * (run.masses[:, None] * run.velocities**2).sum() / 2 / max(1, 3 * len(run.masses))
    energy = ENERGY * (momentum**2).sum() / run.masses.sum() / 3
    return bool(energy <= 1e-6 * whole)


def temperature(runs: Replicas, molecules: Molecules | None, settings: ObservableSettings) -> dict[str, Any]:
    r"""Measure the temperature :math:`2 K / f k_B` of all atoms and of every direction.

    f counts 3 N degrees of freedom, and 3 less where the centre of mass stands still in every record; a Langevin thermostat on
    every atom moves the centre too. At constant temperature equipartition is exact for any conservative force, whatever its
    symmetry.
    """
    name, title = "temperature", TITLES["temperature"]
    if sum(len(run.times) for run in runs) < 2:
        return nothing(name, title, "a mean needs two records")
    at_rest = all(centre_at_rest(run) for run in runs)
    freedom = len(runs[0].numbers) - at_rest
    if not freedom:
        return nothing(name, title, "a single atom at rest has no temperature")
    kelvin = [
        ENERGY / (freedom * BOLTZMANN) * np.einsum("a,rax->rx", run.masses, run.velocities**2) for run in runs
    ]
    canonical = settings.temperature is not None and all(thermostatted(run) for run in runs)
    expected = settings.temperature if canonical else None
    tolerance = settings.tolerance(name)
    numbers = [Number("temperature", blocked([row.mean(axis=1) for row in kelvin]), expected, tolerance, "K")]
    numbers += [
        Number(f"temperature along {axis}", blocked([row[:, k] for row in kelvin]), expected, tolerance, "K")
        for k, axis in enumerate("xyz")
    ]
    curves = []
    for index, (run, row) in enumerate(zip(runs, kelvin, strict=True)):
        t, y = thinned(run.times / 1e3, row.mean(axis=1))
        curves.append(curve(_replica("temperature", index, len(runs)), ("time, ps", "temperature, K"), t, y,
                            expected=None if expected is None else np.full(len(t), expected)))  # fmt: skip
    say = f"{said(numbers[0].estimate, 'K')}; {3 * freedom} degrees of freedom"
    return measured(name, title, numbers, curves=curves, say=say)


def potential(runs: Replicas, molecules: Molecules | None, settings: ObservableSettings) -> dict[str, Any]:
    """Measure the mean potential energy (meV/atom), which has no isotropic answer of its own."""
    name, title = "potential", TITLES["potential"]
    if sum(len(run.times) for run in runs) < 2:
        return nothing(name, title, "a mean needs two records")
    scale = 1e3 / len(runs[0].numbers)
    estimate = blocked([scale * run.potential for run in runs])
    curves = []
    for index, run in enumerate(runs):
        t, y = thinned(run.times / 1e3, scale * run.potential)
        label = _replica("potential energy", index, len(runs))
        curves.append(curve(label, ("time, ps", "energy, meV/atom"), t, y))
    say = said(estimate, "meV/atom")
    return measured(
        name, title, [Number("potential energy", estimate, unit="meV/atom")], curves=curves, say=say
    )
