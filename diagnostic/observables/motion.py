"""Mean square displacement and diffusion, by direction."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .fields import Molecules, Replicas, Trajectory, centres, isolated, spacing
from .lattice import group_of, is_cubic
from .measured import TITLES, Number, curve_of, measured, nothing, said
from .origins import SHORTEST_RUN, displaced, drawn, lags_of
from .rotation import about_centre
from .settings import ObservableSettings
from .statistics import blocked_columns

Array = NDArray[np.float64]
#: Lags of the slope that is the diffusion coefficient, as shares of the longest; lags that it takes at least.
_FROM, _SHORTEST = 0.5, 2
#: The directions whose displacement is followed: the six of a symmetric tensor.
_PLANES = (("xy", 0, 1), ("yz", 1, 2), ("xz", 0, 2))


def displacements(places: Array, lags: int) -> Array:
    r"""Return the tensor of mean squared displacement (groups of origins, lags + 1, 6) of bodies (records, bodies, 3) in Å²: xx,
    yy, zz, xy, yz, xz.

    Averaged over bodies; :math:`\langle \Delta x \Delta y \rangle` from the displacement along x + y.
    """
    columns = [places[..., k] for k in range(3)] + [places[..., i] + places[..., j] for _, i, j in _PLANES]
    total = np.stack([displaced(column, lags) / column.shape[1] for column in columns], axis=2)
    for position, (_, i, j) in enumerate(_PLANES, start=3):
        total[..., position] = (total[..., position] - total[..., i] - total[..., j]) / 2
    return np.asarray(total)


def bodies(run: Trajectory, molecules: Molecules | None) -> Array:
    """Return centres of mass of molecules, or atoms, (records, bodies, 3), about the centre of mass of all."""
    inside = about_centre(run)
    if molecules is None:
        return inside
    shift = run.positions[:, :1] - inside[:, :1]
    return (
        np.concatenate([centres(run, molecules, kind) for kind in sorted(set(molecules.kinds))], axis=1)
        - shift
    )


def msd(runs: Replicas, molecules: Molecules | None, settings: ObservableSettings) -> dict[str, Any]:
    r"""Measure the mean squared displacement of molecules' centres of mass (atoms where none are given), and its anisotropy.

    Positions count from the centre of mass of all, which a thermostat on every atom lets diffuse. D is a sixth of the slope over
    the second half of the lags. In a cell whose rotations leave no l = 2, isotropy makes :math:`\langle \Delta x_i \Delta x_j
    \rangle` a multiple of the identity: :math:`M_{ii} / \bar M - 1` and :math:`M_{ij} / \bar M` are zero at the longest lag, with
    :math:`\bar M` a third of the trace. Errors come from the autocorrelation time of the displacements from successive origins.
    """
    name, title = "msd", TITLES["msd"]
    if isolated(runs[0]):
        return nothing(name, title, "the parts of an isolated body do not diffuse")
    lags = lags_of(runs, settings)
    if lags < _SHORTEST:
        return nothing(name, title, f"displacements need {SHORTEST_RUN * _SHORTEST} records of every run")
    places = [bodies(run, molecules) for run in runs]
    if places[0].shape[1] < 2:
        return nothing(name, title, "a single body does not move against its own centre")
    parts = [displacements(place, lags) for place in places]
    times = np.arange(lags + 1) * spacing(runs[0]) / 1e3
    shown = drawn(lags)
    whole = blocked_columns([part[:, shown, :3].sum(axis=2) for part in parts])
    labels = ("time, ps", "mean square displacement, Å²")
    curves = [curve_of("all directions", labels, times[shown], whole)]
    mean = [estimate.value / 3 for estimate in whole]
    cubic = is_cubic(group_of(runs[0]))
    for k, label in enumerate(("xx", "yy", "zz", "xy", "yz", "xz")):
        answer = None if not cubic else mean if k < 3 else np.zeros(len(mean))
        tensor = blocked_columns([part[:, shown, k] for part in parts])
        curves.append(curve_of(label, labels, times[shown], tensor, answer))
    half = int(_FROM * lags)
    line = np.linalg.pinv(np.stack([np.ones(lags + 1 - half), times[half:]], axis=1))[1]
    slopes = [part[:, half:, :3].sum(axis=2) @ line[:, None] / 6 for part in parts]
    (diffusion,) = blocked_columns(slopes)
    numbers = [Number("D", diffusion, unit="Å²/ps")]
    numbers += _anisotropy([part[:, lags] for part in parts], cubic, settings.tolerance(name))
    say = f"D is {said(diffusion, 'Å²/ps')}"
    if not cubic:
        say += "; in this cell isotropy does not make directions equal"
    return measured(
        name, title, numbers, curves=curves, say=say, reservation=_still(whole[-1].value, runs[0])
    )


def _anisotropy(values: list[Array], cubic: bool, tolerance: float) -> list[Number]:
    """Return the six parts of the tensor (groups, 6) of each run less a multiple of the identity, over a third of the trace."""
    every = np.concatenate(values)
    mean = float(every[:, :3].mean())
    if not mean > 0:
        return []
    numbers = []
    for k, label in enumerate(("xx", "yy", "zz", "xy", "yz", "xz")):
        thirds = [rows[:, :3].mean(axis=1) for rows in values]
        centred = [rows[:, k] - third * (k < 3) for rows, third in zip(values, thirds, strict=True)]
        ratio = float(np.concatenate(centred).mean()) / mean
        # to first order the ratio of two means scatters like the mean of what is left over
        left = [(row - ratio * third) / mean for row, third in zip(centred, thirds, strict=True)]
        (rest,) = blocked_columns(left)
        numbers.append(
            Number(f"anisotropy {label}", replace(rest, value=ratio), 0.0 if cubic else None, tolerance)
        )
    return numbers


def _still(squared: float, run: Trajectory) -> str:
    """Return a sentence where bodies moved less than a tenth of their mean distance: a solid, whose start decides."""
    volume = abs(float(np.linalg.det(run.cell))) if np.all(run.pbc) else 0.0
    distance = (volume / max(1, len(run.numbers))) ** (1 / 3)
    if squared < (0.1 * distance) ** 2:
        return "Nothing diffuses in this run, and in a solid the start decides which directions are equal."
    return ""
