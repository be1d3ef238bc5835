"""Mean square displacement and diffusion, by direction, with tidynamics."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from .correlations import STRETCHES, lags_of, over_stretches
from .fields import Molecules, Replicas, Trajectory, centres, isolated, spacing
from .lattice import group_of, is_cubic
from .measured import Number, curve, measured, nothing
from .rotation import about_centre
from .settings import ObservableSettings
from .statistics import Estimate

Array = NDArray[np.float64]
#: Lags of the slope that is the diffusion coefficient, as shares of the longest; lags that it takes at least.
_FROM, _SHORTEST = 0.5, 4
#: The directions whose displacement is followed: the six of a symmetric tensor.
_PLANES = (("xy", 0, 1), ("yz", 1, 2), ("xz", 0, 2))


def displacements(places: Array, lags: int) -> Array:
    r"""Return the tensor of mean squared displacement (lags + 1, 6) of bodies (records, bodies, 3): xx, yy, zz, xy, yz, xz (Å²).

    Averaged over bodies and all origins; :math:`\langle \Delta x \Delta y \rangle` from the displacement along x + y.
    """
    import tidynamics

    columns = [places[..., k] for k in range(3)] + [places[..., i] + places[..., j] for _, i, j in _PLANES]
    total = np.stack(
        [
            sum(
                tidynamics.msd(np.ascontiguousarray(column[:, k]))[: lags + 1] for k in range(column.shape[1])
            )
            / column.shape[1]
            for column in columns
        ],
        axis=1,
    )
    for position, (_, i, j) in enumerate(_PLANES, start=3):
        total[:, position] = (total[:, position] - total[:, i] - total[:, j]) / 2
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
    :math:`\bar M` a third of the trace. Errors are those of eight stretches of every run.
    """
    name, title = "msd", "Mean square displacement"
    if isolated(runs[0]):
        return nothing(name, title, "the parts of an isolated body do not diffuse")
    lags = lags_of(runs, settings)
    if lags < _SHORTEST:
        return nothing(name, title, f"displacements need {2 * STRETCHES * _SHORTEST} records of every run")
    places = [bodies(run, molecules) for run in runs]
    if places[0].shape[1] < 2:
        return nothing(name, title, "a single body does not move against its own centre")
    parts = [displacements(stretch, lags) for place in places for stretch in np.array_split(place, STRETCHES)]
    times = np.arange(lags + 1) * spacing(runs[0]) / 1e3
    estimates = over_stretches(parts)
    tensor = [estimates[k::6] for k in range(6)]
    (whole,) = (over_stretches([part[:, :3].sum(axis=1) for part in parts]),)
    labels = ("time, ps", "mean square displacement, Å²")
    curves = [curve("all directions", labels, times, [e.value for e in whole], [e.error for e in whole])]
    mean = [estimate.value / 3 for estimate in whole]
    cubic = is_cubic(group_of(runs[0]))
    for k, label in enumerate(("xx", "yy", "zz", "xy", "yz", "xz")):
        answer = None if not cubic else mean if k < 3 else np.zeros(len(mean))
        curves.append(
            curve(label, labels, times, [e.value for e in tensor[k]], [e.error for e in tensor[k]], answer)
        )
    half = int(_FROM * lags)
    slopes = [np.array([np.polyfit(times[half:], part[half:, :3].sum(axis=1), 1)[0] / 6]) for part in parts]
    (diffusion,) = over_stretches(slopes)
    numbers = [Number("D", diffusion, unit="Å²/ps")]
    numbers += _anisotropy(np.stack([part[lags] for part in parts]), cubic, settings.tolerance(name))
    say = f"D is {diffusion.value:.3g} ± {diffusion.half_width():.2g} Å²/ps"
    if not cubic:
        say += "; in this cell isotropy does not make directions equal"
    return measured(
        name, title, numbers, curves=curves, say=say, reservation=_still(whole[-1].value, runs[0])
    )


def _anisotropy(values: Array, cubic: bool, tolerance: float) -> list[Number]:
    """Return the six parts of the tensor (stretches, 6) less a multiple of the identity, over a third of the trace."""
    mean = float(values[:, :3].mean())
    if not mean > 0:
        return []
    centred = values.copy()
    centred[:, :3] -= values[:, :3].mean(axis=1, keepdims=True)
    numbers = []
    for k, label in enumerate(("xx", "yy", "zz", "xy", "yz", "xz")):
        ratio = float(centred[:, k].mean()) / mean
        # to first order the ratio of two means scatters like the mean of what is left over
        left = centred[:, k] - ratio * values[:, :3].mean(axis=1)
        error = float(left.std(ddof=1) / np.sqrt(len(left))) / mean
        estimate = Estimate(ratio, error, float(len(left)), 0.5, len(left), True)
        numbers.append(Number(f"anisotropy {label}", estimate, 0.0 if cubic else None, tolerance))
    return numbers


def _still(squared: float, run: Trajectory) -> str:
    """Return a sentence where bodies moved less than a tenth of their mean distance: a solid, whose start decides."""
    volume = abs(float(np.linalg.det(run.cell))) if np.all(run.pbc) else 0.0
    distance = (volume / max(1, len(run.numbers))) ** (1 / 3)
    if squared < (0.1 * distance) ** 2:
        return "Nothing diffuses in this run, and in a solid the start decides which directions are equal."
    return ""
