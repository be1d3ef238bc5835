"""All observables of a run by name."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from difflib import get_close_matches
from typing import Any

import numpy as np

from ...theory.errors import InputError
from ..records.progress import Progress, silent
from .correlations import orientational_correlation
from .distances import rdf
from .energies import drift, potential, temperature
from .fields import Molecules, Replicas
from .measured import TITLES, nothing
from .motion import msd
from .orientation import orientation
from .relaxed import relaxed_energies
from .rotation import angular_momentum, torque
from .settings import ObservableSettings
from .spectra import spectrum

Measure = Callable[[Replicas, Molecules | None, ObservableSettings], dict[str, Any]]

#: The observables of a trajectory, each a function of (runs, molecules, settings).
_OF_RUNS: Mapping[str, Measure] = {
    "orientation": orientation,
    "angular-momentum": angular_momentum,
    "torque": torque,
    "drift": drift,
    "rdf": rdf,
    "orientational-correlation": orientational_correlation,
    "msd": msd,
    "spectrum": spectrum,
    "temperature": temperature,
    "potential": potential,
}
#: Every observable.
OBSERVABLES: tuple[str, ...] = (*_OF_RUNS, "relaxation")


def checked_names(names: Sequence[str]) -> tuple[str, ...]:
    """Return the names of observables, each once.

    Raises
    ------
    InputError
        For none, or an unknown name; it names the nearest.
    """
    for name in names:
        if name not in OBSERVABLES:
            near = get_close_matches(name, OBSERVABLES, 1)
            hint = f"did you mean {near[0]}?" if near else f"expected some of {', '.join(OBSERVABLES)}"
            raise InputError(f"the observable {name!r} is unknown: {hint}")
    if not names:
        raise InputError(f"no observable was named: give some of {', '.join(OBSERVABLES)}")
    return tuple(dict.fromkeys(names))


def measure_observables(
    trajectories: Replicas | Any,
    molecules: Molecules | None,
    names: Sequence[str] = tuple(_OF_RUNS),
    settings: ObservableSettings | None = None,
    *,
    structures: Mapping[str, Any] | None = None,
    calculator: Any = None,
    progress: Progress | None = None,
) -> dict[str, dict[str, Any]]:
    """Measure observables of one run or of several runs of one system (replicas).

    Parameters
    ----------
    trajectories
        A ``Trajectory`` or several of the same atoms, from starts that are independent of each other. What a run ended early
        with counts; a run without a record does not.
    molecules
        As ``perceive_molecules`` gives them; None: observables of molecules test nothing.
    names
        Some of ``OBSERVABLES``.
    settings
        How to measure, and tolerances.
    structures, calculator
        For ``relaxation``: name to ``ase.Atoms``, and what relaxes them.
    progress
        Called with (what, done, total).

    Returns
    -------
    dict
        Name to the row of the observable: ``name``, ``title``, ``isotropic``, ``numbers``, ``curves``, ``maps``, ``outcome``,
        ``sentence``. An observable that does not apply has the outcome ``nothing tested`` and says why.

    Raises
    ------
    InputError
        For an unknown name, no trajectory, replicas of different atoms, or values that are not finite.
    """
    names = checked_names(names)
    settings = settings or ObservableSettings()
    runs = _checked(trajectories)
    tell = progress or silent
    rows: dict[str, dict[str, Any]] = {}
    for index, name in enumerate(names):
        tell(name, index, len(names))
        if name in _OF_RUNS:
            rows[name] = (
                _OF_RUNS[name](runs, molecules, settings)
                if runs
                else nothing(name, TITLES[name], "no run has a record")
            )
        elif calculator is None or not structures:
            rows[name] = nothing(name, TITLES[name], "no structures and calculator were given")
        else:
            rows[name] = relaxed_energies(structures, calculator, settings)
    return rows


def _checked(trajectories: Any) -> Replicas:
    given = list(trajectories) if isinstance(trajectories, list | tuple) else [trajectories]
    if not given:
        raise InputError("no trajectory was given: give one or several")
    first = given[0]
    for number, run in enumerate(given, start=1):
        if not np.array_equal(run.numbers, first.numbers) or not np.allclose(run.cell, first.cell):
            raise InputError(
                f"run {number} has other atoms or another cell than run 1: give replicas of one system"
            )
        for name in ("positions", "velocities", "forces", "potential", "conserved"):
            if not np.isfinite(getattr(run, name)).all():
                raise InputError(f"{name} of run {number} are not all finite: end the run before it explodes")
    return [run for run in given if len(run.times)]
