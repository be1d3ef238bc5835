"""Angular momentum and torque of an isolated body: an isotropic model keeps the first and has none of the second."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .energies import mean_of, slope, thinned
from .fields import HBAR, Molecules, Replicas, Trajectory, isolated, thermostatted
from .measured import TITLES, Number, curve, judged, measured, nothing
from .settings import ObservableSettings
from .statistics import Estimate, blocked, blocked_columns, exact

Array = NDArray[np.float64]
#: A body has turned where its atoms' positions about the centre overlap less than so much with the first ones: cos 60°.
_TURNED = 0.5
_SINGLE = "a single atom does not turn about its own centre"
#: Independent runs whose scatter is an error.
_RUNS = 3


def about_centre(run: Trajectory) -> Array:
    """Return positions (records, atoms, 3) about the centre of mass."""
    centre = np.einsum("a,rax->rx", run.masses / run.masses.sum(), run.positions, optimize=True)
    return np.asarray(run.positions - centre[:, None])


def angular_momenta(run: Trajectory) -> Array:
    r"""Return :math:`L = \sum_i m_i (r_i - R) \times v_i` (records, 3) in ħ."""
    momenta = run.masses[:, None] * run.velocities
    return np.asarray(np.cross(about_centre(run), momenta).sum(axis=1) / HBAR)


def torques(run: Trajectory) -> Array:
    r"""Return :math:`\sum_i (r_i - R) \times F_i` (records, 3) in eV."""
    return np.asarray(np.cross(about_centre(run), run.forces).sum(axis=1))


def _unturned(runs: Replicas, numbers: Sequence[Number]) -> str:
    """Return one sentence where all is within its tolerance, but only at the orientation of the start; else nothing.

    What is outside is so at any orientation: an isotropic model has no torque at all.
    """
    if judged(numbers) != "held":
        return ""
    least = []
    for run in runs:
        inside = about_centre(run)
        norms = np.sqrt((inside**2).sum(axis=2) @ run.masses)
        overlap = np.einsum("rax,ax,a->r", inside, inside[0], run.masses, optimize=True) / (norms * norms[0])
        least.append(float(overlap.min()))
    if np.mean(least) <= _TURNED:
        return ""
    return "The body did not turn in this run, so that this holds of the orientation of the start: run longer or hotter."


def angular_momentum(
    runs: Replicas, molecules: Molecules | None, settings: ObservableSettings
) -> dict[str, Any]:
    """Measure the angular momentum about the centre of mass, and how it changes.

    At constant energy an isotropic model keeps it exactly, step by step, also with the velocity Verlet method; so the change in
    any run decides, whatever it is in another. The statistical error of its mean square, which comparisons of cures need, is
    that of independent runs, of three at least; fewer have none. A thermostat turns the body itself: nothing is judged then.
    """
    name, title = "angular-momentum", TITLES["angular-momentum"]
    if not isolated(runs[0]):
        return nothing(name, title, "a periodic cell does not keep it")
    if len(runs[0].numbers) < 2:
        return nothing(name, title, _SINGLE)
    if min(len(run.times) for run in runs) < 2:
        return nothing(name, title, "a change needs two records")
    free = not any(thermostatted(run) for run in runs)
    momenta = [angular_momenta(run) for run in runs]
    expected, tolerance = (0.0, settings.tolerance(name)) if free else (None, None)
    numbers = [
        Number("rms change of L", _rms_change(momenta), expected, tolerance, "ħ", certain=free),
        Number("|L|", blocked([np.linalg.norm(row, axis=1) for row in momenta]), unit="ħ"),
    ]
    if min(len(row) for row in momenta) >= 20:
        numbers += [
            Number(
                f"rate of L_{axis}",
                mean_of([slope(run.times / 1e3, row[:, k]) for run, row in zip(runs, momenta, strict=True)]),
                0.0 if free else None,
                unit="ħ/ps",
            )
            for k, axis in enumerate("xyz")
        ]
    curves = []
    t, *rows = thinned(runs[0].times / 1e3, *momenta[0].T, np.linalg.norm(momenta[0], axis=1))
    for label, row in zip(("L_x", "L_y", "L_z", "|L|"), rows, strict=True):
        curves.append(curve(label, ("time, ps", "angular momentum, ħ"), t, row,
                            expected=np.full(len(t), row[0]) if free else None))  # fmt: skip
    say = "" if free else "the thermostat turns the body, so that nothing is held against the exact answer"
    return measured(name, title, numbers, curves=curves, say=say, reservation=_unturned(runs, numbers))


def _rms_change(momenta: Sequence[Array]) -> Estimate:
    """Return the root mean square change of angular momenta (records, 3) since the first record, over all runs."""
    changes = [((row - row[0]) ** 2).sum(axis=1) for row in momenta]
    if len(changes) < _RUNS:
        every = np.concatenate(changes)
        return exact(float(np.sqrt(every.mean())), len(every))
    lengths = np.array([len(row) for row in changes], dtype=np.float64)
    means = np.array([row.mean() for row in changes])
    weights = lengths / lengths.sum()
    square = float(weights @ means)
    count = len(means)
    error = float(np.sqrt((weights**2 * (means - square) ** 2).sum() * count / (count - 1)))
    return root(Estimate(square, error, float(count), 0.5, count, True))


def torque(runs: Replicas, molecules: Molecules | None, settings: ObservableSettings) -> dict[str, Any]:
    r"""Measure the root mean square of the total torque about the centre of mass (eV).

    Its square is averaged, :math:`\tau = \langle |\sum_i (r_i - R) \times F_i|^2 \rangle^{1/2}`; an isotropic energy has none. To
    second order in the field its mean over all orientations is :math:`\sum_l l(l+1) P_l`.
    """
    name, title = "torque", TITLES["torque"]
    if not isolated(runs[0]):
        return nothing(
            name, title, "forces of periodic images make the total torque of a cell depend on its origin"
        )
    if len(runs[0].numbers) < 2:
        return nothing(name, title, _SINGLE)
    values = [torques(run) for run in runs]
    if sum(len(row) for row in values) < 3:
        return nothing(name, title, "a mean needs three records")
    square = blocked([(row**2).sum(axis=1) for row in values])
    rms = root(square)
    numbers = [Number("rms torque", rms, 0.0, settings.tolerance(name), "eV")]
    numbers += [
        Number(f"mean torque about {axis}", estimate, unit="eV")
        for axis, estimate in zip("xyz", blocked_columns(values), strict=True)
    ]
    t, size = thinned(runs[0].times / 1e3, np.linalg.norm(values[0], axis=1))
    curves = [
        curve("|torque|", ("time, ps", "torque, eV"), t, size, expected=np.zeros(len(t))),
    ]
    return measured(name, title, numbers, curves=curves, reservation=_unturned(runs, numbers))


def root(square: Estimate) -> Estimate:
    """Return the square root of a mean square, with the error that follows to first order."""
    value = float(np.sqrt(max(0.0, square.value)))
    error = square.error / (2 * value) if value else float(np.sqrt(square.error))
    return Estimate(value, error, square.independent, square.tau, square.blocks, square.enough)
