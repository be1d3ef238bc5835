"""Distribution of molecular orientations: its free energy, <P_l> of the axis, the spectrum of all Wigner coefficients by l."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import eval_legendre

from ...numerics.wigner import wigner_d_all
from .fields import BOLTZMANN, ENERGY, Molecules, Replicas, axes_of, isolated, suffix, thermostatted, turnable
from .lattice import broken_by, everything_vanishes, group_of, mean_vanishes
from .measured import TITLES, Number, curve_of, measured, nothing
from .settings import ObservableSettings
from .statistics import (
    ENOUGH,
    Estimate,
    as_replicas,
    block_means,
    blocked_columns,
    correlation_time,
    squared_norm,
)  # fmt: skip

Array = NDArray[np.float64]
#: Rotations whose Wigner matrices are made at a time.
_CHUNK = 20_000
#: Molecules have not turned where the mean square of their mean axes exceeds this; a body that is free to turn has done so
#: after so many times (I / kT)^1/2.
_STUCK, _TURNS = 0.5, 100.0
#: Quantile 0.999 of chi squared with three degrees of freedom: random axes have a longer sum once in a thousand times.
_CHANCE = 16.27


def orientation(runs: Replicas, molecules: Molecules | None, settings: ObservableSettings) -> dict[str, Any]:
    r"""Measure how molecules are oriented in space.

    - :math:`\langle P_l(u_z) \rangle` of the axis u, averaged over molecules, then over records;
    - :math:`-kT \ln p(\cos\theta, \phi)` of u in kT, against the uniform value, in bins of equal solid angle; a bin without a
      sample is None;
    - the spectrum :math:`(2l+1) \sum_{mm'} |\langle D^l_{mm'} \rangle|^2` of the body's frame, of which finite sampling's bias is
      taken off; to first order it is :math:`\beta^2 P_l[V]` of a rigid body in the field V. Linear molecules have no frame: it is
      :math:`(2l+1) \sum_m \langle D^l_{m0} \rangle^2` of their axis;
    - the root mean square of :math:`p / p_0 - 1` over the bins, to first order that of the free energy in kT, without the bias.
    """
    name, title = "orientation", TITLES["orientation"]
    kinds = turnable(molecules)
    if molecules is None or not kinds:
        return nothing(name, title, "the structure has no molecule with an axis")
    if sum(len(run.times) for run in runs) < 3:
        return nothing(name, title, "a distribution needs three records")
    group = group_of(runs[0])
    numbers: list[Number] = []
    curves, maps = [], []
    reservations: dict[str, None] = {}
    for kind, formula in kinds:
        of = suffix(kinds, formula)
        axes = [axes_of(run, molecules, kind) for run in runs]
        reason = _reservation(runs, molecules, kind, axes)
        if reason:
            reservations[reason] = None
        means = _legendre(axes, settings, group, of)
        powers = _powers(runs, molecules, kind, axes, settings, group, of)
        row, rms = _map(axes, settings, of, group is None)
        numbers += [*means, rms, *powers]
        maps.append(row)
        l = np.arange(1, settings.l_max + 1)
        for label, rows in (("<P_l>", means), ("spectrum by l", powers)):
            estimates = [row.estimate for row in rows]
            curves.append(curve_of(f"{label}{of}", ("l", label), l, estimates, np.zeros(len(l))))
    return measured(
        name, title, numbers, curves=curves, maps=maps, say=broken_by(group, settings.l_max),
        reservation=" ".join(reservations),
    )  # fmt: skip


def _reservation(runs: Replicas, molecules: Molecules, kind: int, axes: list[Array]) -> str:
    """Return why runs do not sample orientations, one sentence; empty where they do."""
    free = not all(thermostatted(run) for run in runs)
    if free and len(runs) < ENOUGH:
        return (
            "At constant energy angular momentum is kept and orientations are not sampled: give a thermostat, or ten runs from "
            "random orientations."
        )
    short = free or min(len(turned) for turned in axes) < 2 * ENOUGH * axes_tau(axes)
    if short and _starts_alike(axes):
        return (
            "The runs start from one orientation and have not forgotten it at their first record: give a longer equilibration, "
            "or longer runs with a thermostat."
        )
    order = float(np.mean([(turned.mean(axis=0) ** 2).sum(axis=1).mean() for turned in axes]))
    if order <= _STUCK:
        return ""
    single = len(molecules.groups) == 1 and isolated(runs[0])
    if single:
        run = runs[0]
        group = list(molecules.groups[0])
        masses, first = run.masses[group], run.positions[0][group]
        inertia = float((masses * ((first - masses @ first / masses.sum()) ** 2).sum(axis=1)).sum())
        kt = 2 * float(run.kinetic.mean()) / (3 * len(run.masses)) / ENERGY
        if run.times[-1] - run.times[0] > _TURNS * np.sqrt(inertia / max(kt, BOLTZMANN / ENERGY)):
            return ""
    return "Molecules did not turn in this run, so that their orientation is that of the start: run longer or hotter."


def _starts_alike(axes: list[Array]) -> bool:
    """Whether the axes of the first records of several runs go together more than chance lets random ones."""
    if len(axes) < 2:
        return False
    first = np.concatenate([turned[0] for turned in axes])
    return bool(3 * len(first) * (first.mean(axis=0) ** 2).sum() > _CHANCE)


def _legendre(axes: list[Array], settings: ObservableSettings, group: Array | None, of: str) -> list[Number]:
    ls = range(1, settings.l_max + 1)
    columns = [
        np.stack([eval_legendre(l, turned[..., 2]).mean(axis=1) for l in ls], axis=1) for turned in axes
    ]
    numbers = []
    for l, estimate in zip(ls, blocked_columns(columns), strict=True):
        zero = mean_vanishes(l, group)
        numbers.append(
            Number(f"<P_{l}>{of}", estimate, 0.0 if zero else None, settings.tolerance("orientation"), l=l)
        )
    return numbers


def _map(
    axes: list[Array], settings: ObservableSettings, of: str, uniform: bool
) -> tuple[dict[str, Any], Number]:
    """Return the map of the free energy (kT), and the root mean square of p / p_0 - 1."""
    rows, columns = settings.cos_bins, settings.phi_bins
    bins = rows * columns
    shares = []
    for turned in axes:
        theta = np.clip(((turned[..., 2] + 1) / 2 * rows).astype(int), 0, rows - 1)
        turn = np.arctan2(turned[..., 1], turned[..., 0]) / (2 * np.pi) + 0.5
        phi = np.clip((turn * columns).astype(int), 0, columns - 1)
        records = np.arange(len(turned))[:, None]
        counts = np.bincount(((records * rows + theta) * columns + phi).ravel(), minlength=len(turned) * bins)
        shares.append(counts.reshape(len(turned), bins) * (bins / turned.shape[1]))
    estimates = blocked_columns(shares)
    values = [None if e.value == 0 else float(-np.log(e.value)) for e in estimates]
    errors = [None if e.value == 0 else e.error / e.value for e in estimates]
    turned_by = (np.arange(columns) + 0.5) / columns * 2 * np.pi - np.pi
    drawn = {
        "label": f"-ln p of the axis{of}, kT",
        "cos_theta": ((np.arange(rows) + 0.5) / rows * 2 - 1).tolist(),
        "phi": turned_by.tolist(),
        "values": [values[k * columns : (k + 1) * columns] for k in range(rows)],
        "error": [errors[k * columns : (k + 1) * columns] for k in range(rows)],
    }
    # the axis itself tells how long blocks must be; a bin's own correlation is shorter
    power = _power(shares, axes_tau(axes), 1.0 / bins, 1.0)
    value = float(np.sqrt(max(0.0, power.value)))
    error = (
        min(power.error / (2 * value), float(np.sqrt(power.error))) if value else float(np.sqrt(power.error))
    )
    rms = Estimate(value, error, power.independent, power.tau, power.blocks, power.enough)
    return drawn, Number(f"rms of -ln p{of}", rms, 0.0 if uniform else None, None, "kT")


def axes_tau(axes: list[Array]) -> float:
    """Return the longest autocorrelation time (records) of the mean axis and of its products, l = 1 and 2."""
    columns = []
    for turned in axes:
        products = np.einsum("rmi,rmj->rij", turned, turned, optimize=True) / turned.shape[1]
        columns.append(np.concatenate([turned.mean(axis=1), products.reshape(len(turned), 9)], axis=1))
    return float(correlation_time(columns).max())


def _power(columns: list[Array], tau: float, weight: float, offset: float = 0.0) -> Estimate:
    """Return ``weight`` times the squared mean of columns less ``offset``, without bias."""
    replicas = as_replicas(columns)
    total = sum(len(run) for run in replicas)
    length = min(max(1.0, 10 * tau if tau > 0.5 else 1.0), total / 3)
    means, _ = block_means(replicas, length)
    if len(means) < 3:  # replicas that are too short to be cut into three
        means, _ = block_means(replicas, 1.0)
    value, error = squared_norm(means - offset)
    independent = total / (2 * tau)
    return Estimate(
        weight * value, weight * error, independent, tau, len(means),
        independent >= ENOUGH or len(replicas) >= ENOUGH,
    )  # fmt: skip


def coefficients(
    runs: Replicas, molecules: Molecules, kind: int, axes: list[Array], l_max: int
) -> list[list[Array]]:
    """Return by run and l = 1..l_max the coefficients D^l (records, columns), averaged over the molecules of a record."""
    by_run = []
    for run, turned in zip(runs, axes, strict=True):
        size = max(1, _CHUNK // turned.shape[1])
        parts: list[list[Array]] = [[] for _ in range(l_max)]
        for start in range(0, len(turned), size):
            part = slice(start, start + size)
            if molecules.has_frame(kind):
                frames = molecules.frames(run.positions[part], run.cell, run.pbc, run.masses, kind=kind)
            else:
                frames = _with_axis(turned[part])
            for l, matrix in enumerate(wigner_d_all(l_max, frames)[1:]):
                if not molecules.has_frame(kind):  # the row of the body's m = 0, which the numerics give to y
                    matrix = matrix[..., l + 1, :]
                parts[l].append(matrix.mean(axis=1).reshape(len(matrix), -1))
        by_run.append([np.concatenate(part) for part in parts])
    return by_run


def _with_axis(axes: Array) -> Array:
    """Return some rotations (..., 3, 3) whose second rows are the axes."""
    least = np.argmin(np.abs(axes), axis=-1)
    x = np.cross(axes, np.eye(3)[least])
    x /= np.linalg.norm(x, axis=-1, keepdims=True)
    return np.stack([x, axes, np.cross(x, axes)], axis=-2)


def _powers(
    runs: Replicas, molecules: Molecules, kind: int, axes: list[Array], settings: ObservableSettings,
    group: Array | None, of: str,
) -> list[Number]:  # fmt: skip
    by_run = coefficients(runs, molecules, kind, axes, settings.l_max)
    low = [np.concatenate(of_run[:2], axis=1) for of_run in by_run]
    tau = float(correlation_time(low).max())
    tolerance = settings.tolerance("orientation")
    numbers = []
    for l in range(1, settings.l_max + 1):
        weight = float(2 * l + 1)
        estimate = _power([of_run[l - 1] for of_run in by_run], tau, weight)
        zero = 0.0 if everything_vanishes(l, group) else None
        numbers.append(Number(f"power at l = {l}{of}", estimate, zero, weight * tolerance**2, l=l))
    return numbers
