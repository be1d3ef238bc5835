"""What qualifies the runs of a job: sentences that stand under the verdict."""

from __future__ import annotations

import math
from typing import Any

from .settings import ObserveSettings

#: Relaxation times of the thermostat before a temperature can be judged: half of the velocities' first energy goes into
#: potential energy, and of that share, 150 K of 300 K, four times leave 3 K.
_RELAXED = 4.0


def warmed(settings: ObserveSettings) -> bool:
    r"""Whether the equilibration lasts four relaxation times of the thermostat, :math:`4 / \gamma`."""
    return settings.equilibration * settings.time_step * settings.friction >= _RELAXED * (1 - 1e-12)


def reserved_drift(row: dict[str, Any], settings: ObserveSettings) -> dict[str, Any]:
    r"""Return the drift as measured, undecided where a thermostat has not settled: the slope is then that of a transient.

    What an integrator calls energy differs from what it keeps by a share :math:`(\omega \, dt)^2 / 8` of the vibrational energy.
    It has a slope while that energy still flows in, before or after the first record.
    """
    lasts = settings.steps * settings.time_step * settings.friction >= _RELAXED * (1 - 1e-12)
    if (
        settings.ensemble != "nvt"
        or (lasts and warmed(settings))
        or row["outcome"] not in ("held", "contradicted")
    ):
        return row
    title, _, said = str(row["sentence"]).partition(": ")
    sentence = f"{title}: undecided, {said.removeprefix('outside the tolerance, ')}"
    return {
        **row,
        "outcome": "undecided",
        "sentence": f"{sentence} The thermostat has not settled, so that this is the slope of a transient: give --equilibration "
        f"and --steps of at least {_settling(settings)} each.",
    }


def _settling(settings: ObserveSettings) -> int:
    """Return the steps of four relaxation times, in hundreds."""
    return 100 * math.ceil(_RELAXED / (100 * settings.friction * settings.time_step))


def notes_on(settings: ObserveSettings) -> list[str]:
    """Return the sentences, empty where nothing qualifies the runs.

    Examples
    --------
    >>> from spectral_ceilings.diagnostic import ObserveSettings
    >>> notes_on(ObserveSettings())
    []
    """
    notes = []
    judged = not settings.observables or "temperature" in settings.observables
    if judged and settings.ensemble == "nvt" and not warmed(settings):
        notes.append(
            f"The thermostat had {settings.equilibration * settings.time_step:g} fs before the first record, and needs "
            f"{_RELAXED:g} times 1/friction, {_RELAXED / settings.friction:g} fs: the temperature is not judged; give "
            f"--equilibration {_settling(settings)} for that."
        )
    return notes
